"""Sessions of those who sign in at a desk or a till: their token counts while its session lives.

The token names its session by id and is signed, so that the id alone opens nothing. Residents have
none: tens of thousands sign in within a minute, and one instant in their account ends all tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    Table,
    and_,
    delete,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from .database import Base, Recorded

SEEN_EVERY = timedelta(minutes=5)
"""How coarsely the last use is kept: most requests write nothing."""
KEPT = timedelta(days=180)
"""How long a session that is over stays readable."""


class SessionRow(Recorded, Base):
    """One sign-in at a face. `factor_at`: when its second factor was last shown."""

    __tablename__ = "sign_in_session"
    __table_args__ = (
        Index(None, "subject_id", "opened_at"),
        Index(None, "expires_at"),
        CheckConstraint("expires_at > opened_at", "expiry"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    face: Mapped[str]
    subject_id: Mapped[UUID]
    address_prefix: Mapped[str | None]
    agent: Mapped[str]
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    factor_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


_TABLE = cast(Table, SessionRow.__table__)


@dataclass(frozen=True, slots=True)
class SignInSession:
    """A session as its owner sees it: where from, with what, since when, last used about when."""

    id: UUID
    address_prefix: str | None
    agent: str
    opened_at: datetime
    seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None


def start(
    session: Session,
    *,
    id: UUID,
    face: str,
    subject: UUID,
    address_prefix: str | None,
    agent: str,
    factor: bool,
    lasts: timedelta,
    now: datetime,
) -> None:
    """Remember a sign-in. `factor`: a second factor was shown with it."""
    session.add(
        SessionRow(
            id=id,
            face=face,
            subject_id=subject,
            address_prefix=address_prefix,
            agent=agent,
            opened_at=now,
            seen_at=now,
            expires_at=now + lasts,
            factor_at=now if factor else None,
        )
    )
    session.flush()


def alive(id: Any, subject: Any, face: Any) -> ColumnElement[bool]:
    """What a query joins so that a request acts only while its session lives: values or columns."""
    table = _TABLE.c
    mine = (table.id == id, table.subject_id == subject, table.face == face)
    return and_(*mine, table.ended_at.is_(None))


def touch(session: Session, *, id: UUID, now: datetime) -> None:
    """Note that a session was used."""
    session.execute(update(_TABLE).where(_TABLE.c.id == id).values(seen_at=now))


def show_factor(session: Session, *, id: UUID, now: datetime) -> None:
    """Note that the second factor was shown in a session."""
    session.execute(update(_TABLE).where(_TABLE.c.id == id).values(factor_at=now))


def end(session: Session, *, id: UUID, subject: UUID, now: datetime) -> bool:
    """End one session of an account; False when there is none that lives."""
    mine = (_TABLE.c.id == id, _TABLE.c.subject_id == subject, _TABLE.c.ended_at.is_(None))
    done: Any = session.execute(update(_TABLE).where(*mine).values(ended_at=now))
    return bool(done.rowcount)


def end_all(session: Session, *, subject: UUID, now: datetime, but: UUID | None = None) -> int:
    """End every session of an account, except one if told; how many there were."""
    mine = [_TABLE.c.subject_id == subject, _TABLE.c.ended_at.is_(None)]
    if but is not None:
        mine.append(_TABLE.c.id != but)
    done: Any = session.execute(update(_TABLE).where(*mine).values(ended_at=now))
    return int(done.rowcount)


def living(session: Session, *, subject: UUID, now: datetime) -> list[SignInSession]:
    """The sessions of an account that still count, newest first."""
    rows = session.scalars(
        select(SessionRow)
        .where(
            SessionRow.subject_id == subject,
            SessionRow.ended_at.is_(None),
            SessionRow.expires_at > now,
        )
        .order_by(SessionRow.opened_at.desc(), SessionRow.id)
        .limit(100)
    )
    return [
        SignInSession(
            row.id,
            row.address_prefix,
            row.agent,
            row.opened_at,
            row.seen_at,
            row.expires_at,
            row.ended_at,
        )
        for row in rows
    ]


def forget(session: Session, *, now: datetime) -> int:
    """Delete sessions that were over half a year ago; how many there were."""
    done: Any = session.execute(delete(_TABLE).where(_TABLE.c.expires_at < now - KEPT))
    return int(done.rowcount)
