"""Make a large book: a city and its programme by the services, then its days by COPY."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import create_engine, text

from voucher_service.budgets import service as budgets
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock, day_of, end_of, start_of
from voucher_service.kernel.errors import NotAllowed
from voucher_service.ledger import service as ledger
from voucher_service.reconciliation import service as reconciliation
from voucher_service.replay import programme as programmes
from voucher_service.settings import CONFIG
from voucher_service.vouchers import service as vouchers

from . import offers, people
from .days import Days
from .model import LONGEST_DAYS, Wanted
from .offers import Shelf
from .office import office
from .rows import Rows

__all__ = ["Made", "Wanted", "make"]
_ASSUMED = CONFIG / "programmes" / "yangjiang-2023.toml"  # its areas, trades, hours and sizes
_VOUCHERS_OF_A_RESIDENT = 4
_ROWS_AT_ONCE = 10_000
_FOLDED_AFTER = timedelta(hours=3)  # after midnight
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Made:
    """How much a book holds."""

    residents: int
    shops: int
    vouchers: int
    redemptions: int

    @property
    def sentence(self) -> str:
        """What was made, for a person."""
        return (
            f"made {self.vouchers:,} vouchers, {self.redemptions:,} redemptions,"
            f" {self.residents:,} residents, {self.shops:,} shops"
        )


def make(core: Core, wanted: Wanted, say: Say = lambda _: None) -> Made:
    """Make a book that `verify` accepts; its last day is over before today.

    It is written day by day: one that is interrupted is broken, and its directory is to be made
    anew. Raises NotAllowed in production, and ProgrammeExists; then nothing is written.
    """
    if core.settings.production:
        raise NotAllowed
    programme = programmes.load(_ASSUMED)
    assumed = programme.assumed
    assert programme.vouchers is not None  # its orders are the pattern here
    with core.transaction() as session:
        today = day_of(core.now(session))
    first = today - timedelta(days=wanted.days + LONGEST_DAYS + 1)
    ends_at = start_of(today) - timedelta(hours=12)
    eve = start_of(first) - timedelta(hours=12)
    rng = Random(f"{wanted.seed}:{wanted.programme}")  # noqa: S311 - no secret
    clock = Clock(eve)
    then = with_clock(core, clock)
    offers.announce(then, wanted, assumed, first)
    say("residents")
    residents = people.residents(then, wanted.vouchers // _VOUCHERS_OF_A_RESIDENT, rng, eve)
    say("merchants")
    shops = people.shops(then, assumed, wanted.merchants, rng, eve)
    say("campaigns")
    staff = office(then)
    shelves, ending = offers.published(then, wanted, assumed, first, staff)
    course = Days(
        assumed=assumed,
        pattern=programme.vouchers,
        residents=residents,
        shops=shops,
        shelves=shelves,
        redeemed=wanted.redeemed,
        days=wanted.days,
        ends_at=ends_at,
        rng=rng,
    )
    with core.transaction() as session:
        rows = Rows(session, residents=residents, shops=shops, shelves=shelves, rng=rng)
    made = _load(then, clock, course, rows, shelves, say)
    clock.set(ends_at)
    say("the end")
    for campaign in ending:
        staff.close(then, campaign)
    reconciliation.run(then, programme=wanted.programme)
    if wanted.open_offer:
        vouchers.prepare_gate(core, offer=shelves[-1].offer.id, refill=False)
    _tidy(core)
    return Made(len(residents), len(shops), *made)


def _tidy(core: Core) -> None:
    """Give PostgreSQL at once the statistics it would gather in time; only the owner may."""
    if url := core.settings.database.owner_url:
        owner = create_engine(url, isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.execute(text("VACUUM (ANALYZE)"))
        owner.dispose()


def _load(
    core: Core, clock: Clock, course: Days, rows: Rows, shelves: list[Shelf], say: Say
) -> tuple[int, int]:
    """Write every happening, and fold after each day. Returns vouchers and redemptions."""
    midnight: datetime | None = None
    for one in course.happenings():
        if midnight is None or one.at >= midnight:
            _write(core, rows)
            if midnight is not None:
                clock.set(midnight + _FOLDED_AFTER)
                _fold(core, shelves)
                say(f"{day_of(midnight) - timedelta(days=1)}")
            midnight = end_of(day_of(one.at))
        rows.add(one)
        if len(rows) >= _ROWS_AT_ONCE:
            _write(core, rows)
    _write(core, rows)
    return rows.written_vouchers, rows.written_redemptions


def _write(core: Core, rows: Rows) -> None:
    with core.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = '10min'"))
        rows.flush(session)


def _fold(core: Core, shelves: list[Shelf]) -> None:
    ledger.mark_balances(core)
    with core.transaction() as session:
        now = core.now(session)
        for shelf in shelves:
            offer = shelf.offer
            budgets.fold(session, campaign=offer.campaign_id, offer=offer.id, now=now)
