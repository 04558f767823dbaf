"""How qualifications end: given up, lapsed; who is reminded before; and money nobody needs more."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from voucher_service.allocation import upkeep
from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, OfferStatus
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.clock import SHANGHAI, day_of, end_of, start_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import OfferId, new_id
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage
from voucher_service.ledger.model import pool as account
from voucher_service.notices import service as notices
from voucher_service.notices.model import Kind

from .. import store
from ..qualifications import (
    LIFECYCLE,
    Event,
    Qualification,
    QualificationId,
    QualificationOver,
    Status,
)
from ..tables import QualificationRow
from .claiming import resident_of

_MOST_REMINDED = 1_000
# Nobody is woken up by a reminder.
_HOURS = range(9, 21)


def give_up(core: Core, *, actor: Actor, qualification: QualificationId) -> Qualification:
    """Return an unused qualification for others; one that was given up stays so.

    Raises NoSuchThing, for another's too, QualificationOver, IllegalTransition at a till.
    """
    resident = resident_of(actor)
    mine = (QualificationRow.id == qualification, QualificationRow.resident_id == resident)
    with core.transaction() as session:
        now = core.now(session)
        session.execute(select(QualificationRow.id).where(*mine).with_for_update())
        found = store.qualifications(session, *mine)
        if not found:
            raise NoSuchThing
        if found[0].status is Status.GIVEN_UP:
            return found[0]
        if found[0].shown_status(now) in (Status.LAPSED, Status.USED):
            raise QualificationOver
        audit.transition(
            session,
            QualificationRow,
            id=qualification,
            current=found[0].status,
            lifecycle=LIFECYCLE,
            event=Event.GIVEN_UP,
            actor=actor,
            now=now,
            set_={"holds_slot": False},
        )
        _came_back(session, found[0].pool.offer.id, now)
        (after,) = store.qualifications(session, *mine)
        return after


def lapse_due(core: Core, *, most: int = 2_000) -> int:
    """Let qualifications lapse whose last day is over; call until it returns 0.

    Those of a replay stay: they live on its clock.
    """
    with core.transaction() as session:
        now = core.now(session)
        due = session.execute(
            select(QualificationRow.id, QualificationRow.offer_id)
            .where(
                QualificationRow.status == Status.CLAIMED,
                QualificationRow.valid_until <= now,
                QualificationRow.offer_id.in_(campaigns.offer_ids(session)),
            )
            .limit(most)
            .with_for_update(skip_locked=True)
        ).all()
        if not due:
            return 0
        moved = audit.transition_where(
            session,
            QualificationRow,
            where=[QualificationRow.id.in_([id for id, _ in due])],
            current=Status.CLAIMED,
            lifecycle=LIFECYCLE,
            event=Event.LAPSED,
            actor=SYSTEM,
            now=now,
            batch=str(new_id()),
            named=True,
            set_={"holds_slot": False},
        )
        for offer in {offer for _, offer in due}:
            _came_back(session, OfferId(offer), now)
        return len(moved)


def remind_due(core: Core) -> int:
    """Tell who has an unused qualification that tomorrow is its last day; once, by day.

    One that ends on the day of its claim needs no reminder. How many were told.
    """
    with core.transaction() as session:
        now = core.now(session)
        if now.astimezone(SHANGHAI).hour not in _HOURS:
            return 0
        due = store.qualifications(session, *_due(now), limit=_MOST_REMINDED)
        for one in due:
            notices.add(
                session,
                kind=Kind.QUALIFICATION_ENDS,
                subject=one.id,
                residents=[one.resident_id],
                title=one.pool.offer.title,
                at=one.valid_until,
                now=now,
            )
        session.execute(
            update(QualificationRow)
            .where(QualificationRow.id.in_([one.id for one in due]))
            .values(reminded_at=now)
            .execution_options(synchronize_session=False)
        )
        return len(due)


def finish(core: Core) -> int:
    """Give back the money of closed pools of which no qualification can be used any more."""
    done = 0
    with core.transaction() as session:
        now = core.now(session)
        for offer in campaigns.closed_offers(session, kind=CampaignKind.TRADE_IN):
            reserved = account(offer.id, Stage.RESERVED)
            if store.held(session, offer.id, Status.CLAIMED, Status.FROZEN):
                continue
            if ledger.balances(session, [reserved])[reserved]:
                campaigns.free_unspent(session, campaign=offer.campaign_id, now=now, pool=offer.id)
                done += 1
    return done


def _came_back(session: Session, id: OfferId, now: datetime) -> None:
    """Slots came back: the gate learns of them, while they can be claimed."""
    offer = campaigns.offer(session, offer=id)
    claimable = offer.status in (OfferStatus.OPEN, OfferStatus.PAUSED)
    if claimable and any(one.closes_at > now for one in offer.releases):
        upkeep.refill_later(session, offer=id)


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    tomorrow = end_of(day_of(now) + timedelta(days=1))
    return (
        QualificationRow.status == Status.CLAIMED,
        QualificationRow.reminded_at.is_(None),
        QualificationRow.valid_until > now,
        QualificationRow.valid_until <= tomorrow,
        QualificationRow.occurred_at < start_of(day_of(now)),
    )
