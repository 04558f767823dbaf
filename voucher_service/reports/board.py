"""The numbers of now for those who run a programme: from the rollups, and live for the last day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.campaigns.tables import CampaignRow, OfferRow
from voucher_service.infra.core import Core
from voucher_service.kernel.clock import day_of, start_of
from voucher_service.kernel.ids import ProgrammeId
from voucher_service.kernel.money import Money
from voucher_service.redemption.model import Status
from voucher_service.redemption.tables import RedemptionRow
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.tables import VoucherRow

from .budget_left import BudgetLeft, budget_left
from .groups import GroupBy
from .leverage import LeverageReport, report
from .today import Today, by_area

HOURS = 24
_HOUR = timedelta(hours=1)
_LATE = timedelta(minutes=10)  # reconciliation follows within one, unless something is wrong


@dataclass(frozen=True, slots=True)
class Hour:
    """Vouchers claimed and redeemed in the hour that begins at `start`."""

    start: datetime
    claimed: int
    redeemed: int


@dataclass(frozen=True, slots=True)
class OfferNow:
    """What is left of an offer's open releases, or of its next one, which opens at `opens_at`."""

    offer: Offer
    opens_at: datetime | None
    quota: int
    remaining: int

    @property
    def taken(self) -> int:
        """How many of the quota are claimed."""
        return self.quota - self.remaining


@dataclass(frozen=True, slots=True)
class Board:
    """A programme now. `leverage`, by area, is as of the last reconciliation; the rest is live.

    `hours` are the last 24 that began, oldest first; today's counts are by the Shanghai day.
    `budget` too is as of the reconciliation; `today` is live, by area. `behind`: how old the
    reconciliation is, where vouchers were claimed or redeemed since that should be in it by now.
    """

    at: datetime
    leverage: LeverageReport
    claimed_today: int
    redeemed_today: int
    hours: tuple[Hour, ...]
    offers: tuple[OfferNow, ...]
    budget: BudgetLeft | None
    today: Mapping[str, Today]
    behind: timedelta | None = None

    @property
    def synthetic(self) -> bool:
        """Whether the programme was replayed, which the page has to say."""
        return self.leverage.synthetic

    @property
    def unclaimed(self) -> Money:
        """Value that was released and is not in anyone's hands."""
        return self.leverage.totals.figures.released - self.leverage.totals.figures.issued


def board(core: Core, *, programme: str) -> Board:
    """The board of a programme. Raises NoSuchThing."""
    figures = report(core, programme=programme, group_by=GroupBy.AREA)
    mine = figures.programme.id
    offers = [one for one in campaigns.open_offers(core) if one.programme_id == mine]
    with core.transaction() as session:
        now = core.now(session)
        hours = _hours(session, mine, now)
        left = vouchers.remaining(core, session, offers=offers, now=now)
        areas = by_area(session, programme=mine, since=start_of(day_of(now)))
        budget = budget_left(session, programme=figures.programme, today=day_of(now))
        behind = _behind(session, mine, figures.as_of, now)
    today = [one for one in hours if one.start >= start_of(day_of(now))]
    return Board(
        now,
        figures,
        sum(one.claimed for one in today),
        sum(one.redeemed for one in today),
        hours,
        tuple(_offer_now(one, left[one.id], now) for one in offers),
        budget,
        areas,
        behind,
    )


def _hours(session: Session, programme: ProgrammeId, now: datetime) -> tuple[Hour, ...]:
    # Whole hours of UTC are whole hours of Shanghai.
    first = now.replace(minute=0, second=0, microsecond=0) - (HOURS - 1) * _HOUR
    claimed = _count(session, VoucherRow, programme, first, VoucherRow.holds_slot.is_(True))
    committed = (RedemptionRow.status == Status.COMMITTED) & RedemptionRow.voucher_id.is_not(None)
    redeemed = _count(session, RedemptionRow, programme, first, committed)
    starts = [first + i * _HOUR for i in range(HOURS)]
    return tuple(Hour(one, claimed.get(one, 0), redeemed.get(one, 0)) for one in starts)


def _count(
    session: Session,
    rows: type[VoucherRow] | type[RedemptionRow],
    programme: ProgrammeId,
    since: datetime,
    counts: ColumnElement[bool],
) -> Mapping[datetime, int]:
    hour: Any = func.date_trunc("hour", rows.occurred_at)
    found = session.execute(
        select(hour, func.count())
        .where(rows.offer_id.in_(_offers(programme)), rows.occurred_at >= since, counts)
        .group_by(hour)
    )
    return {row[0]: row[1] for row in found}


def _behind(
    session: Session, programme: ProgrammeId, as_of: datetime | None, now: datetime
) -> timedelta | None:
    if as_of is None or now - as_of < _LATE:
        return None
    for rows in (VoucherRow, RedemptionRow):
        since: Any = (rows.occurred_at > as_of) & (rows.occurred_at <= now - _LATE)
        missed = exists().where(rows.offer_id.in_(_offers(programme)), since)
        if session.scalar(select(missed)):
            return now - as_of
    return None


def _offers(programme: ProgrammeId) -> Select[UUID]:
    return (
        select(OfferRow.id)
        .join(CampaignRow, CampaignRow.id == OfferRow.campaign_id)
        .where(CampaignRow.programme_id == programme)
    )


def _offer_now(offer: Offer, remaining: int, now: datetime) -> OfferNow:
    open_now = [one for one in offer.releases if one.opens_at <= now < one.closes_at]
    later = [one for one in offer.releases if one.opens_at > now]
    shown = open_now or later[:1]
    opens_at = None if open_now or not later else later[0].opens_at
    return OfferNow(offer, opens_at, sum(one.quota for one in shown), remaining)
