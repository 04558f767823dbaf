"""The city approves; decisions as they can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.money import ZERO

from ...revision import Decision
from .. import recording, store
from ..messages import Message
from ..model import ApplicationEvent, ApplicationStatus
from ..tables import ApplicationRow
from . import placing
from .dossier import found
from .judging import refuse_own
from .moving import move
from .reviewing import APPROVE, frozen
from .telling import tell

_BATCH = 1_000


def decisions(session: Session) -> list[Decision]:
    """Every approved application, paid or not, as a decision that `revision` can make again."""
    made: list[Decision] = []
    after: tuple[datetime, UUID] | None = None
    while True:
        rows = store.granted(session, since=None, after=after, most=_BATCH)
        for row in rows:
            assert row.decision is not None and row.decided_at is not None  # it was approved
            case, amount = recording.case_from(row.decision), row.subsidy_fen or ZERO
            made.append(Decision(row.id, case, amount, row.policy_id or ""))
            after = row.decided_at, row.id
        if len(rows) < _BATCH:
            return made


def _approve(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = _proposed(session, payload)
    if row.status is not ApplicationStatus.PRECHECKED or frozen(session, row) != payload:
        raise ChangedSinceProposed
    refuse_own(session, row, actor)
    move(session, row, ApplicationEvent.APPROVED, actor, now, {"decided_at": now})
    placing.grant(session, row, now)
    tell(session, application=row.id, message=Message.APPROVED)


def _return(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """Sent back: the reviewer decides what becomes of it, unless the applicant took it back."""
    row = _proposed(session, payload)
    if row.status is ApplicationStatus.PRECHECKED:
        move(session, row, ApplicationEvent.RETURNED, actor, now, {"prechecked_at": None})


def _proposed(session: Session, payload: Mapping[str, Any]) -> ApplicationRow:
    return found(store.application(session, UUID(payload["application"]), lock=True))


approvals.register(APPROVE, execute=_approve, refuse=_return)
