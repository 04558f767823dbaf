"""Plant mismatches of each kind in a channel's file, import it, and see that just those are found.

    python -m tests.reconciliation.planted --lines 1000000 --seed 1

Starts its own PostgreSQL with so many redemptions of one day, writes WeChat's bill of them with a
thousandth of the lines spoilt in each way, and imports it in a process of its own, whose memory is
measured. Exit 1 when one mismatch is not found or one is found that was not planted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from hashlib import md5
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any
from uuid import UUID

import click
import psycopg
from sqlalchemy import make_url

from tests.conftest import settings_on
from tests.faults.killable import core_on, servers_in
from tests.make import World
from voucher_service.infra.core import build
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.clock import SHANGHAI, day_of
from voucher_service.kernel.money import Money
from voucher_service.reconciliation.differences import formats, service, writing
from voucher_service.reconciliation.differences.layout import Days, LineKind, Told
from voucher_service.redemption import service as redemption

FORMAT = "wechat-2023"
# How each line is spoilt, and what that is called afterwards. `later`: within the tolerance.
WAYS = {
    "missing_there": "only_ours",
    "missing_here": "only_theirs",
    "less": "amount_differs",
    "more": "amount_differs",
    "twice_there": "duplicate",
    "twice_here": "duplicate",
    "undone_here": "undone",
    "week_later": "date_shifted",
    "day_later": "",
}
_A_PART = 1_000
# Redemptions like one that walked the real services, a second after another all day long, paid by
# numbers that count. One in fifty was refunded in part, and the channel knows.
_FILL = """
INSERT INTO redemption
SELECT p.* FROM generate_series(1, %(lines)s) AS n, (SELECT r FROM redemption r LIMIT 1) AS one,
LATERAL jsonb_populate_record(one.r, jsonb_build_object(
    'id', md5('order' || n)::uuid, 'part', n + 10, 'order_reference', 'P' || n,
    'payment_reference', '42000' || lpad(n::text, 23, '0'), 'nonce', '\\x' || md5('nonce' || n),
    'key_hash', '\\x' || md5('key' || n), 'order_amount_fen', 12000 + n %% 5000,
    'discount_fen', 2000, 'paid_fen', 10000 + n %% 5000, 'refunded_fen', 0,
    'refunded_discount_fen', 0, 'occurred_at', %(noon)s::timestamptz + (n %% 40000) * interval '1 s'
)) AS p
"""
_REFUNDS = """
INSERT INTO redemption_refund
SELECT p.* FROM generate_series(50, %(lines)s, 50) AS n,
    (SELECT r FROM redemption_refund r LIMIT 1) AS one,
LATERAL jsonb_populate_record(one.r, jsonb_build_object(
    'id', md5('refund' || n)::uuid, 'redemption_id', md5('order' || n)::uuid,
    'key_hash', '\\x' || md5('back' || n), 'refund_reference', null, 'cash_part_fen', 800,
    'amount_fen', 1000, 'subsidy_part_fen', 200, 'other_part_fen', 0,
    'occurred_at', %(noon)s::timestamptz + interval '12 hours'
)) AS p
"""
_UNDONE = "UPDATE redemption SET status = 'reversed' WHERE payment_reference = ANY(%(these)s)"
_TWICE = """
UPDATE redemption SET payment_reference = twice.first
FROM unnest(%(seconds)s::text[], %(firsts)s::text[]) AS twice(second, first)
WHERE payment_reference = twice.second
"""
_FOUND = """
SELECT d.kind, d.finding, d.reference FROM difference d
"""


def reference(number: int) -> str:
    """The channel's number of a payment."""
    return f"42000{number:023}"


def plan(lines: int, seed: int) -> dict[int, str]:
    """Which lines are spoilt, and how; no two neighbours, since `twice_here` takes the next one's
    payment away.
    """
    each = max(3, lines // _A_PART)
    chosen = Random(seed).sample(range(2, lines - 1, 2), each * len(WAYS))
    return dict(zip(chosen, list(WAYS) * each, strict=True))


def expected(planted: dict[int, str]) -> Counter[tuple[str, str, str]]:
    """What must be found: the kind of line, the finding, the reference."""
    found: Counter[tuple[str, str, str]] = Counter()
    for number, way in planted.items():
        if WAYS[way]:
            found["payment", WAYS[way], reference(number)] += 1
    return found


def bill(lines: int, planted: dict[int, str], noon: datetime) -> Iterator[Told]:
    """The channel's lines."""
    gone = {number + 1 for number, way in planted.items() if way == "twice_here"}
    for number in range(1, lines + 1):
        way = planted.get(number)
        at = noon + timedelta(seconds=number % 40_000)
        paid = 10_000 + number % 5_000 + {"less": -1, "more": 1}.get(way or "", 0)
        at += timedelta(days={"week_later": 7, "day_later": 1}.get(way or "", 0))
        line = Told(0, LineKind.PAYMENT, reference(number), at, day_of(at), None, None, paid)
        if way != "missing_there" and number not in gone:
            yield line
        if way == "twice_there":
            yield line
        if number % 50 == 0 and number not in gone and WAYS.get(way or "", "") in ("", "undone"):
            back = noon + timedelta(hours=12)
            yield Told(0, LineKind.REFUND, reference(number), back, day_of(back), None, None, 800)


def superuser(servers: Servers, database: str | None = None) -> str:
    """Who may write rows without triggers and foreign keys."""
    url = make_url(servers.url("postgres", postgres.SUPERUSER)).set(drivername="postgresql")
    named = url.set(database=database) if database else url
    return named.render_as_string(hide_password=False)


def fill(url: str, lines: int, planted: dict[int, str], noon: datetime) -> None:
    """Our books of the day."""
    by_way: dict[str, list[int]] = {way: [] for way in WAYS}
    for number, way in planted.items():
        by_way[way].append(number)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")  # no trigger, no foreign key
        told: dict[str, Any] = {"lines": lines, "noon": noon}
        owner.execute(_FILL, told)
        owner.execute(
            "DELETE FROM redemption WHERE payment_reference = ANY(%(these)s)",
            {"these": [reference(number) for number in by_way["missing_here"]]},
        )
        owner.execute(_UNDONE, {"these": [reference(one) for one in by_way["undone_here"]]})
        firsts = by_way["twice_here"]
        owner.execute(
            _TWICE,
            {
                "firsts": [reference(number) for number in firsts],
                "seconds": [reference(number + 1) for number in firsts],
            },
        )
        owner.execute(_REFUNDS, told)
        # Refunds go with their orders: what is spoilt there is not spoilt here once more.
        owner.execute(
            "DELETE FROM redemption_refund f WHERE NOT EXISTS (SELECT FROM redemption r"
            " WHERE r.id = f.redemption_id) OR f.redemption_id = ANY(%(these)s::uuid[])",
            {"these": [str(UUID(one)) for one in _spoilt_orders(planted)]},
        )
        owner.execute("VACUUM ANALYZE redemption")


def _spoilt_orders(planted: dict[int, str]) -> list[str]:
    numbers = [number for number, way in planted.items() if WAYS[way] not in ("", "undone")]
    numbers += [number + 1 for number, way in planted.items() if way == "twice_here"]
    return [md5(f"order{number}".encode()).hexdigest() for number in numbers]


def take(file: Path, day: date) -> None:
    """Import a file in this process, and print how long it took and how much memory it needed."""
    core = build()
    began = monotonic()
    with file.open("rb") as source:
        made = service.take(
            core,
            actor=SYSTEM,
            format=FORMAT,
            file_name=file.name,
            source=source,
            days=Days.said(day),
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    click.echo(
        json.dumps(
            {
                "seconds": round(monotonic() - began, 1),
                "peak_mb": peak,
                "counts": {str(one): count for one, count in made.counts.items()},
            }
        )
    )


def imported(servers: Servers, file: Path, day: date) -> dict[str, Any]:
    """The same in a process of its own."""
    settings = settings_on(servers, servers.url("postgres"), file.parent / "sms.jsonl")
    given = {
        "VOUCHER_ENV": "test",
        "VOUCHER__DATABASE__URL": settings.database.url,
        "VOUCHER__GATE__URL": settings.gate.url,
        "VOUCHER__QUEUE__URL": settings.queue.url,
        "VOUCHER__SMS__OUTBOX": settings.sms.outbox,
    }
    words = [sys.executable, "-m", "tests.reconciliation.planted"]
    words += ["--take", str(file), "--day", day.isoformat()]
    done = subprocess.run(words, env=os.environ | given, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def found_in(url: str) -> Counter[tuple[str, str, str]]:
    """What the import found."""
    with psycopg.connect(url) as owner:
        return Counter((kind, finding, number) for kind, finding, number in owner.execute(_FOUND))


def begin(world: World) -> datetime:
    """An order and a refund that walked the real services, for all others to be like; the instant
    at which the day of the others begins.
    """
    cashier = world.cashier()
    made = world.redeem(world.claim(world.offer()), cashier).value
    redemption.refund(
        world.core, actor=cashier, redemption=made.id, amount=Money(1_000), reason="样品", key="one"
    )
    return datetime.combine(day_of(world.now()), time(1), SHANGHAI).astimezone(UTC)


def run(folder: Path, lines: int, seed: int) -> bool:
    """The whole of it; whether all was found and nothing invented."""
    planted, wanted = plan(lines, seed), Counter[tuple[str, str, str]]()
    with servers_in(folder / "servers") as servers, core_on(servers) as core:
        noon, url = begin(World(core)), superuser(servers)
        fill(url, lines, planted, noon)
        file = folder / "bill.csv"
        began = monotonic()
        with file.open("wb") as out:
            writing.write(formats.get(FORMAT), bill(lines, planted, noon), out)
        size = file.stat().st_size / 1_000_000
        click.echo(f"written: {size:,.0f} MB in {monotonic() - began:.1f} s")
        told = imported(servers, file, day_of(noon))
        found, wanted = found_in(url), expected(planted)
    click.echo(f"imported in {told['seconds']} s, {told['peak_mb']} MB at most: {told['counts']}")
    missed, invented = wanted - found, found - wanted
    for finding in sorted({one for _, one, _ in wanted}):
        counts = [
            sum(count for (_, one, _), count in some.items() if one == finding)
            for some in (wanted, found, missed, invented)
        ]
        click.echo(
            "{:<15} planted {:,} found {:,} missed {:,} invented {:,}".format(finding, *counts)
        )
    for name, some in (("missed", missed), ("invented", invented)):
        for one in list(some)[:5]:
            click.echo(f"{name}: {' '.join(one)}")
    return not missed and not invented


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--take", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--day", type=date.fromisoformat, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.take:
        take(asked.take, asked.day)
        return 0
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        return 0 if run(Path(name), asked.lines, asked.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
