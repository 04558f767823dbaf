"""Money given from one place to the next below it, and taken back: fund, budget, line.

Each place closes in itself: what it was given (its appropriation, negative) is what it has
available, what it passed on and what it spent. So every place's own entries add up to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.kernel.ids import BudgetLineId
from voucher_service.kernel.money import Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Account, Code, Leg, Owner, Stage

from .. import store
from ..model import AllotmentId, FundId
from ..tables import AllotmentRow, FundRow


@dataclass(frozen=True, slots=True)
class Place:
    """Where money stands: a fund, an allotment or a line."""

    owner: Owner
    id: UUID

    @classmethod
    def fund(cls, id: FundId) -> Place:
        """A fund."""
        return cls(Owner.FUND, id)

    @classmethod
    def allotment(cls, id: AllotmentId) -> Place:
        """What a budget has of a fund."""
        return cls(Owner.ALLOTMENT, id)

    @classmethod
    def line(cls, id: BudgetLineId) -> Place:
        """A funder's money in a campaign."""
        return cls(Owner.LINE, id)

    def account(self, stage: Stage) -> Account:
        """One of the place's accounts."""
        return Account(self.owner, self.id, stage)


def give(
    session: Session,
    source: Place,
    target: Place,
    *,
    amount: Money,
    code: Code,
    key: str,
    now: datetime,
) -> None:
    """Move money down. Raises FundsShort when the source has less available."""
    _change(session, source, -amount)
    _change(session, target, amount)
    legs = (
        Leg(source.account(Stage.AVAILABLE), -amount),
        Leg(source.account(Stage.PASSED_ON), amount),
        Leg(target.account(Stage.APPROPRIATION), -amount),
        Leg(target.account(Stage.AVAILABLE), amount),
    )
    ledger.post(session, code=code, key=key, legs=legs, now=now)


def take_back(
    session: Session,
    source: Place,
    target: Place,
    *,
    amount: Money,
    code: Code,
    key: str,
    now: datetime,
    keep_record: bool = False,
) -> None:
    """Move money up again, as if it had never been given; with `keep_record` the source shows it
    as returned instead. Raises FundsShort.
    """
    _change(session, source, -amount)
    _change(session, target, amount)
    legs = (
        Leg(source.account(Stage.AVAILABLE), -amount),
        Leg(source.account(Stage.RETURNED if keep_record else Stage.APPROPRIATION), amount),
        Leg(target.account(Stage.PASSED_ON), -amount),
        Leg(target.account(Stage.AVAILABLE), amount),
    )
    ledger.post(session, code=code, key=key, legs=legs, now=now)


def _change(session: Session, place: Place, by: Money) -> None:
    # A line has no balance row: it is funded once, and what it has is summed under its lock.
    if place.owner is Owner.FUND:
        store.change(session, FundRow, place.id, by)
    elif place.owner is Owner.ALLOTMENT:
        store.change(session, AllotmentRow, place.id, by)
