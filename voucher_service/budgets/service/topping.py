"""Commit money of a campaign's lines for what no offer stands for, differences paid later; and free
it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.kernel.ids import BudgetLineId, CampaignId
from voucher_service.kernel.money import ZERO, Money
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


def undo_top_up(
    session: Session,
    *,
    campaign: CampaignId,
    parts: Mapping[BudgetLineId, Money],
    paid: bool,
    key: str,
    now: datetime,
) -> None:
    """Make parts of what was committed so available again, by line; `paid`: it was paid out and
    came back.

    It comes off what was committed, or paid, as far as a line has that; else the other of the two
    changes with those of the lines that have more, so that both sums are exact. Raises FundsShort.
    """
    found = lines(session, campaign=campaign, lock=True)
    wanted = [parts.get(one.id, ZERO) for one in found]
    stage, other = Stage.COMMITTED, Stage.SETTLED
    if paid:
        stage, other = other, stage
    there = ledger.balances(session, [line(one.id, stage) for one in found])
    amount, holds = Money.total(wanted), [there[line(one.id, stage)] for one in found]
    if amount > Money.total(holds):
        raise FundsShort(short=amount - Money.total(holds))
    legs = [
        leg
        for one, part, off in zip(found, wanted, model.borne(amount, holds, wanted), strict=True)
        for leg in (
            Leg(line(one.id, stage), -off),
            Leg(line(one.id, other), off - part),
            Leg(line(one.id, Stage.AVAILABLE), part),
        )
    ]
    ledger.post(session, code=Code.REVISED, key=key, legs=legs, now=now)


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
