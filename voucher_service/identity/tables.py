"""Residents, one-time codes, staff and their factors. Personal data is encrypted or hashed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    false,
    func,
    select,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column

from voucher_service.infra.database import Base, Recorded, status_type

from .documents import Document
from .model import STAFF_ROLES, Honorific, ResidentStatus, StaffStatus

_ROLES = ", ".join(f"'{role}'" for role in STAFF_ROLES)


class ResidentRow(Recorded, Base):
    """A resident's account; `display_name` is masked. Tokens older than `signed_out_at` are void.
    Of a forgotten one the id is left, for the books.

    The `…_key_id` columns number the key of the hash beside them; a cipher text carries its own
    key's number in its first byte.
    """

    __tablename__ = "resident"
    __table_args__ = (
        UniqueConstraint("mobile_hash"),
        UniqueConstraint("identity_hash"),
        CheckConstraint("status IN ('active', 'blocked', 'forgotten')", "status"),
        CheckConstraint(
            "num_nulls(mobile_cipher, mobile_hash, mobile_key_id)"
            " = CASE status WHEN 'forgotten' THEN 3 ELSE 0 END"
            " AND (status <> 'forgotten' OR verified_at IS NULL)",
            "forgotten_whole",
        ),
        CheckConstraint(
            "num_nonnulls(verified_at, identity_hash, identity_key_id, document, name_cipher,"
            " id_number_cipher, consent_version, consented_at) IN (0, 8)",
            "verified_whole",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mobile_cipher: Mapped[bytes | None]
    mobile_hash: Mapped[bytes | None]
    mobile_key_id: Mapped[int | None] = mapped_column(SmallInteger)
    document: Mapped[Document | None] = mapped_column(status_type(Document))
    name_cipher: Mapped[bytes | None]
    id_number_cipher: Mapped[bytes | None]
    identity_hash: Mapped[bytes | None]
    identity_key_id: Mapped[int | None] = mapped_column(SmallInteger)
    display_name: Mapped[str] = mapped_column(server_default="")
    honorific: Mapped[Honorific | None] = mapped_column(status_type(Honorific))
    area: Mapped[str | None]
    consent_version: Mapped[str | None]
    consented_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    status: Mapped[ResidentStatus] = mapped_column(status_type(ResidentStatus))
    signed_out_at: Mapped[datetime | None]
    synthetic: Mapped[bool] = mapped_column(server_default=false())
    occurred_at: Mapped[datetime]


class OneTimeCodeRow(Recorded, Base):
    """A one-time code sent to a mobile; only the newest of a mobile counts."""

    __tablename__ = "one_time_code"
    __table_args__ = (
        Index(None, "mobile_hash", "issued_at"),
        Index(None, "issued_at"),
        CheckConstraint("attempts >= 0", "attempts"),
        CheckConstraint("expires_at > issued_at", "expiry"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mobile_hash: Mapped[bytes]
    code_hash: Mapped[bytes]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PasskeyRow(Recorded, Base):
    """A WebAuthn credential: the public key, and the counter that tells a copy from it."""

    __tablename__ = "passkey"
    __table_args__ = (
        UniqueConstraint("credential_id"),
        Index(None, "staff_id"),
        CheckConstraint("sign_count >= 0", "sign_count"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    credential_id: Mapped[bytes]
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]


class StaffRow(Recorded, Base):
    """A member of the bureau's staff.

    `otp_cipher` is the secret of one-time passwords, if enrolled, `otp_pending_cipher` the one that
    no code has confirmed yet; `otp_step` the last 30-second step whose code was used.
    `next_password_hash` waits for a second person; a `temporary_password` was chosen by another.
    """

    __tablename__ = "staff"
    __table_args__ = (
        UniqueConstraint("username"),
        CheckConstraint("username = lower(username)", "username"),
        CheckConstraint("status IN ('proposed', 'active', 'closed')", "status"),
        CheckConstraint(f"cardinality(roles) > 0 AND roles <@ ARRAY[{_ROLES}]", "roles"),
        CheckConstraint(
            "NOT roles @> ARRAY['planner', 'approver']"
            " AND NOT roles @> ARRAY['planner', 'finance']"
            " AND NOT roles @> ARRAY['approver', 'finance']"
            " AND (cardinality(roles) = 1 OR NOT roles && ARRAY['auditor', 'administrator'])",
            "separate_roles",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str]
    password_hash: Mapped[str]
    next_password_hash: Mapped[str | None]
    temporary_password: Mapped[bool] = mapped_column(server_default=false())
    otp_cipher: Mapped[bytes | None]
    otp_pending_cipher: Mapped[bytes | None]
    otp_step: Mapped[int | None]
    display_name: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    area: Mapped[str] = mapped_column(server_default="")
    status: Mapped[StaffStatus] = mapped_column(status_type(StaffStatus))
    signed_in_at: Mapped[datetime | None]
    demo: Mapped[bool] = mapped_column(server_default=false())
    occurred_at: Mapped[datetime]
    # Read with every account: whether a password alone is enough is never a second question.
    passkeys: Mapped[int] = column_property(
        select(func.count(PasskeyRow.id))
        .where(
            PasskeyRow.staff_id == id,  # noqa: A003 - the column above
            PasskeyRow.suspended_at.is_(None),
        )
        .correlate_except(PasskeyRow)
        .scalar_subquery()
    )


class SignInFailureRow(Recorded, Base):
    """One failed attempt at a login of a face; kept for a quarter of an hour."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index(None, "face", "login_hash", "occurred_at"), Index(None, "occurred_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    face: Mapped[str]
    login_hash: Mapped[bytes]
    occurred_at: Mapped[datetime]


class RecoveryCodeRow(Recorded, Base):
    """One of ten codes that stand in for a lost factor, each once."""

    __tablename__ = "recovery_code"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SpentChallengeRow(Recorded, Base):
    """A challenge that was answered, until it would have run out anyhow."""

    __tablename__ = "spent_challenge"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]
