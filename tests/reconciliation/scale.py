"""What counting costs: everything, one more day, a report and its file, as the book grows tenfold.

    python -m tests.reconciliation.scale --redemptions 10000000

Starts its own PostgreSQL in a temporary directory, makes a year by the generator and makes it
larger. Exit 1 when a full recount takes more than three times as long as a bare GROUP BY of the
same rows in the same run or one more day more than a fiftieth of it, both of books of 10⁶ orders
and more: of smaller ones the cells are most of the work, and there are as many of them. And when a
common last day reads more than three rows for each voucher that lapsed, or the full recount does
not say what was counted day by day.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import click
import psycopg
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from tests.faults.killable import core_on
from voucher_service import migrate
from voucher_service.campaigns import service as campaigns
from voucher_service.i18n import DEFAULT
from voucher_service.infra.core import Core
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.ledger import service as ledger
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import export, leverage
from voucher_service.reports.groups import Basis, GroupBy
from voucher_service.synthesis.book import make
from voucher_service.synthesis.model import Wanted

from . import growing

SLUG = "year"
_MOST_OF_BARE, _MOST_OF_FULL, _LARGE = 3.0, 0.02, 900_000
_CLAIM_DAYS, _ROWS_EACH = 60, 3
# The same rows to the same groups, with none of the rules: what an outsider would type.
_BARE = (
    """SELECT count(*) FROM (SELECT offer_id, date(occurred_at AT TIME ZONE 'Asia/Shanghai') AS day,
        status, count(*), sum(face_value_fen), sum(spent_fen)
    FROM voucher WHERE holds_slot GROUP BY 1, 2, 3) x""",
    """SELECT count(*) FROM (
    SELECT r.offer_id, date(r.occurred_at AT TIME ZONE 'Asia/Shanghai') AS day,
        date(v.occurred_at AT TIME ZONE 'Asia/Shanghai') AS claim_day, s.area, s.trade,
        m.size_class, extract(hour FROM r.occurred_at AT TIME ZONE 'Asia/Shanghai') AS hour,
        count(*), sum(r.discount_fen), sum(r.order_amount_fen), sum(r.refunded_fen)
    FROM redemption r JOIN voucher v ON v.id = r.voucher_id JOIN shop s ON s.id = r.shop_id
        JOIN merchant m ON m.id = s.merchant_id
    WHERE r.status = 'committed' GROUP BY 1, 2, 3, 4, 5, 6, 7) x""",
)
# Without the joins: only what the two tables say by themselves.
_BAREST = (
    _BARE[0],
    """SELECT count(*) FROM (
    SELECT offer_id, shop_id, date(occurred_at AT TIME ZONE 'Asia/Shanghai') AS day,
        claimed_on, count(*), sum(discount_fen), sum(order_amount_fen), sum(refunded_fen)
    FROM redemption WHERE status = 'committed' GROUP BY 1, 2, 3, 4) x""",
)


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds, at one size of the book."""

    redemptions: int
    bare: float
    barest: float
    full: float
    day: float
    report: float
    lapsed: int
    read: int
    differing: int

    @property
    def wrong(self) -> bool:
        """Whether something took longer than it may, or does not agree."""
        slow = self.full > _MOST_OF_BARE * self.bare or self.day > _MOST_OF_FULL * self.full
        read = self.read > _ROWS_EACH * self.lapsed
        return (self.redemptions > _LARGE and slow) or read or self.differing != 0


def timed(step: Callable[[], object]) -> float:
    """How many seconds a step takes."""
    began = monotonic()
    step()
    return monotonic() - began


def bare(owner: psycopg.Connection[tuple[Any, ...]], statements: tuple[str, ...]) -> None:
    """The queries that the count is compared with, with the memory that it has."""
    owner.execute("SET work_mem = '64MB'")
    for one in statements:
        owner.execute(one)


def reports(core: Core) -> float:
    """The slowest of the reports that a page asks for: the middle of five times."""

    def read(by: GroupBy, on: Basis) -> float:
        asked = partial(leverage.report, core, programme=SLUG, group_by=by, basis=on)
        return median(timed(asked) for _ in range(5))

    return max(read(by, on) for by in GroupBy for on in Basis)


def exported(core: Core) -> tuple[float, int, int]:
    """The longest file: seconds, bytes, and the memory it took."""
    found = leverage.report(core, programme=SLUG, group_by=GroupBy.DAY)
    out = io.BytesIO()
    tracemalloc.start()
    took = timed(lambda: export.xlsx(found, out, DEFAULT))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return took, out.tell(), most - out.tell()


def one_more_day(core: Core, owner: psycopg.Connection[tuple[Any, ...]]) -> float:
    """Seconds to count another day of the book."""
    growing.one_more_day(owner)
    ledger.mark_balances(core)  # as the schedule does every half minute
    return timed(lambda: reconciliation.run(core, programme=SLUG))


def last_day(
    core: Core, owner: psycopg.Connection[tuple[Any, ...]], until: datetime
) -> tuple[int, int]:
    """Count again when vouchers of many claim days lapse on one: how many, and rows of vouchers
    that were read for it.
    """
    lapsed, read = growing.last_day(owner, until), list[int]()

    def finish(session: Session) -> None:
        read.append(session.execute(text(growing.READ)).scalar_one())

    took = timed(lambda: reconciliation.run(core, programme=SLUG, finish=finish))
    click.echo(
        f"  a common last day of {_CLAIM_DAYS} claim days {took:.2f} s:"
        f" {lapsed:,} lapsed, {read[0]:,} rows of vouchers read"
    )
    return lapsed, read[0]


def measure(core: Core, owner: psycopg.Connection[tuple[Any, ...]]) -> Found:
    """Everything at the size that the book has now."""
    ((orders,),) = owner.execute("SELECT count(*) FROM redemption").fetchall()
    assert isinstance(orders, int)
    bare(owner, _BARE)  # both find the rows in memory, as far as they fit
    joined = min(timed(lambda: bare(owner, _BARE)) for _ in range(2))
    alone = timed(lambda: bare(owner, _BAREST))
    click.echo(f"{orders:,} orders: bare {joined:.2f} s, without joins {alone:.2f} s")
    until = growing.keep_alive(owner, _CLAIM_DAYS)
    reconciliation.run(core, programme=SLUG, whole=True)
    full = timed(lambda: reconciliation.run(core, programme=SLUG, whole=True))
    click.echo(f"  full {full:.2f} s = {full / joined:.2f} x bare")
    day = median(one_more_day(core, owner) for _ in range(3))
    click.echo(f"  one more day {day:.2f} s = {day / full:.1%} of full")
    lapsed, rows = last_day(core, owner, until)
    shown = reports(core)
    took, size, memory = exported(core)
    click.echo(
        f"  slowest report {shown * 1000:.0f} ms; xlsx by day {took:.2f} s, {size:,} bytes,"
        f" {memory / 1e6:.1f} MB beside them"
    )
    reconciliation.run(core, programme=SLUG, whole=True)
    (state,) = (one for one in reconciliation.progress(core) if one.programme == SLUG)
    click.echo(f"  {state.sentence}")
    if orders <= _LARGE:
        click.echo("  the limits of time are for 10⁶ orders and more")
    return Found(orders, joined, alone, full, day, shown, lapsed, rows, state.differing or 0)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redemptions", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=360)
    parser.add_argument("--first", type=int, default=10_000, help="orders of the generator")
    parser.add_argument("--merchants", type=int, default=2_000)
    parser.add_argument("--data", type=Path, help="keep the book here, and grow what is here")
    asked = parser.parse_args()
    wanted = Wanted(SLUG, round(asked.first / 0.7), asked.merchants, asked.days)
    with tempfile.TemporaryDirectory(prefix="rollups-") as name:
        servers = Servers((asked.data or Path(name)) / "servers")
        servers.start()
        try:
            migrate.upgrade(servers.owner_url)
            with core_on(servers) as core:
                if not campaigns.programmes(core):
                    took = timed(lambda: make(core, wanted))
                    click.echo(f"generated in {took:.0f} s")
                return _growing(servers, core, asked.redemptions)
        finally:
            servers.stop()


def _growing(servers: Servers, core: Core, redemptions: int) -> int:
    url = make_url(servers.url("postgres", postgres.SUPERUSER)).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as owner:
        had = growing.loosen(owner)
        found, size = list[Found](), min(100_000, redemptions)
        while size <= redemptions:
            ((have,),) = owner.execute("SELECT count(*) FROM redemption").fetchall()
            copies = round((size - have) / had)
            if copies > 0:
                took = timed(partial(growing.grow, owner, copies))
                click.echo(f"{copies} copies in {took:.0f} s")
            if have <= size * 1.1:
                found.append(measure(core, owner))
            size *= 10
    return int(any(one.wrong for one in found))


if __name__ == "__main__":
    sys.exit(main())
