"""Staff of the bureau: the first accounts, sign-in, and who a request acts as."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import areas, sessions
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import DomainError, NotAllowed
from voucher_service.kernel.ids import StaffId, new_id

from .. import documents, passwords, store
from ..desk import Answer, AtWork, check_roles
from ..model import (
    STAFF,
    PasswordChangeRequired,
    SecondFactorRequired,
    SignInRefused,
    Staff,
    StaffEvent,
    UsernameInvalid,
    UsernameTaken,
)
from ..tables import StaffRow
from . import factors, passkeys, throttle
from .rows import acting, factors_of, found, record, usable, view

FACE = "admin"


def create_staff(
    core: Core,
    *,
    actor: Actor,
    username: str,
    password: str,
    display_name: str,
    roles: Iterable[Role],
    area: str = "",
    demo: bool = False,
) -> Staff:
    """Open a staff account at once; only the operator may, for the first ones.

    `area` limits it to a division, "" doesn't. Demonstration accounts may have short passwords and
    are refused in production. Raises NotAllowed, RolesIncompatible, UsernameInvalid, UsernameTaken,
    PasswordTooShort.
    """
    if actor.kind is not ActorKind.SYSTEM or (demo and core.settings.production):
        raise NotAllowed
    wanted = check_roles(frozenset(roles))
    row = new_row(username, password, display_name, wanted, area, demo=demo)
    with core.transaction() as session:
        now = core.now(session)
        insert(session, row, now)
        record(session, actor, "staff.created", row.id, now, roles=row.roles, area=row.area)
        move(session, row, StaffEvent.APPROVE, actor, now)
        return view(row)


def new_row(
    username: str,
    password: str,
    display_name: str,
    roles: Collection[Role],
    area: str,
    *,
    demo: bool = False,
) -> StaffRow:
    """A proposed account. Raises UsernameInvalid, PasswordTooShort."""
    return StaffRow(
        id=new_id(),
        username=documents.username(username),
        password_hash=passwords.hashed(password, demo=demo),
        display_name=display_name.strip(),
        roles=sorted(roles),
        area=areas.full(area),
        status=STAFF.initial,
        demo=demo,
    )


def insert(session: Session, row: StaffRow, now: datetime) -> None:
    """Write a new account. Raises UsernameTaken."""
    row.occurred_at = now
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise UsernameTaken from error


def move(session: Session, row: StaffRow, event: StaffEvent, actor: Actor, now: datetime) -> None:
    """Move an account along its lifecycle. Raises IllegalTransition."""
    audit.transition(
        session,
        StaffRow,
        id=row.id,
        current=row.status,
        lifecycle=STAFF,
        event=event,
        actor=actor,
        now=now,
    )
    session.refresh(row)


def staff_sign_in(
    core: Core,
    *,
    username: str,
    password: str,
    otp: str | None = None,
    passkey: Answer | None = None,
) -> Staff:
    """The member of staff these belong to. Who enrolled a second factor shows it too.

    `otp` is a code of the authenticator or a recovery code; `passkey` stands in for it. Raises
    SignInRefused, which doesn't say what was wrong, and TooManyRequests after
    `sign_in.failures_per_quarter_hour` failures, even for the right password.
    """
    try:
        name = documents.username(username)
    except UsernameInvalid:
        passwords.match(None, password)
        raise SignInRefused from None
    login = throttle.login_of(core, FACE, name)
    with core.transaction() as session:
        now = core.now(session)
        limit = core.settings.sign_in.failures_per_quarter_hour
        throttle.refuse_when_closed(session, login=login, now=now, limit=limit)
        row = store.staff_by_username(session, name)
        right = passwords.match(row.password_hash if row else None, password)
        if row and right and usable(core, row) and _factor(core, session, row, otp, passkey, now):
            throttle.forget_failures(session, login=login)
            return _signed_in(session, row, now)
        throttle.count_failure(session, login=login, now=now)
        if row:
            record(session, acting(row), "staff.sign_in_refused", row.id, now)
    raise SignInRefused


def passkey_sign_in(core: Core, *, answer: Answer) -> Staff:
    """The member of staff whose passkey this is: it verified its owner, so no password is asked.

    Raises SignInRefused.
    """
    with core.transaction() as session:
        now = core.now(session)
        key = passkeys.answered(core, session, answer, purpose=passkeys.SIGN_IN, now=now)
        row = store.staff(session, key.staff_id) if key else None
        if row and usable(core, row):
            return _signed_in(session, row, now)
    raise SignInRefused


def _factor(
    core: Core,
    session: Session,
    row: StaffRow,
    otp: str | None,
    passkey: Answer | None,
    now: datetime,
) -> bool:
    if not factors_of(row):
        return True
    if passkey is not None:
        key = passkeys.answered(core, session, passkey, purpose=passkeys.SIGN_IN, now=now)
        return key is not None and key.staff_id == row.id
    return factors.shown(core, session, row, otp, now)


def _signed_in(session: Session, row: StaffRow, now: datetime) -> Staff:
    row.signed_in_at = now
    session.flush()
    record(session, acting(row), "staff.signed_in", row.id, now)
    return view(row)


def close_staff(core: Core, *, actor: Actor, staff: StaffId) -> Staff:
    """Close a staff account for good and end its sessions; alone only the operator may.

    Raises NotAllowed, IllegalTransition.
    """
    if actor.kind is not ActorKind.SYSTEM:
        raise NotAllowed
    with core.transaction() as session:
        now = core.now(session)
        row = found(store.staff(session, staff))
        move(session, row, StaffEvent.CLOSE, actor, now)
        sessions.end_all(session, subject=row.id, now=now)
        return view(row)


def staff_actor(core: Core, subject: UUID) -> Actor | None:
    """A member of staff as an actor, without a session: for tools that hold no token.

    None when the account is closed or not for here.
    """
    with core.transaction() as session:
        row = store.staff(session, subject)
        return acting(row) if row and usable(core, row) else None


def at_work(core: Core, *, subject: UUID, session: UUID) -> AtWork | None:
    """Who a request of the admin face acts as, in the session its token names; in one query.

    None when the session was ended, or the account is closed or not for here.
    """
    with core.transaction() as books:
        seen = store.staff_in_session(books, subject, session, FACE)
        if seen is None or not usable(core, seen.staff):
            return None
        now = core.clock.at or seen.now
        if now - seen.seen_at > sessions.SEEN_EVERY:
            sessions.touch(books, id=session, now=now)
        factors = bool(factors_of(seen.staff))
        refusal = _first_duty(core, seen.staff, factors=factors)
        return AtWork(acting(seen.staff), session, factors, seen.factor_at, now, refusal)


def _first_duty(core: Core, row: StaffRow, *, factors: bool) -> DomainError | None:
    """What the person has to do before anything else."""
    if row.temporary_password:
        return PasswordChangeRequired()
    if core.settings.production and not factors:
        return SecondFactorRequired()
    return None


def load_staff(session: Session, *, staff: StaffId) -> Staff:
    """A member of staff. Raises NoSuchThing."""
    return view(found(store.staff(session, staff)))


def staff_names(session: Session, *, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Display names by id, for lists that say who did something."""
    return store.staff_names(session, ids)


def staff_called(session: Session, *, username: str) -> StaffId | None:
    """The member of staff who signs in with a name; None when nobody does."""
    row = store.staff_by_username(session, username)
    return None if row is None else StaffId(row.id)
