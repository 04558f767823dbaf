"""A row of staff as the rest of the house sees it, and the record of what happens to it."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import StaffId

from .. import store
from ..model import Factor, Staff, StaffStatus
from ..tables import StaffRow

T = TypeVar("T")


def view(row: StaffRow) -> Staff:
    """An account without its secrets."""
    return Staff(
        id=StaffId(row.id),
        username=row.username,
        display_name=row.display_name,
        roles=roles_of(row),
        area=row.area,
        status=row.status,
        factors=factors_of(row),
        signed_in_at=row.signed_in_at,
        temporary_password=row.temporary_password,
    )


def roles_of(row: StaffRow) -> frozenset[Role]:
    """What the member of staff may do."""
    return frozenset(Role(role) for role in row.roles)


def factors_of(row: StaffRow) -> frozenset[Factor]:
    """What they enrolled besides the password."""
    enrolled = {Factor.OTP: row.otp_cipher is not None, Factor.PASSKEY: row.passkeys > 0}
    return frozenset(factor for factor, there in enrolled.items() if there)


def acting(row: StaffRow) -> Actor:
    """The member of staff as an actor."""
    return Actor(ActorKind.STAFF, row.id, roles_of(row), row.area)


def usable(core: Core, row: StaffRow) -> bool:
    """Whether the account may sign in here: demonstrations may not in production."""
    return row.status is StaffStatus.ACTIVE and not (row.demo and core.settings.production)


def found(row: T | None) -> T:
    """The row. Raises NoSuchThing when there is none."""
    if row is None:
        raise NoSuchThing
    return row


def own(session: Session, actor: Actor) -> StaffRow:
    """The locked account of the member of staff who acts. Raises NotAllowed, NoSuchThing."""
    if actor.kind is not ActorKind.STAFF or actor.id is None:
        raise NotAllowed
    return found(store.staff(session, actor.id, lock=True))


def otp_bound(id: UUID) -> str:
    """What the cipher text of a one-time password's secret is bound to."""
    return f"staff:{id}:otp"


def record(
    session: Session, actor: Actor, action: str, staff: UUID, now: datetime, **detail: object
) -> None:
    """Write what happened to an account of staff."""
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="staff",
        object_id=str(staff),
        now=now,
        detail=detail,
    )
