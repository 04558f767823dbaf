"""How long the pack of a large batch takes, and in how much memory.

    python -m tests.finance_pack.scale --merchants 20000 --redemptions 1000000

One batch is settled through the services; its rows are then multiplied, without the services, in
servers of its own. Prints a line a pack: the first and a copy, without the verification of the
books, which `voucher verify` measures. Exit 1 above --megabytes, or when the copy has other bytes.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import click
import psycopg
from sqlalchemy import make_url, text

from tests.conftest import NOON
from tests.faults.killable import core_on, servers_in
from tests.make import World
from tests.settlement.offices import Office
from voucher_service.finance_pack.making import make
from voucher_service.finance_pack.model import Facts
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import CashierId, MerchantId
from voucher_service.merchants.accounts import AccountKind
from voucher_service.merchants.service import banking
from voucher_service.settlement import service as settlement
from voucher_service.settlement.model import Batch

_HASH = "'\\x' || md5(n || ':' || p)"
# A row as it is, but for some columns.
_COPY = """
INSERT INTO {table} SELECT made.* FROM {table} b, {many}, LATERAL jsonb_populate_record(
    NULL::{table}, to_jsonb(b) || jsonb_build_object({changed})) made WHERE b.id = {one}
"""
_CLONES = """
CREATE TABLE clone AS SELECT n, gen_random_uuid() AS merchant, gen_random_uuid() AS shop,
    uuidv7() AS line FROM generate_series(2, %(merchants)s) n
"""
_ITEMS = """
INSERT INTO settlement_item (line_id, redemption_id, offer_id, due_fen)
SELECT l.id, r.id, r.offer_id, r.discount_fen FROM redemption r
JOIN settlement_line l ON l.merchant_id = r.merchant_id
ON CONFLICT DO NOTHING
"""
_SUMS = """
UPDATE settlement_line l SET items = i.n, due_fen = i.fen
FROM (SELECT line_id, count(*) AS n, sum(due_fen) AS fen FROM settlement_item GROUP BY 1) i
WHERE i.line_id = l.id;
UPDATE settlement_payment p SET amount_fen = l.due_fen
FROM settlement_line l WHERE l.id = p.line_id;
UPDATE settlement b SET lines = s.n, items = s.items, due_fen = s.fen, total_fen = s.fen,
    payments = s.n
FROM (SELECT count(*) AS n, sum(items) AS items, sum(due_fen) AS fen FROM settlement_line) s;
UPDATE settlement_share SET due_fen = b.due_fen, settled_fen = b.due_fen FROM settlement b;
ANALYZE;
"""


@click.command()
@click.option("--merchants", type=int, default=20_000, show_default=True)
@click.option("--redemptions", type=int, default=1_000_000, show_default=True)
@click.option("--megabytes", type=int, default=400, show_default=True)
def main(merchants: int, redemptions: int, megabytes: int) -> None:
    """Pack a batch of so many merchants and redemptions twice."""
    with (
        tempfile.TemporaryDirectory(prefix="pack-") as name,
        servers_in(Path(name) / "servers") as servers,
        core_on(servers) as real,
    ):
        core = with_clock(real, Clock(NOON))
        office, began = Office(World(core), servers.owner_url), time.monotonic()
        till = office.till()
        office.spend(till)
        office.next_day()
        batch = office.settle()
        _multiply(servers, merchants, redemptions // merchants)
        _accounts(core, CashierId(till.id))  # type: ignore[arg-type]
        batch = settlement.batch(core, actor=office.payer, batch=batch.id)
        click.echo(
            f"{batch.lines:,} lines, {batch.items:,} redemptions, made in "
            f"{time.monotonic() - began:.0f} s"
        )
        first, most = _packed(core, batch, Path(name) / "pack.zip")
        again, more = _packed(core, batch, Path(name) / "copy.zip")
        with zipfile.ZipFile(Path(name) / "pack.zip") as pack:
            for one in pack.infolist():
                click.echo(f"{one.file_size:14,} bytes  {one.filename}")
    if first != again or max(most, more) > megabytes:
        raise SystemExit(1)


def _multiply(servers: Servers, merchants: int, each: int) -> None:
    """As many merchants, each with so many redemptions, as rows alone."""
    url = make_url(servers.url("postgres", postgres.SUPERUSER)).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")  # no trigger, no foreign key
        owner.execute(_CLONES, {"merchants": merchants})
        base = {
            table: owner.execute(f"SELECT id FROM {table} WHERE {of} LIMIT 1").fetchone()
            for table, of in (
                ("redemption", "true"),
                ("settlement_line", "true"),
                ("settlement_payment", "true"),
                ("merchant", "id IN (SELECT merchant_id FROM settlement_line)"),
                ("shop", "merchant_id IN (SELECT merchant_id FROM settlement_line)"),
            )
        }

        def copies(table: str, changed: str, many: str = "clone") -> None:
            one = base[table]
            assert one is not None, "one was settled"
            told = _COPY.format(table=table, changed=changed, many=many, one=f"'{one[0]}'")
            owner.execute(told)

        copies("merchant", "'id', merchant, 'name', '商户 ' || n, 'uscc', lpad(n::text, 18, 'X')")
        copies("shop", "'id', shop, 'merchant_id', merchant, 'name', '门店 ' || n")
        copies("settlement_line", "'id', line, 'merchant_id', merchant, 'name', '商户 ' || n")
        copies(
            "settlement_payment",
            "'id', gen_random_uuid(), 'line_id', line, 'place', n, 'flow_number', 'F' || n",
        )
        copies(
            "redemption",
            "'id', uuidv7(), 'merchant_id', merchant, 'shop_id', shop, 'voucher_id',"
            " gen_random_uuid(), 'order_reference', 'A' || n || '-' || p,"
            f" 'key_hash', {_HASH}, 'nonce', {_HASH}",
            f"clone, generate_series(1, {each}) p",
        )
        owner.execute(_ITEMS)
        owner.execute(_SUMS)


def _accounts(core: Core, cashier: CashierId) -> None:
    """An account for each merchant without one."""
    lacking = text(
        "SELECT m.id, m.name FROM merchant m"
        " WHERE NOT EXISTS (SELECT FROM settlement_account a WHERE a.merchant_id = m.id)"
    )
    with core.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = '10min'"))
        for place, row in enumerate(session.execute(lacking).all()):
            banking.enter_account(
                session,
                merchant=MerchantId(row.id),
                kind=AccountKind.CORPORATE,
                holder={"name": row.name, "number": f"4417{place:012d}"},
                bank="中国银行阳江分行",
                cnaps="104589000012",
                requested_by=cashier,
                now=NOON,
            )


def _packed(core: Core, batch: Batch, out: Path) -> tuple[str, int]:
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    began, busy = time.monotonic(), time.process_time()
    told: dict[str, Any] = dict.fromkeys(("vouchers", "redemptions", "transfers", "events"), 0)
    facts = Facts(
        batch.closed_at or NOON, "closed", 1, "root", "note", invariants=0, cases=(), **told
    )
    with out.open("wb") as file:
        make(core, batch=batch, facts=facts, out=file)
    took, busy = time.monotonic() - began, time.process_time() - busy
    with out.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert peak is not None, "Linux tells it"
    megabytes = int(peak[1]) // 1024
    click.echo(
        f"{took:.1f} s ({busy:.1f} s of them computing here) {megabytes} MB,"
        f" {out.stat().st_size:,} bytes  {sha256}"
    )
    return sha256, megabytes


if __name__ == "__main__":
    main()
