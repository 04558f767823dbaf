"""Freezes whose time is over: what they held is free again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, not_
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.audit.model import OvertakenByAnother
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.ids import RedemptionId, VoucherId
from voucher_service.ledger import service as ledger
from voucher_service.vouchers import service as vouchers

from .. import store
from ..model import LIFECYCLE, Event, Status
from ..tables import RedemptionRow
from . import selling

_MOST = 100


def lapse_due(core: Core) -> int:
    """End the freezes that nobody committed in time, up to 100; how many there were.

    It only tidies: the next attempt ends a freeze just as well.
    """
    with core.transaction() as session:
        now = core.now(session)
        due = store.freezes(
            session, not_(store.unexpired(core.clock.at)), at=core.clock.at, limit=_MOST
        )
        return sum(lapse(core, session, one.id, now) for one in due)


def lapse(core: Core, session: Session, redemption: RedemptionId, now: datetime) -> bool:
    """End a freeze whose time is over; False when somebody ended it before, or it still holds."""
    over = not_(store.unexpired(core.clock.at))
    try:
        _leave(session, redemption, Event.LAPSED, actor=SYSTEM, now=now, also=(over,))
    except OvertakenByAnother:
        return False
    _free(session, redemption, actor=SYSTEM, now=now)
    return True


def lapse_of(core: Core, session: Session, claimed: UUID) -> bool:
    """End the freeze of a voucher or a qualification if its time is over; whether it was."""
    now = core.now(session)
    found = store.freezes(session, store.claimed_in([claimed]), at=core.clock.at)
    return any(one.over and lapse(core, session, one.id, now) for one in found)


def end(
    session: Session,
    redemption: RedemptionId,
    event: Event,
    *,
    actor: Actor,
    now: datetime,
    reason: str | None = None,
) -> None:
    """End a freeze without spending: what it held and its money are free again.

    Raises OvertakenByAnother when it is not frozen any more.
    """
    _leave(session, redemption, event, actor=actor, now=now, reason=reason)
    _free(session, redemption, actor=actor, now=now)


def _leave(
    session: Session,
    redemption: RedemptionId,
    event: Event,
    *,
    actor: Actor,
    now: datetime,
    also: tuple[ColumnElement[bool], ...] = (),
    reason: str | None = None,
) -> None:
    audit.transition(
        session,
        RedemptionRow,
        id=redemption,
        current=Status.FROZEN,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
        also=also,
        set_={"reason": reason} if reason else None,
        detail={"reason": reason} if reason else None,
    )


def _free(session: Session, redemption: RedemptionId, *, actor: Actor, now: datetime) -> None:
    row = store.row(session, RedemptionRow.id == redemption)
    assert row is not None
    if row.voucher_id is None:
        selling.let_go(session, row, actor, now)
        return
    vouchers.release(session, voucher=VoucherId(row.voucher_id), actor=actor, now=now)
    ledger.resolve(session, id=redemption, commit=False, now=now)
