"""Applications at the desk: what waits, a first check by the division, back or refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.audit import service as audit
from voucher_service.infra import areas, files
from voucher_service.infra.core import Core, core_of
from voucher_service.infra.files import Content
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.money import ZERO
from voucher_service.kernel.page import Page, decode_moment, encode_cursor

from ... import shelf
from .. import store
from ..deadlines import correct_until
from ..messages import Message
from ..model import (
    LIFECYCLE,
    Application,
    ApplicationEvent,
    ApplicationId,
    ApplicationStatus,
    EvidenceKind,
)
from ..refusals import ApplicationIneligible
from ..tables import ApplicationRow
from . import placing
from .dossier import fingerprint, found, view, views
from .judging import Judged, judge, refuse_own
from .moving import move, periods
from .submitting import decided
from .telling import tell

APPROVE = "application.approve"
SEES = frozenset({Role.REVIEWER, Role.APPROVER, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class File:
    """An application with what rules and checks say of it today, unless it was forgotten."""

    application: Application
    judged: Judged | None


def page(
    core: Core, *, actor: Actor, status: ApplicationStatus, cursor: str | None, limit: int
) -> Page[Application]:
    """Applications of the actor's area that stand so, longest waiting first.

    Raises NotAllowed, CursorInvalid.
    """
    _require(actor, SEES)
    after = decode_moment(cursor)
    with core.transaction() as session:
        rows = store.waiting_page(
            session, area=actor.area, status=status, after=after, most=limit + 1
        )
        shown = views(session, rows[:limit])
    if len(rows) <= limit or shown[-1].submitted_at is None:
        return Page(shown)
    return Page(shown, encode_cursor(shown[-1].submitted_at.isoformat(), shown[-1].id))


def waiting(core: Core, *, actor: Actor) -> int:
    """How many applications wait for the actor: for a first check, or with another card."""
    if not actor.has(Role.REVIEWER):
        return 0
    with core.transaction() as session:
        return store.waiting(session, area=actor.area)


def read(core: Core, *, actor: Actor, application: ApplicationId) -> File:
    """One application that was handed in, in the actor's area. Raises NoSuchThing, NotAllowed."""
    with core.transaction() as session:
        row = seen(session, actor, application, SEES)
        return File(view(session, row), judge(session, row, core.now(session)))


def opinion(core: Core, *, application: Application) -> str:
    """Why the city sent it back to its reviewer, whose area may be a part of the city; or ""."""
    return approvals.sent_back_because(
        core, about=application.id, action=APPROVE, since=application.submitted_at
    )


def document(
    core: Core, *, actor: Actor, application: ApplicationId, kind: EvidenceKind
) -> Content:
    """A paper of an application; the record says who looked. Raises NoSuchThing, NotAllowed."""
    with core.transaction() as session:
        row = seen(session, actor, application, SEES)
        file = store.evidence(session, [row.id])[row.id].get(kind)
        content = found(files.get(session, file=file) if file else None)
        audit.record(
            session,
            actor=actor,
            action="application_evidence.read",
            object_type=LIFECYCLE.name,
            object_id=str(row.id),
            now=core.now(session),
            detail={"kind": str(kind)},
        )
        return content


def precheck(core: Core, *, actor: Actor, application: ApplicationId) -> ApprovalId:
    """Say that the papers bear out what was typed, and ask the city to approve the subsidy.

    It is decided anew by the policies published until now; its pool sets that sum aside in place
    of the one before. Who checked can't approve. Raises NoSuchThing, NotAllowed, OwnApplication,
    ApplicationIneligible, PoolShort, IllegalTransition, AlreadyProposed.
    """
    with core.transaction() as session:
        row = seen(session, actor, application, {Role.REVIEWER}, lock=True)
        refuse_own(session, row, actor)
        now = core.now(session)
        judged = found(judge(session, row, now))
        against = [str(one.what) for one in judged.findings if one.against]
        if against:
            raise ApplicationIneligible(extra={"findings": against})
        checked = {"prechecked_by": actor.id, "prechecked_at": now}
        event, before = ApplicationEvent.PRECHECKED, row.subsidy_fen or ZERO
        move(session, row, event, actor, now, {**decided(judged), **checked})
        session.refresh(row)
        placing.change(session, row, before=before, now=now)
        return approvals.propose(
            session,
            action=APPROVE,
            object_type=LIFECYCLE.name,
            object_id=row.id,
            area=areas.city(row.area),
            title=f"{row.new_vin}",
            payload=frozen(session, row),
            maker=actor,
            now=now,
            amount=row.subsidy_fen or ZERO,
            # Thousands of unrelated people ask for the same: their sums don't add up to one.
            group=f"{APPROVE}:{row.id}",
        )


def send_back(
    core: Core,
    *,
    actor: Actor,
    application: ApplicationId,
    corrections: Mapping[str, str],
    reason: str,
) -> None:
    """Give it back with a reason for each thing to correct; it keeps what it holds until the last
    day of the correction.

    Raises NoSuchThing, NotAllowed, OwnApplication, CorrectionsClosed, IllegalTransition.
    """
    with core.transaction() as session:
        row = seen(session, actor, application, {Role.REVIEWER})
        policy = shelf.policy(row.policy_id or "")
        until = correct_until(core.now(session), policy.correct_by, periods(session))
        values = {
            "corrections": dict(corrections),
            "reason": reason,
            "correct_until": until,
            "reminded_at": None,
        }
        event, message = ApplicationEvent.SENT_BACK, Message.SENT_BACK
        _decided(session, actor, application, event, message, values)


def reject(core: Core, *, actor: Actor, application: ApplicationId, reason: str) -> None:
    """Refuse it for good; its cars, its place and its money are free for another.

    Raises NoSuchThing, NotAllowed, OwnApplication, IllegalTransition.
    """
    with core.transaction() as session:
        values = {"reason": reason}
        event, message = ApplicationEvent.REJECTED, Message.REJECTED
        row, now = _decided(session, actor, application, event, message, values)
        placing.give_back(session, row, now)


def frozen(session: Session, row: ApplicationRow) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON; personal data only as a part of the hash."""
    amount = row.subsidy_fen or ZERO
    return {
        "application": str(row.id),
        "scheme": str(row.scheme),
        "policy": row.policy_id,
        "subsidy_fen": amount.fen,
        "decision": row.decision,
        "new_vin": row.new_vin,
        "old_vin": row.old_vin,
        "invoice": row.invoice,
        "handed_in_sha256": fingerprint(session, row),
    }


def _decided(
    session: Session,
    actor: Actor,
    application: ApplicationId,
    event: ApplicationEvent,
    message: Message,
    values: Mapping[str, Any],
) -> tuple[ApplicationRow, datetime]:
    """What a reviewer decides alone: the applicant is told. The application, and the instant."""
    row = seen(session, actor, application, {Role.REVIEWER}, lock=True)
    refuse_own(session, row, actor)
    now = core_of(session).now(session)
    move(session, row, event, actor, now, {**values, "decided_at": now})
    tell(session, application=row.id, message=message)
    return row, now


def seen(
    session: Session,
    actor: Actor,
    application: ApplicationId,
    roles: Collection[Role],
    *,
    lock: bool = False,
) -> ApplicationRow:
    """An application that was handed in, in the actor's area."""
    _require(actor, roles)
    row = found(store.application(session, application, lock=lock))
    if row.submitted_at is None or not areas.within(row.area, actor.area):
        raise NoSuchThing
    return row


def _require(actor: Actor, roles: Collection[Role]) -> None:
    if not actor.has(*roles):
        raise NotAllowed
