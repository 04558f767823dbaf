"""One step of an application along its lifecycle, and what its periods are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import core_of
from voucher_service.kernel.actor import Actor

from ..deadlines import Periods
from ..model import LIFECYCLE, ApplicationEvent
from ..tables import ApplicationRow


def move(
    session: Session,
    row: ApplicationRow,
    event: ApplicationEvent,
    actor: Actor,
    now: datetime,
    values: Mapping[str, Any],
    *,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Take an application one step on. Raises IllegalTransition, OvertakenByAnother."""
    audit.transition(
        session,
        ApplicationRow,
        id=row.id,
        current=row.status,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
        set_=values,
        detail=detail,
    )


def periods(session: Session) -> Periods:
    """How long each step may take here."""
    known = core_of(session).settings.applications
    return Periods(
        accept=known.accept_days,
        review=known.review_days,
        pay=known.pay_days,
        correct=known.correction_days,
    )
