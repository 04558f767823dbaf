"""A reviewer looks at what was drawn; a second person releases the batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.audit import service as audit
from voucher_service.identity import service as identity
from voucher_service.infra import areas
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId, ResidentId
from voucher_service.kernel.machine import IllegalTransition

from ...applications.checks import same_name
from .. import batch_store, sampling, store
from ..model import (
    BATCH_LIFECYCLE,
    LIFECYCLE,
    Batch,
    BatchEvent,
    BatchId,
    BatchStatus,
    Line,
    OwnPurchase,
    ReviewEvent,
    ReviewStatus,
    SampleOpen,
    Subject,
)
from ..tables import BatchRow, ReviewRow
from .views import batch as view
from .views import found

RELEASE = "sale_review.release"
SEES = frozenset({Role.REVIEWER, Role.APPROVER, Role.AUDITOR})


def judge(
    core: Core, *, actor: Actor, batch: BatchId, subject: UUID, good: bool, reason: str = ""
) -> Batch:
    """Say whether one of a batch is in order; a sale that is not is refused at once, with a reason.

    Raises NoSuchThing, NotAllowed, OwnPurchase, IllegalTransition.
    """
    with core.transaction() as session:
        row, stands = seen(session, actor, batch, {Role.REVIEWER}, lock=True)
        line = line_of(stands, subject)
        if row.status is not BatchStatus.OPEN or line.released or line.gone:
            raise IllegalTransition(state=str(row.status), event="review_line.judged")
        now = core.now(session)
        if row.subject is Subject.SALE:
            refuse_own(session, actor, [subject])
            if not good:
                _refuse(session, actor, subject, reason, now)
        said = {"good": good, "reason": reason, "reviewed_by": actor.id, "reviewed_at": now}
        batch_store.judge(session, row.id, subject, said)
        told = {"subject": str(subject), "good": good}
        audit.record(
            session,
            actor=actor,
            action="review_line.judged",
            object_type=BATCH_LIFECYCLE.name,
            object_id=str(row.id),
            now=now,
            detail=told,
        )
        # A refused sale is out of the batch from now on.
        gone = line.gone or (not good and row.subject is Subject.SALE)
        said_of = replace(line, good=good, reason=reason, reviewed_by=actor.id, gone=gone)
        lines = [said_of if one is line else one for one in stands.lines]
        return replace(stands, lines=tuple(lines))


def propose(core: Core, *, actor: Actor, batch: BatchId) -> ApprovalId | None:
    """Ask a second person to release what may be; None when nothing was left to release, which
    ends the batch.

    Raises NoSuchThing, NotAllowed, SampleOpen, IllegalTransition, AlreadyProposed.
    """
    with core.transaction() as session:
        row, stands = seen(session, actor, batch, {Role.REVIEWER}, lock=True)
        if row.subject is not Subject.SALE:
            raise NoSuchThing
        now = core.now(session)
        if not stands.passing:
            if stands.left:
                raise SampleOpen(extra={"left": stands.left}, left=stands.left)
            move(session, row, BatchEvent.CLOSED, actor, now)
            return None
        move(session, row, BatchEvent.PROPOSED, actor, now)
        return approvals.propose(
            session,
            action=RELEASE,
            object_type=BATCH_LIFECYCLE.name,
            object_id=row.id,
            area=areas.city(row.area),
            title=row.title,
            payload=frozen(stands),
            maker=actor,
            now=now,
            amount=stands.passing_total,
            # Parts of one merchant's money are judged by the whole they make.
            group=f"{RELEASE}:{row.merchant_id}",
            authors=[one.reviewed_by for one in stands.lines if one.reviewed_by],
        )


def frozen(stands: Batch) -> dict[str, Any]:
    """Everything that an approver signs for, as plain JSON; the list as its fingerprint."""
    passing = stands.passing
    return {
        "batch": str(stands.id),
        "merchant": str(stands.merchant_id),
        "way": str(stands.way),
        "list_sha256": stands.list_sha256,
        "seed": stands.seed,
        "count": stands.count,
        "looked_at": sum(one.good is not None for one in stands.lines),
        "refused": sum(one.good is False for one in stands.lines),
        "releases": len(passing),
        "subsidy_fen": stands.passing_total.fen,
        "release_sha256": sampling.fingerprint(one.subject_id for one in passing),
    }


def seen(
    session: Session,
    actor: Actor,
    batch: BatchId,
    roles: Collection[Role],
    *,
    lock: bool = False,
) -> tuple[BatchRow, Batch]:
    """A batch of the actor's area. Raises NotAllowed, NoSuchThing."""
    if not actor.has(*roles):
        raise NotAllowed
    row = found(batch_store.batch(session, batch, lock=lock))
    if not areas.within(row.area, actor.area):
        raise NoSuchThing
    return row, view(session, row)


def line_of(batch: Batch, subject: UUID) -> Line:
    """What of a batch still stands, by its id. Raises NoSuchThing."""
    return found(next((one for one in batch.standing if one.subject_id == subject), None))


def refuse_own(session: Session, actor: Actor, sales: Collection[UUID]) -> None:
    """Keep staff from what was bought in their own name: residents' and staff's accounts are apart,
    so a namesake's is left to a colleague too. Raises OwnPurchase.
    """
    residents = [ResidentId(one) for one in batch_store.buyers(session, sales)]
    buyers = identity.names_of(session, keyring=core_of(session).keyring, residents=residents)
    mine = identity.staff_names(session, ids=[actor.id]).values() if actor.id else ()
    if any(same_name(one, buyer) for one in mine for buyer in buyers.values()):
        raise OwnPurchase


def move(session: Session, row: BatchRow, event: BatchEvent, actor: Actor, now: datetime) -> None:
    """Take a batch one step on. Raises IllegalTransition, OvertakenByAnother."""
    audit.transition(
        session,
        BatchRow,
        id=row.id,
        current=row.status,
        lifecycle=BATCH_LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
    )


def _refuse(session: Session, actor: Actor, sale: UUID, reason: str, now: datetime) -> None:
    row = found(store.review(session, sale, lock=True))
    until = now + timedelta(days=core_of(session).settings.review.answer_days)
    audit.transition(
        session,
        ReviewRow,
        id=sale,
        current=row.status,
        lifecycle=LIFECYCLE,
        event=ReviewEvent.REFUSED,
        actor=actor,
        now=now,
        set_={"reason": reason, "refused_at": now, "answer_until": until},
    )


def _release(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = found(batch_store.batch(session, UUID(payload["batch"]), lock=True))
    stands = view(session, row)
    if row.status is not BatchStatus.PROPOSED or frozen(stands) != payload:
        raise ChangedSinceProposed
    ids = [one.subject_id for one in stands.passing]
    refuse_own(session, actor, ids)
    moved = audit.transition_where(
        session,
        ReviewRow,
        where=[ReviewRow.id.in_(ids)],
        current=ReviewStatus.BATCHED,
        lifecycle=LIFECYCLE,
        event=ReviewEvent.RELEASED,
        actor=actor,
        now=now,
        batch=str(row.id),
        named=True,
        set_={"released_at": now},
    )
    if len(moved) < len(ids):
        raise ChangedSinceProposed
    batch_store.release(session, row.id, ids)
    event = BatchEvent.CONTINUED if view(session, row).left else BatchEvent.RELEASED
    move(session, row, event, actor, now)


def _return(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = found(batch_store.batch(session, UUID(payload["batch"]), lock=True))
    if row.status is BatchStatus.PROPOSED:
        move(session, row, BatchEvent.RETURNED, actor, now)


approvals.register(RELEASE, execute=_release, refuse=_return)
