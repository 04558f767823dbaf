"""Commit money of a campaign's lines for what no offer stands for: differences paid later."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.kernel.ids import BudgetLineId, CampaignId
from voucher_service.kernel.money import Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, FundsShort, Leg, Stage, line

from .. import model, store
from ..model import BudgetLine
from ..refusals import BudgetShort
from .giving import Place, give
from .lines import lines


def top_up(
    session: Session, *, campaign: CampaignId, amount: Money, key: str, now: datetime
) -> dict[BudgetLineId, Money]:
    """Commit a positive amount, shared over the lines for all shops; by line. Once for a key.

    A line takes what it has available, then from the allotment behind it; without one its own money
    is all there is. Raises SharesNotWhole, BudgetShort; then nothing is moved.
    """
    found = lines(session, campaign=campaign, lock=True)
    model.check_shares(found)
    parts = amount.split([0 if one.shop_area else one.share_bps for one in found])
    behind = [one.allotment_id for one in found if one.allotment_id]
    store.lock(session, funds=[], allotments=behind)
    there = ledger.balances(session, [line(one.id, Stage.AVAILABLE) for one in found])
    for one, part in zip(found, parts, strict=True):
        has = there[line(one.id, Stage.AVAILABLE)]
        if has < part:
            _fund(session, one, part, has, key, now)
    legs = [
        leg
        for one, part in zip(found, parts, strict=True)
        for leg in (
            Leg(line(one.id, Stage.AVAILABLE), -part),
            Leg(line(one.id, Stage.COMMITTED), part),
        )
    ]
    ledger.post(session, code=Code.REVISED, key=key, legs=legs, now=now)
    return {one.id: part for one, part in zip(found, parts, strict=True) if part}


def _fund(
    session: Session, one: BudgetLine, part: Money, has: Money, key: str, now: datetime
) -> None:
    if one.allotment_id is None:
        raise BudgetShort(funder=one.funder.name, needed=part, amount=has)
    try:
        give(
            session,
            Place.allotment(one.allotment_id),
            Place.line(one.id),
            amount=part - has,
            code=Code.FUNDED,
            key=f"{key}:{one.id}",
            now=now,
        )
    except FundsShort as error:
        short = part - error.params["short"]
        raise BudgetShort(funder=one.funder.name, needed=part, amount=short) from error
