"""A shop hands in the papers of its sales, sees what is missing, and answers a refusal."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import files
from voucher_service.infra.core import Core
from voucher_service.infra.files import Content, Received
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CashierId, RedemptionId
from voucher_service.kernel.page import Page, decode_moment, encode_cursor
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Till

from ... import identifiers
from ...risk import service as risk
from ...risk.facts import Subject
from ...sales import service as sales
from ...sales.model import SaleStatus
from .. import store
from ..model import (
    LIFECYCLE,
    AnswerEmpty,
    AnswerTooLate,
    CashTime,
    InvoiceNumberNeeded,
    InvoiceTaken,
    ProofKind,
    ProofLocked,
    ProofMissing,
    ProofNotAsked,
    Review,
    ReviewEvent,
    ReviewStatus,
)
from ..papers import facts_as_json
from ..tables import ReviewRow
from .opening import open_
from .times import cash_times_of
from .views import found, review, reviews


class Filter(StrEnum):
    """Which sales a shop looks at."""

    TODO = "todo"
    WAITING = "waiting"
    RELEASED = "released"
    REFUSED = "refused"
    ALL = "all"


_STATUSES = {
    Filter.TODO: (ReviewStatus.COLLECTING,),
    Filter.WAITING: (ReviewStatus.COMPLETE, ReviewStatus.BATCHED),
    Filter.RELEASED: (ReviewStatus.RELEASED,),
    Filter.REFUSED: (ReviewStatus.REFUSED,),
    Filter.ALL: tuple(ReviewStatus),
}


def mine(
    core: Core, *, actor: Actor, which: Filter, cursor: str | None, limit: int
) -> Page[Review]:
    """The sales of the caller's shop, newest first. Raises NotAllowed, CursorInvalid."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        where = [*_of_shop(_till(session, actor), which)]
        if after is not None:
            where.append(store.before(after))
        rows = store.reviews(session, *where, most=limit + 1)
        shown = reviews(session, rows[:limit])
    if len(rows) <= limit:
        return Page(shown)
    return Page(shown, encode_cursor(shown[-1].sold_at.isoformat(), shown[-1].sale_id))


def wanting(core: Core, *, actor: Actor) -> int:
    """How many sales of the caller's shop lack papers. Raises NotAllowed."""
    with core.transaction() as session:
        return store.count(session, *_of_shop(_till(session, actor), Filter.TODO))


def own_cash_times(core: Core, *, actor: Actor) -> list[CashTime]:
    """How long money took to the caller's merchant, lately: of all and by category."""
    with core.transaction() as session:
        till, now = _till(session, actor), core.now(session)
        found = cash_times_of(session, now, merchant=till.merchant_id)
    return [one for one in found if one.merchant is None]


def own(core: Core, *, actor: Actor, sale: RedemptionId) -> Review:
    """One sale of the caller's shop. Raises NoSuchThing, NotAllowed."""
    with core.transaction() as session:
        return review(session, _row(session, actor, sale, core.now(session)))


def own_proof(core: Core, *, actor: Actor, sale: RedemptionId, kind: ProofKind) -> Content:
    """A paper that the caller's shop handed in. Raises NoSuchThing, NotAllowed."""
    with core.transaction() as session:
        row = _row(session, actor, sale, core.now(session))
        file = store.proof(session, row.id, kind)
        return found(files.get(session, file=file) if file else None)


def hand_in(
    core: Core,
    *,
    actor: Actor,
    sale: RedemptionId,
    kind: ProofKind,
    received: Received,
    number: str | None = None,
) -> Review:
    """Keep a paper in place of an earlier one; the last one missing makes the sale complete.

    `number`: of an invoice, which stands with one sale for ever. Raises NoSuchThing, NotAllowed,
    ProofNotAsked, ProofLocked, AnswerTooLate, InvoiceNumberNeeded, InvoiceInvalid, InvoiceTaken.
    """
    with core.transaction() as session:
        now = core.now(session)
        row = _row(session, actor, sale, now)
        stands = review(session, row)
        _check_editable(stands, now)
        if kind not in stands.wanted:
            raise ProofNotAsked
        earlier = stands.proofs.get(kind)
        kept = {
            "sale_id": sale,
            "kind": kind,
            "file_id": files.put(session, content=received.content, now=now),
            "number": _number(kind, number),
            "facts": facts_as_json(received.facts),
            "occurred_at": now,
        }
        if not store.put_proof(session, kept):
            raise InvoiceTaken
        if earlier is not None:
            files.forget(session, file=earlier.file_id)
        audit.record(
            session,
            actor=actor,
            action="sale_evidence.handed_in",
            object_type=LIFECYCLE.name,
            object_id=str(sale),
            now=now,
            detail={"kind": str(kind)} | ({"number": kept["number"]} if kept["number"] else {}),
        )
        risk.look_again(session, kind=Subject.SALE, id=sale)
        if stands.status is ReviewStatus.COLLECTING and set(stands.missing) <= {kind}:
            _move(session, row, ReviewEvent.COMPLETED, actor, now)
        return _again(session, sale)


def answer(core: Core, *, actor: Actor, sale: RedemptionId) -> Review:
    """Ask for another look at a refused sale, with a paper handed in since.

    Raises NoSuchThing, NotAllowed, IllegalTransition, AnswerTooLate, AnswerEmpty, ProofMissing.
    """
    with core.transaction() as session:
        now = core.now(session)
        row = _row(session, actor, sale, now)
        LIFECYCLE.next(row.status, ReviewEvent.ANSWERED)
        stands = review(session, row)
        _check_editable(stands, now)
        refused_at = row.refused_at or now
        if all(one.handed_in_at <= refused_at for one in stands.proofs.values()):
            raise AnswerEmpty
        if stands.missing:
            raise ProofMissing(extra={"missing": [str(one) for one in stands.missing]})
        _move(session, row, ReviewEvent.ANSWERED, actor, now, answers=row.answers + 1)
        return _again(session, sale)


def _of_shop(till: Till, which: Filter) -> tuple[ColumnElement[bool], ...]:
    return ReviewRow.shop_id == till.shop_id, ReviewRow.status.in_(_STATUSES[which])


def _till(session: Session, actor: Actor) -> Till:
    if actor.kind is not ActorKind.CASHIER or actor.id is None:
        raise NotAllowed
    return merchants.till(session, cashier=CashierId(actor.id))


def _row(session: Session, actor: Actor, sale: RedemptionId, now: datetime) -> ReviewRow:
    """The review of a sale of the actor's shop, locked; it is opened where the job did not yet."""
    till = _till(session, actor)
    row = store.review(session, sale, lock=True)
    if row is None:
        sold = sales.sale(session, id=sale)
        if sold.shop_id != till.shop_id or sold.status is not SaleStatus.SOLD:
            raise NoSuchThing
        open_(session, sold, now)
        row = found(store.review(session, sale, lock=True))
    if row.shop_id != till.shop_id:
        raise NoSuchThing
    return row


def _check_editable(stands: Review, now: datetime) -> None:
    if stands.editable(now):
        return
    raise AnswerTooLate if stands.status is ReviewStatus.REFUSED else ProofLocked


def _number(kind: ProofKind, number: str | None) -> str | None:
    if kind is not ProofKind.INVOICE:
        return None
    if not number:
        raise InvoiceNumberNeeded
    return identifiers.invoice(number)


def _move(
    session: Session,
    row: ReviewRow,
    event: ReviewEvent,
    actor: Actor,
    now: datetime,
    **values: object,
) -> None:
    audit.transition(
        session,
        ReviewRow,
        id=row.id,
        current=row.status,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
        set_={"completed_at": now, **values},
    )


def _again(session: Session, sale: RedemptionId) -> Review:
    return review(session, found(store.review(session, sale)))
