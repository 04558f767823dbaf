"""Reads and writes of identity; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Table, bindparam, delete, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra.secrets import LookupHash

from .tables import OneTimeCodeRow, ResidentRow, SignInFailureRow, StaffRow

_RESIDENT = cast(Table, ResidentRow.__table__)
# Built once, without the cipher texts: every claim asks it.
_SEEN = select(
    _RESIDENT.c.id,
    _RESIDENT.c.verified_at,
    _RESIDENT.c.display_name,
    _RESIDENT.c.honorific,
    _RESIDENT.c.area,
    _RESIDENT.c.status,
).where(_RESIDENT.c.id == bindparam("resident"))


def digests(hashes: Iterable[LookupHash]) -> list[bytes]:
    """The digests alone."""
    return [keyed.digest for keyed in hashes]


def queue_up(session: Session, digest: bytes) -> None:
    """Wait until no other transaction works on the same hash."""
    number = int.from_bytes(digest[:8], "big", signed=True)
    session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def resident(session: Session, id: UUID, *, lock: bool = False) -> ResidentRow | None:
    """A resident by id."""
    statement = select(ResidentRow).where(ResidentRow.id == id)
    return session.scalars(statement.with_for_update() if lock else statement).one_or_none()


def seen(session: Session, id: UUID) -> Row[*tuple[Any, ...]] | None:
    """What others may see of a resident."""
    return session.execute(_SEEN, {"resident": id}).one_or_none()


def resident_by_mobile(session: Session, hashes: Collection[bytes]) -> ResidentRow | None:
    """The resident whose mobile has one of these hashes."""
    return session.scalars(
        select(ResidentRow).where(ResidentRow.mobile_hash.in_(hashes))
    ).one_or_none()


def identity_holder(session: Session, hashes: Collection[bytes]) -> UUID | None:
    """The id of the resident whose identity has one of these hashes."""
    return session.scalars(
        select(ResidentRow.id).where(ResidentRow.identity_hash.in_(hashes))
    ).one_or_none()


def add_residents(session: Session, rows: list[dict[str, Any]]) -> set[UUID]:
    """Insert residents and return the ids of those whose mobile and identity were free."""
    if not rows:
        return set()
    statement = insert(_RESIDENT).on_conflict_do_nothing().returning(_RESIDENT.c.id)
    return set(session.execute(statement, rows).scalars())


def residents_on_old_keys(
    session: Session, *, field_key: int, lookup_key: int, most: int
) -> list[ResidentRow]:
    """Residents with a field or hash under another than these keys, locked; skips locked ones."""
    old = or_(
        ResidentRow.mobile_key_id != lookup_key,
        ResidentRow.identity_key_id != lookup_key,
        func.get_byte(ResidentRow.mobile_cipher, 0) != field_key,
        func.get_byte(ResidentRow.name_cipher, 0) != field_key,
        func.get_byte(ResidentRow.id_number_cipher, 0) != field_key,
    )
    statement = select(ResidentRow).where(old).order_by(ResidentRow.id).limit(most)
    return list(session.scalars(statement.with_for_update(skip_locked=True)))


def codes_sent(session: Session, hashes: Collection[bytes], *, since: datetime) -> list[datetime]:
    """When one-time codes went to a mobile after an instant, oldest first."""
    return list(
        session.scalars(
            select(OneTimeCodeRow.issued_at)
            .where(OneTimeCodeRow.mobile_hash.in_(hashes), OneTimeCodeRow.issued_at > since)
            .order_by(OneTimeCodeRow.issued_at)
        )
    )


def newest_code(session: Session, hashes: Collection[bytes]) -> OneTimeCodeRow | None:
    """The last one-time code sent to a mobile, locked."""
    statement = (
        select(OneTimeCodeRow)
        .where(OneTimeCodeRow.mobile_hash.in_(hashes))
        .order_by(OneTimeCodeRow.issued_at.desc(), OneTimeCodeRow.id.desc())
        .limit(1)
    )
    return session.scalars(statement.with_for_update()).one_or_none()


def failures(session: Session, face: str, digest: bytes, *, since: datetime) -> list[datetime]:
    """When sign-ins with a login failed after an instant, oldest first."""
    return list(
        session.scalars(
            select(SignInFailureRow.occurred_at)
            .where(
                SignInFailureRow.face == face,
                SignInFailureRow.login_hash == digest,
                SignInFailureRow.occurred_at > since,
            )
            .order_by(SignInFailureRow.occurred_at)
        )
    )


def forget_failures(session: Session, face: str, digest: bytes) -> None:
    """Delete the failed sign-ins of a login."""
    session.execute(
        delete(SignInFailureRow).where(
            SignInFailureRow.face == face, SignInFailureRow.login_hash == digest
        )
    )


def forget_before(session: Session, *, codes: datetime, failed: datetime) -> int:
    """Delete one-time codes and failed sign-ins older than these instants; how many there were."""
    gone: list[Any] = [
        session.execute(delete(OneTimeCodeRow).where(OneTimeCodeRow.issued_at < codes)),
        session.execute(delete(SignInFailureRow).where(SignInFailureRow.occurred_at < failed)),
    ]
    return sum(result.rowcount for result in gone)


def staff(session: Session, id: UUID, *, lock: bool = False) -> StaffRow | None:
    """A member of staff by id; with `lock` as the row stands once the lock is held."""
    statement = select(StaffRow).where(StaffRow.id == id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return session.scalars(statement).one_or_none()


def staff_by_username(session: Session, username: str) -> StaffRow | None:
    """A member of staff by username."""
    return session.scalars(select(StaffRow).where(StaffRow.username == username)).one_or_none()


def staff_on_old_keys(session: Session, *, field_key: int) -> list[StaffRow]:
    """Members of staff whose second factor is encrypted under another than this key, locked."""
    old = func.get_byte(StaffRow.otp_cipher, 0) != field_key
    return list(session.scalars(select(StaffRow).where(old).with_for_update(skip_locked=True)))


def staff_names(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """The display names of members of staff."""
    found = session.execute(select(StaffRow.id, StaffRow.display_name).where(StaffRow.id.in_(ids)))
    return {row.id: row.display_name for row in found}
