"""Failed attempts at a login, over a quarter of an hour. Shared by all password sign-ins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.ids import new_id

from .. import store
from ..model import TooManyRequests
from ..tables import SignInFailureRow

QUARTER_HOUR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Login:
    """What somebody signs in with: a face and the keyed hash of the login."""

    face: str
    digest: bytes


def login_of(core: Core, face: str, login: str) -> Login:
    """The login under the newest key; not kept in clear, since people mistype passwords there."""
    return Login(face, core.keyring.lookup("login", f"{face}:{login}").digest)


def refuse_when_closed(session: Session, *, login: Login, now: datetime, limit: int) -> None:
    """Raise TooManyRequests when `limit` attempts failed within the last quarter of an hour."""
    failed = store.failures(session, login.face, login.digest, since=now - QUARTER_HOUR)
    refuse_above(failed, limit=limit, window=QUARTER_HOUR, now=now)


def refuse_above(instants: list[datetime], *, limit: int, window: timedelta, now: datetime) -> None:
    """Raise TooManyRequests when `limit` or more instants (oldest first) lie within the window."""
    if len(instants) >= limit:
        opens_at = instants[-limit] + window
        seconds = max(1, math.ceil((opens_at - now).total_seconds()))
        raise TooManyRequests(retry_after_seconds=seconds, seconds=seconds)


def count_failure(session: Session, *, login: Login, now: datetime) -> None:
    """Remember a failed attempt."""
    session.add(
        SignInFailureRow(id=new_id(), face=login.face, login_hash=login.digest, occurred_at=now)
    )
    session.flush()


def forget_failures(session: Session, *, login: Login) -> None:
    """Start again after a sign-in that succeeded."""
    store.forget_failures(session, login.face, login.digest)
