"""Staff of the bureau: accounts, sign-in with a second factor, and who a request acts as."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import StaffId, new_id

from .. import documents, passwords, second_factor, store
from ..model import (
    STAFF,
    STAFF_ROLES,
    SignInRefused,
    Staff,
    StaffEvent,
    StaffStatus,
    UsernameInvalid,
    UsernameTaken,
)
from ..tables import StaffRow
from . import throttle

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
    """Open a staff account; only the operator may. `area` limits it to a division, "" doesn't.

    Demonstration accounts may have short passwords and are refused in production. Raises
    NotAllowed, UsernameInvalid, UsernameTaken, PasswordTooShort.
    """
    wanted = frozenset(roles)
    if actor.kind is not ActorKind.SYSTEM or (demo and core.settings.production):
        raise NotAllowed
    if not wanted or not wanted.issubset(STAFF_ROLES):
        raise ValueError(f"staff have one or more of {', '.join(STAFF_ROLES)}")
    row = StaffRow(
        id=new_id(),
        username=documents.username(username),
        password_hash=passwords.hashed(password, demo=demo),
        display_name=display_name.strip(),
        roles=sorted(wanted),
        area=areas.full(area),
        status=STAFF.initial,
        demo=demo,
    )
    with core.transaction() as session:
        row.occurred_at = now = core.now(session)
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError as error:
            raise UsernameTaken from error
        _record(session, actor, "staff.created", row.id, now, roles=row.roles, area=row.area)
        return _view(row)


def staff_sign_in(core: Core, *, username: str, password: str, otp: str | None = None) -> Staff:
    """The member of staff these belong to; `otp` counts for those who enrolled a second factor.

    Raises SignInRefused, which doesn't say what was wrong, and TooManyRequests after
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
        if row and right and _usable(core, row) and _second_factor(core, session, row, otp, now):
            throttle.forget_failures(session, login=login)
            session.flush()
            _record(session, _actor(row), "staff.signed_in", row.id, now)
            return _view(row)
        throttle.count_failure(session, login=login, now=now)
        if row:
            _record(session, _actor(row), "staff.sign_in_refused", row.id, now)
    raise SignInRefused


def enrol_second_factor(core: Core, *, actor: Actor, staff: StaffId) -> str:
    """Give a member of staff a new second factor and return its secret in base32.

    It is typed into an authenticator once; from then on they sign in with its codes. Raises
    NotAllowed, NoSuchThing.
    """
    if actor.kind is not ActorKind.SYSTEM and (actor.kind, actor.id) != (ActorKind.STAFF, staff):
        raise NotAllowed
    secret = base64.b32encode(os.urandom(second_factor.SECRET_BYTES)).decode()
    with core.transaction() as session:
        row = _found(store.staff(session, staff, lock=True))
        row.otp_cipher = core.keyring.encrypt(secret, bound_to=otp_bound(row.id))
        row.otp_step = None
        session.flush()
        _record(session, actor, "staff.second_factor_enrolled", row.id, core.now(session))
    return secret


def close_staff(core: Core, *, actor: Actor, staff: StaffId) -> Staff:
    """Close a staff account for good; only the operator may.

    Raises NotAllowed, IllegalTransition.
    """
    if actor.kind is not ActorKind.SYSTEM:
        raise NotAllowed
    with core.transaction() as session:
        row = _found(store.staff(session, staff))
        audit.transition(
            session,
            StaffRow,
            id=row.id,
            current=row.status,
            lifecycle=STAFF,
            event=StaffEvent.CLOSE,
            actor=actor,
            now=core.now(session),
        )
        session.refresh(row)
        return _view(row)


def staff_actor(core: Core, subject: UUID) -> Actor | None:
    """Who a request of the admin face acts as; None when the account is closed or not for here."""
    with core.transaction() as session:
        row = store.staff(session, subject)
        return _actor(row) if row and _usable(core, row) else None


def load_staff(session: Session, *, staff: StaffId) -> Staff:
    """A member of staff. Raises NoSuchThing."""
    return _view(_found(store.staff(session, staff)))


def staff_names(session: Session, *, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Display names by id, for lists that say who did something."""
    return store.staff_names(session, ids)


def otp_bound(id: UUID) -> str:
    """What a second factor's cipher text is bound to."""
    return f"staff:{id}:otp"


def _usable(core: Core, row: StaffRow) -> bool:
    return row.status is StaffStatus.ACTIVE and not (row.demo and core.settings.production)


def _second_factor(
    core: Core, session: Session, row: StaffRow, otp: str | None, now: datetime
) -> bool:
    if row.otp_cipher is None:
        return True
    store.staff(session, row.id, lock=True)  # one code opens one session, however many try at once
    if otp is None or not re.fullmatch(r"[0-9]{6}", otp):
        return False
    secret = base64.b32decode(core.keyring.decrypt(row.otp_cipher, bound_to=otp_bound(row.id)))
    step = second_factor.accepted_step(secret, otp, now=now, used=row.otp_step or 0)
    row.otp_step = step or row.otp_step
    return step is not None


def _actor(row: StaffRow) -> Actor:
    return Actor(ActorKind.STAFF, row.id, frozenset(Role(role) for role in row.roles), row.area)


def _view(row: StaffRow) -> Staff:
    return Staff(
        id=StaffId(row.id),
        username=row.username,
        display_name=row.display_name,
        roles=frozenset(Role(role) for role in row.roles),
        area=row.area,
        status=row.status,
    )


def _found(row: StaffRow | None) -> StaffRow:
    if row is None:
        raise NoSuchThing
    return row


def _record(
    session: Session,
    actor: Actor,
    action: str,
    staff: UUID,
    now: datetime,
    **detail: object,
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="staff",
        object_id=str(staff),
        now=now,
        detail=detail,
    )
