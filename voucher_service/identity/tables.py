"""Residents, one-time codes, staff, failed sign-ins. Personal data is encrypted or hashed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, SmallInteger, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded, status_type

from .documents import Document
from .model import STAFF_ROLES, Honorific, ResidentStatus, StaffStatus

_ROLES = ", ".join(f"'{role}'" for role in STAFF_ROLES)


class ResidentRow(Recorded, Base):
    """A resident's account; `display_name` is masked.

    The `…_key_id` columns number the key of the hash beside them; a cipher text carries its own
    key's number in its first byte.
    """

    __tablename__ = "resident"
    __table_args__ = (
        UniqueConstraint("mobile_hash"),
        UniqueConstraint("identity_hash"),
        CheckConstraint("status IN ('active', 'blocked')", "status"),
        CheckConstraint(
            "num_nonnulls(verified_at, identity_hash, identity_key_id, document, name_cipher,"
            " id_number_cipher, consent_version, consented_at) IN (0, 8)",
            "verified_whole",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mobile_cipher: Mapped[bytes]
    mobile_hash: Mapped[bytes]
    mobile_key_id: Mapped[int] = mapped_column(SmallInteger)
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


class StaffRow(Recorded, Base):
    """A member of the bureau's staff.

    `otp_cipher` is the second factor's secret, if enrolled; `otp_step` the last 30-second step
    whose code was used.
    """

    __tablename__ = "staff"
    __table_args__ = (
        UniqueConstraint("username"),
        CheckConstraint("username = lower(username)", "username"),
        CheckConstraint("status IN ('active', 'closed')", "status"),
        CheckConstraint(f"cardinality(roles) > 0 AND roles <@ ARRAY[{_ROLES}]", "roles"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str]
    password_hash: Mapped[str]
    otp_cipher: Mapped[bytes | None]
    otp_step: Mapped[int | None]
    display_name: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    area: Mapped[str] = mapped_column(server_default="")
    status: Mapped[StaffStatus] = mapped_column(status_type(StaffStatus))
    demo: Mapped[bool] = mapped_column(server_default=false())
    occurred_at: Mapped[datetime]


class SignInFailureRow(Recorded, Base):
    """One failed attempt at a login of a face; kept for a quarter of an hour."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index(None, "face", "login_hash", "occurred_at"), Index(None, "occurred_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    face: Mapped[str]
    login_hash: Mapped[bytes]
    occurred_at: Mapped[datetime]
