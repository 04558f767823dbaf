"""Reads and writes of identity; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Table, bindparam, delete, func, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra import sessions
from voucher_service.infra.secrets import LookupHash
from voucher_service.infra.sessions import SessionRow

from .tables import (
    OneTimeCodeRow,
    PasskeyRow,
    RecoveryCodeRow,
    ResidentRow,
    SignInFailureRow,
    SpentChallengeRow,
    StaffRow,
)

_RESIDENT = cast(Table, ResidentRow.__table__)
# Built once, without the cipher texts: every claim asks it.
_SEEN = select(
    _RESIDENT.c.id,
    _RESIDENT.c.verified_at,
    _RESIDENT.c.display_name,
    _RESIDENT.c.honorific,
    _RESIDENT.c.area,
    _RESIDENT.c.status,
    _RESIDENT.c.signed_out_at,
).where(_RESIDENT.c.id == bindparam("resident"))
# Built once: every request of the admin face asks it.
_IN_SESSION = (
    select(StaffRow, SessionRow.seen_at, SessionRow.factor_at, func.clock_timestamp())
    .join(SessionRow, sessions.alive(bindparam("live"), StaffRow.id, bindparam("face")))
    .where(StaffRow.id == bindparam("staff"))
)


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
    """Delete codes, challenges and failed sign-ins older than that; how many there were."""
    gone: list[Any] = [
        session.execute(delete(OneTimeCodeRow).where(OneTimeCodeRow.issued_at < codes)),
        session.execute(delete(SpentChallengeRow).where(SpentChallengeRow.expires_at < codes)),
        session.execute(delete(SignInFailureRow).where(SignInFailureRow.occurred_at < failed)),
    ]
    return sum(result.rowcount for result in gone)


def forget_codes(session: Session, digest: bytes) -> None:
    """Delete the codes that went to a mobile."""
    session.execute(delete(OneTimeCodeRow).where(OneTimeCodeRow.mobile_hash == digest))


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
    old = or_(
        func.get_byte(StaffRow.otp_cipher, 0) != field_key,
        func.get_byte(StaffRow.otp_pending_cipher, 0) != field_key,
    )
    return list(session.scalars(select(StaffRow).where(old).with_for_update(skip_locked=True)))


def staff_names(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """The display names of members of staff."""
    found = session.execute(select(StaffRow.id, StaffRow.display_name).where(StaffRow.id.in_(ids)))
    return {row.id: row.display_name for row in found}


@dataclass(frozen=True, slots=True)
class Seen:
    """An account in one of its living sessions, and the instant of PostgreSQL's clock."""

    staff: StaffRow
    seen_at: datetime
    factor_at: datetime | None
    now: datetime


def staff_in_session(session: Session, id: UUID, live: UUID, face: str) -> Seen | None:
    """A member of staff whose session lives; None when either is not there."""
    told = {"staff": id, "live": live, "face": face}
    found = session.execute(_IN_SESSION, told).one_or_none()
    return None if found is None else Seen(*found)


def staff_page(
    session: Session, *, stem: str, after: tuple[str, UUID] | None, most: int
) -> list[StaffRow]:
    """Members of staff of a division, by username."""
    statement = select(StaffRow).where(StaffRow.area.startswith(stem, autoescape=True))
    if after is not None:
        statement = statement.where(tuple_(StaffRow.username, StaffRow.id) > after)
    return list(session.scalars(statement.order_by(StaffRow.username, StaffRow.id).limit(most)))


def passkeys(session: Session, staff: UUID) -> list[PasskeyRow]:
    """The passkeys of a member of staff, oldest first."""
    mine = select(PasskeyRow).where(PasskeyRow.staff_id == staff)
    return list(session.scalars(mine.order_by(PasskeyRow.made_at, PasskeyRow.id)))


def passkey(session: Session, credential: bytes) -> PasskeyRow | None:
    """The passkey with this credential id, locked: one answer moves its counter at a time."""
    statement = select(PasskeyRow).where(PasskeyRow.credential_id == credential)
    return session.scalars(
        statement.with_for_update().execution_options(populate_existing=True)
    ).one_or_none()


def forget_passkeys(session: Session, staff: UUID) -> None:
    """Delete every passkey of a member of staff."""
    session.execute(delete(PasskeyRow).where(PasskeyRow.staff_id == staff))


def spend_challenge(session: Session, digest: bytes, *, expires_at: datetime) -> bool:
    """Note that a challenge was answered; False when it was before."""
    statement = insert(SpentChallengeRow).values(digest=digest, expires_at=expires_at)
    done = session.execute(
        statement.on_conflict_do_nothing().returning(SpentChallengeRow.digest)
    ).scalar_one_or_none()
    return done is not None


def spend_recovery_code(session: Session, staff: UUID, digest: bytes, now: datetime) -> bool:
    """Use a recovery code; False when there is none such that was not used."""
    done: Any = session.execute(
        update(RecoveryCodeRow)
        .where(
            RecoveryCodeRow.staff_id == staff,
            RecoveryCodeRow.code_hash == digest,
            RecoveryCodeRow.used_at.is_(None),
        )
        .values(used_at=now)
    )
    return bool(done.rowcount)


def forget_recovery_codes(session: Session, staff: UUID) -> None:
    """Delete the recovery codes of a member of staff."""
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.staff_id == staff))


def recovery_codes_left(session: Session, staff: UUID) -> int:
    """How many recovery codes were not used."""
    unused = (RecoveryCodeRow.staff_id == staff, RecoveryCodeRow.used_at.is_(None))
    return session.scalar(select(func.count()).select_from(RecoveryCodeRow).where(*unused)) or 0
