"""Want notices sent, and send them at a bounded rate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.identity import service as identity
from voucher_service.infra import outbox
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import ResidentId, new_id

from .model import KEPT, PER_SECOND, STALE_AFTER, Kind, Notice
from .tables import NoticeRow

_KEY = "send_notices"
_TABLE = cast(Table, NoticeRow.__table__)
_PIECE = 2_000
_FORGET = 10_000


def add(
    session: Session,
    *,
    kind: Kind,
    subject: UUID,
    residents: Sequence[ResidentId],
    title: str,
    at: datetime,
    now: datetime,
) -> None:
    """Want residents told; whoever was told of the subject before is not told again.

    `at` is the instant that the text names.
    """
    for start in range(0, len(residents), _PIECE):
        rows = [
            {
                "id": new_id(),
                "subject_id": subject,
                "resident_id": resident,
                "kind": kind,
                "title": title,
                "at": at,
                "occurred_at": now,
            }
            for resident in residents[start : start + _PIECE]
        ]
        session.execute(insert(_TABLE).on_conflict_do_nothing(), rows)
    if residents:
        want(session)


def want(session: Session) -> str:
    """Want the job that sends; its key."""
    outbox.add(session, kind="send_notices", key=_KEY, args={})
    return _KEY


def stopped(session: Session) -> bool:
    """Whether notices wait though the job has done its part."""
    now = session.execute(select(func.clock_timestamp())).scalar_one()
    waits = select(exists().where(*_waiting(now)))
    return outbox.served(session, key=_KEY) and bool(session.execute(waits).scalar_one())


def send(core: Core) -> int:
    """Send what a second may carry; how many went out. To be called once a second at most.

    A process that dies between sending and noting sends one message twice, never more. Raises
    SmsUnavailable.
    """
    for sent in range(PER_SECOND):
        if not _send_one(core):
            return sent
    return PER_SECOND


def forget(core: Core) -> int:
    """Delete one batch of notices that are too old; how many. Call until it answers 0."""
    with core.transaction() as session:
        old = select(_TABLE.c.id).where(_TABLE.c.occurred_at < core.now(session) - KEPT)
        gone: Any = session.execute(delete(_TABLE).where(_TABLE.c.id.in_(old.limit(_FORGET))))
        return int(gone.rowcount)


def forget_person(session: Session, *, resident: ResidentId) -> None:
    """Delete the notices of a resident, sent or not."""
    session.execute(delete(_TABLE).where(_TABLE.c.resident_id == resident))


def _send_one(core: Core) -> bool:
    with core.transaction() as session:
        now = core.now(session)
        row = session.execute(
            select(_TABLE)
            .where(*_waiting(now))
            .order_by(_TABLE.c.occurred_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if row is None:
            return False
        notice = Notice(ResidentId(row.resident_id), row.kind, row.title, row.at)
        mobile = identity.mobile_of(session, keyring=core.keyring, resident=notice.resident_id)
        if mobile is not None:
            core.sms.send(mobile=mobile, code=str(notice.kind), text=notice.text, at=now)
        session.execute(update(_TABLE).where(_TABLE.c.id == row.id).values(sent_at=now))
    return True


def _waiting(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return _TABLE.c.sent_at.is_(None), _TABLE.c.occurred_at > now - STALE_AFTER
