"""What time does to applications: reminders, corrections that never came, papers that go."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import files
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.ids import ResidentId

from .. import store
from ..messages import Message
from ..model import ENDED, GRANTED, LIFECYCLE, ApplicationEvent
from ..tables import ApplicationRow
from . import placing
from .moving import move
from .telling import tell

# Nobody is woken up by a reminder.
_HOURS = range(9, 21)


def lapse_due(core: Core, *, most: int = 200) -> int:
    """Let applications lapse whose correction never came: place and money go back, the applicant is
    told. Drafts nobody handed in end as silently as they stood, when the papers of one that was
    refused would go. Call until it returns 0.
    """
    with core.transaction() as session:
        now = core.now(session)
        late = store.late(session, now, most=most)
        for row in late:
            move(session, row, ApplicationEvent.LAPSED, SYSTEM, now, {"decided_at": now})
            placing.give_back(session, row, now)
            tell(session, application=row.id, message=Message.LAPSED)
        since = now - timedelta(days=core.settings.applications.keep_refused_days)
        left = store.left_alone(session, since, most=most)
        for row in left:
            move(session, row, ApplicationEvent.WITHDRAWN, SYSTEM, now, {"decided_at": now})
        return len(late) + len(left)


def remind_due(core: Core, *, most: int = 200) -> int:
    """Tell whoever still has to correct that little time is left; once, by day. How many."""
    with core.transaction() as session:
        now = core.now(session)
        if now.astimezone(SHANGHAI).hour not in _HOURS:
            return 0
        until = now + timedelta(days=core.settings.applications.reminder_days)
        rows = store.ending(session, now, until, most=most)
        for row in rows:
            row.reminded_at = now
            tell(session, application=row.id, message=Message.CORRECTION_ENDS)
        session.flush()
        return len(rows)


def forget(core: Core, *, most: int = 200) -> int:
    """Delete papers and personal data of applications that ended long ago; their rows keep what was
    decided, and the hashes of the papers. Call until it returns 0.
    """
    kept = core.settings.applications
    with core.transaction() as session:
        now = core.now(session)
        refused = now - timedelta(days=kept.keep_refused_days)
        granted = now - timedelta(days=kept.keep_granted_days)
        rows = store.kept_too_long(session, {ENDED: refused, GRANTED: granted}, most=most)
        for row in rows:
            _forget(session, core, row, now)
        return len(rows)


def forget_person(session: Session, *, resident: ResidentId, now: datetime) -> None:
    """The same of a resident's that came to nothing, at once. Those of granted ones are books."""
    for row in store.left_by(session, resident, ENDED):
        _forget(session, core_of(session), row, now)


def _forget(session: Session, core: Core, row: ApplicationRow, now: datetime) -> None:
    papers = store.evidence(session, [row.id])[row.id]
    emptied = files.empty(session, files=papers.values())
    row.person_cipher = store.encrypt_person(core.keyring, row.id, {})
    row.forgotten_at = now
    session.flush()
    audit.record(
        session,
        actor=SYSTEM,
        action="application.forgotten",
        object_type=LIFECYCLE.name,
        object_id=str(row.id),
        now=now,
        detail={"files": emptied},
    )
