"""A manager objects, the office answers and decides; both read the same thread.

Deciding moves no money: what follows from it is a refund or a settlement of its own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.clock import day_of, end_of
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CashierId, RedemptionId, new_id
from voucher_service.kernel.money import Money
from voucher_service.kernel.page import Page, cut, decode_moment
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Till
from voucher_service.reconciliation import matching
from voucher_service.reconciliation.model import MatchingLineId
from voucher_service.settlement import service as settlement
from voucher_service.settlement.model import HoldReason

from . import store
from .model import (
    DECIDERS,
    LIFECYCLE,
    AlreadyDisputed,
    Dispute,
    DisputeId,
    Event,
    Reason,
    Status,
    Subject,
)
from .tables import DisputeRow

OF_THE_OFFICE = frozenset({Event.ANSWERED, Event.ACCEPTED, Event.REJECTED, Event.CLOSED})
OF_THE_SHOP = frozenset({Event.REPLIED, Event.WITHDRAWN, Event.CLOSED})
# What the shop has to read: it replies, or closes what was decided.
_ANSWERED = (Status.ANSWERED, Status.ACCEPTED, Status.REJECTED)


def open_dispute(
    core: Core,
    *,
    actor: Actor,
    subject: Subject,
    subject_id: UUID | None,
    reason: Reason,
    text: str,
    wanted: Money | None = None,
) -> DisputeId:
    """Object to something of the manager's shop; to what is owed as a whole without `subject_id`.

    The office has until the end of a day, `books.dispute_days` from today. Raises NotAllowed,
    NoSuchThing, AlreadyDisputed.
    """
    with core.transaction() as session:
        now, till = core.now(session), _manager_at(session, actor)
        id, (known, named) = DisputeId(new_id()), _named(session, till, subject, subject_id, now)
        values = {
            "id": id,
            "merchant_id": till.merchant_id,
            "shop_id": till.shop_id,
            "area": till.area,
            "subject": subject,
            "subject_id": known,
            "about": named,
            "reason": reason,
            "wanted_fen": wanted,
            "status": LIFECYCLE.initial,
            "due_at": _due(core, now),
            "occurred_at": now,
        }
        if not store.add(session, values):
            raise AlreadyDisputed
        _say(session, actor, id, "dispute.opened", text, now)
        audit.record(
            session,
            actor=actor,
            action="dispute.opened",
            object_type=LIFECYCLE.name,
            object_id=str(id),
            now=now,
            to_status=str(LIFECYCLE.initial),
            detail={"subject": str(subject), "subject_id": str(known), "reason": str(reason)},
        )
        _hold(session, actor, subject, known, LIFECYCLE.initial, now)
    return id


def say(core: Core, *, actor: Actor, dispute: DisputeId, event: Event, text: str) -> None:
    """Carry a dispute on: the shop replies or withdraws, the office answers and decides; either
    side closes what was decided.

    A reply gives the office its days anew. Raises NotAllowed, NoSuchThing, IllegalTransition,
    OvertakenByAnother.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = _seen(session, actor, dispute)
        by_office = actor.kind is ActorKind.STAFF
        if event not in (OF_THE_OFFICE if by_office else OF_THE_SHOP):
            raise NotAllowed
        if by_office and not actor.has(*DECIDERS):
            raise NotAllowed
        stands = audit.transition(
            session,
            DisputeRow,
            id=found.id,
            current=found.status,
            lifecycle=LIFECYCLE,
            event=event,
            actor=actor,
            now=now,
            set_={"due_at": _due(core, now)} if event is Event.REPLIED else None,
        )
        _say(session, actor, dispute, str(event), text, now)
        _hold(session, actor, found.subject, found.subject_id, stands, now)


def about(core: Core, *, actor: Actor, subject: Subject, subject_id: UUID | None) -> str:
    """What people call the thing that the manager of its shop may dispute.

    Raises NotAllowed, NoSuchThing.
    """
    with core.transaction() as session:
        till = _manager_at(session, actor)
        return _named(session, till, subject, subject_id, core.now(session))[1]


def of_shop(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Dispute]:
    """The disputes of the manager's shop, newest first. Raises NotAllowed, CursorInvalid."""
    with core.transaction() as session:
        where = [DisputeRow.shop_id == _manager_at(session, actor).shop_id]
        if after := decode_moment(cursor):
            where.append(store.before(after))
        found = store.disputes(session, *where, limit=limit + 1)
    return _page(found, limit)


def waiting_for_shop(core: Core, *, actor: Actor) -> int:
    """How many disputes of the manager's shop have an answer to read. Raises NotAllowed."""
    with core.transaction() as session:
        shop = _manager_at(session, actor).shop_id
        return store.count(session, DisputeRow.shop_id == shop, DisputeRow.status.in_(_ANSWERED))


def queue(
    core: Core, *, actor: Actor, status: Status, cursor: str | None, limit: int
) -> Page[Dispute]:
    """The disputes of one status in the actor's area, oldest first. Raises CursorInvalid."""
    with core.transaction() as session:
        where = [_within(actor), DisputeRow.status == status]
        if after := decode_moment(cursor):
            where.append(store.after(after))
        found = store.disputes(session, *where, limit=limit + 1, oldest=True)
    return _page(found, limit)


def waiting_for_office(core: Core, *, actor: Actor) -> tuple[int, datetime | None]:
    """How many disputes the actor has to answer, and by when the first of them; for deciders."""
    if actor.kind is not ActorKind.STAFF or not actor.has(*DECIDERS):
        return 0, None
    with core.transaction() as session:
        return store.due(session, _within(actor), DisputeRow.status == Status.OPEN)


def get(core: Core, *, actor: Actor, dispute: DisputeId) -> Dispute:
    """A dispute with its thread, for the manager's shop and the office of its area.

    Raises NotAllowed, NoSuchThing.
    """
    with core.transaction() as session:
        found = _seen(session, actor, dispute)
        return replace(found, thread=store.thread(session, dispute))


def _seen(session: Session, actor: Actor, dispute: DisputeId) -> Dispute:
    if actor.kind is ActorKind.STAFF:
        mine = _within(actor)
    else:
        mine = DisputeRow.shop_id == _manager_at(session, actor).shop_id
    found = store.disputes(session, DisputeRow.id == dispute, mine)
    if not found:
        raise NoSuchThing
    return found[0]


def _named(
    session: Session, till: Till, subject: Subject, subject_id: UUID | None, now: datetime
) -> tuple[UUID, str]:
    """What is disputed, and what people call it. Raises NoSuchThing."""
    if subject is Subject.SETTLEMENT:
        return till.shop_id, day_of(now).isoformat()
    if subject_id is None:
        raise NoSuchThing
    if subject is Subject.DIFFERENCE:
        line = matching.line(session, shop=till.shop_id, line=MatchingLineId(subject_id))
        return subject_id, line.pair.reference
    order = RedemptionId(subject_id)
    return subject_id, matching.order_reference(session, shop=till.shop_id, redemption=order)


def _say(
    session: Session, actor: Actor, dispute: DisputeId, event: str, text: str, now: datetime
) -> None:
    by = "by_staff" if actor.kind is ActorKind.STAFF else "by_cashier"
    words = {"dispute_id": dispute, "event": event, "body": text, "occurred_at": now}
    store.add_message(session, words | {by: actor.id})


def _hold(
    session: Session,
    actor: Actor,
    subject: Subject,
    subject_id: UUID,
    status: Status,
    now: datetime,
) -> None:
    """A disputed redemption is not paid until the office decided or the shop withdrew."""
    if subject is not Subject.REDEMPTION:
        return
    undecided = status in (Status.OPEN, Status.ANSWERED)
    change = settlement.hold if undecided else settlement.release_hold
    change(
        session,
        redemption=RedemptionId(subject_id),
        reason=HoldReason.DISPUTE,
        by=actor,
        now=now,
    )


def _due(core: Core, now: datetime) -> datetime:
    return end_of(day_of(now) + timedelta(days=core.settings.books.dispute_days))


def _manager_at(session: Session, actor: Actor) -> Till:
    if actor.kind is not ActorKind.CASHIER or actor.id is None or not actor.has(Role.MANAGER):
        raise NotAllowed
    return merchants.till(session, cashier=CashierId(actor.id))


def _within(actor: Actor) -> ColumnElement[bool]:
    return DisputeRow.area.startswith(areas.stem(actor.area), autoescape=True)


def _page(found: list[Dispute], limit: int) -> Page[Dispute]:
    return cut(found, limit, lambda one: (one.opened_at, one.id))
