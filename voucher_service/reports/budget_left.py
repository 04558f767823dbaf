"""What a programme's running campaigns may still spend, and how long that lasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from voucher_service.budgets.tables import BudgetLineRow
from voucher_service.campaigns.model import CampaignKind, CampaignStatus, Programme
from voucher_service.campaigns.tables import CampaignRow, OfferRow
from voucher_service.kernel.money import ZERO, Money
from voucher_service.reconciliation.grain import Basis, Dimension
from voucher_service.reconciliation.tables import RollupRow

from .burning import MOST_DAYS, Forecast, used_up

_RUNNING = (CampaignStatus.PUBLISHED, CampaignStatus.PAUSED)


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """What the budget lines of the campaigns that run `had`, less what was redeemed.

    The forecast is None where there are too few days to tell; `in_time`: whether all is used up
    before the programme ends, as far as they tell.
    """

    had: Money
    left: Money
    forecast: Forecast | None
    in_time: bool


def budget_left(session: Session, *, programme: Programme, today: date) -> BudgetLeft | None:
    """As of the last reconciliation; None when no campaign runs."""
    running: list[Any] = [
        CampaignRow.programme_id == programme.id,
        CampaignRow.kind == CampaignKind.VOUCHER,
        CampaignRow.status.in_(_RUNNING),
    ]
    lines = select(func.sum(BudgetLineRow.amount_fen)).join(
        CampaignRow, CampaignRow.id == BudgetLineRow.campaign_id
    )
    had = session.scalar(lines.where(*running))
    if had is None:
        return None
    offers = session.scalars(
        select(OfferRow.id)
        .join(CampaignRow, CampaignRow.id == OfferRow.campaign_id)
        .where(*running)
    )
    redeemed = session.execute(
        select(RollupRow.day, func.sum(RollupRow.redeemed_fen))
        .where(
            RollupRow.programme_id == programme.id,
            RollupRow.basis == Basis.PERIOD,
            RollupRow.dimension == Dimension.OFFER,
            RollupRow.key.in_([str(one) for one in offers]),
        )
        .group_by(RollupRow.day)
        .order_by(RollupRow.day)
    ).all()
    by_day = {day: sum_ for day, sum_ in redeemed if sum_}
    left = had - Money.total(by_day.values())
    since = max(min(by_day, default=today), today - timedelta(days=MOST_DAYS))
    days = [since + timedelta(days=n) for n in range((today - since).days)]
    forecast = used_up([by_day.get(day, ZERO) for day in days], left=left, today=today)
    likely = forecast.likely if forecast else None
    return BudgetLeft(had, left, forecast, likely is not None and likely <= programme.closes_on)
