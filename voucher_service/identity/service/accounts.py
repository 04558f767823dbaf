"""Accounts of colleagues: an administrator proposes, an approver decides, a record says both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import AlreadyProposed, ChangedSinceProposed
from voucher_service.i18n import mark
from voucher_service.infra import areas, sessions
from voucher_service.infra.core import Core
from voucher_service.infra.sessions import SignInSession
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import InvalidInput, NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId, StaffId
from voucher_service.kernel.page import CursorInvalid, Page, decode_cursor, encode_cursor

from .. import passwords, store
from ..desk import Passkey, check_roles
from ..model import Staff, StaffEvent, StaffStatus
from ..tables import StaffRow
from . import factors, passkeys
from .rows import found, record, view
from .staff import insert, move, new_row

CREATE, GRANT, RESET, CLOSE = "staff.create", "staff.grant", "staff.reset", "staff.close"
_READERS = (Role.ADMINISTRATOR, Role.AUDITOR)
_UNKNOWN = mark("这个地区我们不认识，请重新选。")


def propose_account(
    core: Core,
    *,
    actor: Actor,
    username: str,
    display_name: str,
    roles: Collection[Role],
    area: str,
    password: str,
) -> tuple[StaffId, ApprovalId]:
    """Propose an account of a colleague within the actor's area.

    The colleague types a first password, or is told it, and chooses another at the first sign-in;
    it is hashed here and is no part of the proposal. Raises NotAllowed, RolesIncompatible,
    UsernameInvalid, UsernameTaken, PasswordTooShort.
    """
    wanted = check_roles(roles)
    row = new_row(username, password, display_name, wanted, area)
    row.temporary_password = True
    _check_place(actor, row.area)
    if not actor.has(Role.ADMINISTRATOR):
        raise NotAllowed
    with core.transaction() as session:
        now = core.now(session)
        insert(session, row, now)
        facts = {"username": row.username, "roles": row.roles, "area": row.area}
        record(session, actor, "staff.proposed", row.id, now, **facts)
        payload = facts | {"display_name": row.display_name}
        return StaffId(row.id), _propose(session, CREATE, row, payload, actor, now)


def propose_grant(
    core: Core, *, actor: Actor, staff: StaffId, roles: Collection[Role], area: str
) -> ApprovalId:
    """Propose other roles or another area for a colleague: what they will be, not what changes.

    Raises NoSuchThing, NotAllowed, InvalidInput, RolesIncompatible, AlreadyProposed.
    """
    wanted = sorted(check_roles(roles))
    place = areas.full(area)
    with core.transaction() as session:
        row, now = _colleague(session, actor, staff), core.now(session)
        _check_place(actor, place)
        payload = {"roles": wanted, "area": place, "before": _standing(row)}
        return _propose(session, GRANT, row, payload, actor, now)


def propose_reset(core: Core, *, actor: Actor, staff: StaffId, password: str) -> ApprovalId:
    """Propose a first password again, without second factors, for a colleague who lost theirs.

    Raises NoSuchThing, NotAllowed, PasswordTooShort, AlreadyProposed.
    """
    hashed = passwords.hashed(password, demo=False)
    with core.transaction() as session:
        row, now = _colleague(session, actor, staff), core.now(session)
        if row.next_password_hash is not None:
            raise AlreadyProposed
        row.next_password_hash = hashed
        session.flush()
        return _propose(session, RESET, row, {"username": row.username}, actor, now)


def propose_closing(core: Core, *, actor: Actor, staff: StaffId) -> ApprovalId:
    """Propose to close a colleague's account for good.

    Raises NoSuchThing, NotAllowed, AlreadyProposed.
    """
    with core.transaction() as session:
        row, now = _colleague(session, actor, staff), core.now(session)
        return _propose(session, CLOSE, row, {"username": row.username}, actor, now)


def staff_page(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Staff]:
    """Colleagues of the actor's area, by username. Raises NotAllowed, CursorInvalid."""
    if not actor.has(*_READERS):
        raise NotAllowed
    with core.transaction() as session:
        rows = store.staff_page(
            session, stem=areas.stem(actor.area), after=_after(cursor), most=limit + 1
        )
        items = [view(row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(items, encode_cursor(items[-1].username, items[-1].id) if more else None)


def staff_account(
    core: Core, *, actor: Actor, staff: StaffId
) -> tuple[Staff, list[SignInSession], list[Passkey]]:
    """A colleague of the actor's area, or oneself, with living sessions and passkeys.

    Raises NoSuchThing, NotAllowed.
    """
    if actor.id != staff and not actor.has(*_READERS):
        raise NotAllowed
    with core.transaction() as session:
        row = found(store.staff(session, staff))
        if not areas.within(row.area, actor.area):
            raise NoSuchThing
        now = core.now(session)
        living = sessions.living(session, subject=row.id, now=now)
        return view(row), living, passkeys.passkeys(session, staff=row.id)


def end_session(core: Core, *, actor: Actor, session: UUID, staff: StaffId | None = None) -> None:
    """End one session: one's own, or a colleague's as an administrator of the area.

    Raises NoSuchThing, NotAllowed.
    """
    with core.transaction() as books:
        owner = _owner(books, actor, staff)
        now = core.now(books)
        if not sessions.end(books, id=session, subject=owner, now=now):
            raise NoSuchThing
        record(books, actor, "staff.session_ended", owner, now, ended=str(session))


def end_sessions(
    core: Core, *, actor: Actor, staff: StaffId | None = None, but: UUID | None = None
) -> int:
    """End all sessions of one's own, except `but`, or all of a colleague's; how many.

    Raises NoSuchThing, NotAllowed.
    """
    with core.transaction() as books:
        owner = _owner(books, actor, staff)
        now = core.now(books)
        count = sessions.end_all(books, subject=owner, now=now, but=but)
        record(books, actor, "staff.sessions_ended", owner, now, count=count)
        return count


def _owner(session: Session, actor: Actor, staff: StaffId | None) -> UUID:
    if staff is None or staff == actor.id:
        assert actor.id is not None
        return actor.id
    if not actor.has(Role.ADMINISTRATOR):
        raise NotAllowed
    row = found(store.staff(session, staff))
    if not areas.within(row.area, actor.area):
        raise NoSuchThing
    return row.id


def _colleague(session: Session, actor: Actor, staff: StaffId) -> StaffRow:
    """The locked open account of somebody else in the actor's area."""
    if not actor.has(Role.ADMINISTRATOR) or actor.id == staff:
        raise NotAllowed
    row = found(store.staff(session, staff, lock=True))
    if not areas.within(row.area, actor.area) or row.status is not StaffStatus.ACTIVE:
        raise NoSuchThing
    return row


def _check_place(actor: Actor, area: str) -> None:
    """Raises NotAllowed outside the actor's area, InvalidInput for a division nobody knows."""
    if not areas.within(area, actor.area):
        raise NotAllowed
    if area and not areas.known(area):
        raise InvalidInput(extra={"errors": {"area": _UNKNOWN}})


def _standing(row: StaffRow) -> dict[str, Any]:
    return {"roles": list(row.roles), "area": row.area}


def _propose(
    session: Session,
    action: str,
    row: StaffRow,
    payload: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> ApprovalId:
    return approvals.propose(
        session,
        action=action,
        object_type="staff",
        object_id=row.id,
        area=row.area,
        title=f"{row.display_name}（{row.username}）",
        payload={"staff": str(row.id), **payload},
        maker=actor,
        now=now,
        authors=[row.id],  # nobody signs for themselves
    )


def _after(cursor: str | None) -> tuple[str, UUID] | None:
    if cursor is None:
        return None
    username, id = decode_cursor(cursor, 2)
    try:
        return str(username), UUID(str(id))
    except ValueError:
        raise CursorInvalid from None


def _decided(session: Session, payload: Mapping[str, Any]) -> StaffRow:
    return found(store.staff(session, UUID(payload["staff"]), lock=True))


def _create(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    move(session, _decided(session, payload), StaffEvent.APPROVE, actor, now)


def _not_created(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    move(session, _decided(session, payload), StaffEvent.REFUSE, actor, now)


def _grant(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = _decided(session, payload)
    if _standing(row) != payload["before"] or row.status is not StaffStatus.ACTIVE:
        raise ChangedSinceProposed
    roles = check_roles({Role(one) for one in payload["roles"]})
    row.roles, row.area = sorted(roles), payload["area"]
    session.flush()
    facts = {"roles": row.roles, "area": row.area, "before": payload["before"]}
    record(session, actor, "staff.granted", row.id, now, **facts)
    sessions.end_all(session, subject=row.id, now=now)


def _reset(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = _decided(session, payload)
    if row.next_password_hash is None or row.status is not StaffStatus.ACTIVE:
        raise ChangedSinceProposed
    row.password_hash, row.next_password_hash = row.next_password_hash, None
    row.temporary_password = True
    factors.drop_all(session, row)
    session.flush()
    record(session, actor, "staff.reset", row.id, now)
    sessions.end_all(session, subject=row.id, now=now)


def _not_reset(session: Session, payload: Mapping[str, Any], _: Actor, __: datetime) -> None:
    _decided(session, payload).next_password_hash = None
    session.flush()


def _close(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = _decided(session, payload)
    move(session, row, StaffEvent.CLOSE, actor, now)
    sessions.end_all(session, subject=row.id, now=now)


def _nothing(_: Session, __: Mapping[str, Any], ___: Actor, ____: datetime) -> None:
    """A refused proposal leaves the account as it is."""


approvals.register(CREATE, execute=_create, refuse=_not_created)
approvals.register(GRANT, execute=_grant, refuse=_nothing)
approvals.register(RESET, execute=_reset, refuse=_not_reset)
approvals.register(CLOSE, execute=_close, refuse=_nothing)
