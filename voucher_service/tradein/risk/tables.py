"""What was looked at, what was found, and the keys by which subjects find each other."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded, status_type

from .facts import Subject
from .findings import Kind
from .ties import Tie


class SubjectRow(Recorded, Base):
    """A sale or application. `due`: something of it is new since it was looked at, or it never was.

    `weight` is 0 to 100, as of `assessed_at`; `occurred_at` is the subject's own instant as it was
    judged: what was handed in anew has a later one.
    """

    __tablename__ = "risk_subject"
    __table_args__ = (
        Index("ix_risk_subject_due", "subject_kind", "subject_id", postgresql_where=text("due")),
        CheckConstraint("subject_kind IN ('sale', 'application')", "kind"),
        CheckConstraint("weight BETWEEN 0 AND 100", "weight"),
        CheckConstraint("due OR assessed_at IS NOT NULL", "assessed"),
    )

    subject_kind: Mapped[Subject] = mapped_column(status_type(Subject), primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    due: Mapped[bool]
    weight: Mapped[int]
    assessed_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime | None]


class FindingRow(Recorded, Base):
    """What was found in a subject: of each kind what weighs most.

    `detail`: `others`, the ids of those it compares with, and `told`, what its sentence says.
    """

    __tablename__ = "risk_finding"
    __table_args__ = (
        CheckConstraint("weight BETWEEN 1 AND 100", "weight"),
        ForeignKeyConstraint(
            ["subject_kind", "subject_id"],
            ["risk_subject.subject_kind", "risk_subject.subject_id"],
        ),
    )

    subject_kind: Mapped[Subject] = mapped_column(status_type(Subject), primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(status_type(Kind), primary_key=True)
    weight: Mapped[int]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    found_at: Mapped[datetime]


class TieRow(Recorded, Base):
    """A key that a subject is found by. `occurred_at` is the subject's.

    `likeness`: of the photo whose band the key is, its 64 bits as a signed number.
    """

    __tablename__ = "risk_tie"
    __table_args__ = (
        Index("ix_risk_tie_key", "tie", "key", text("occurred_at DESC")),
        Index(None, "subject_kind", "subject_id"),
        CheckConstraint("(tie = 'photo') = (likeness IS NOT NULL)", "likeness"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tie: Mapped[Tie] = mapped_column(status_type(Tie))
    key: Mapped[str]
    likeness: Mapped[int | None] = mapped_column(BigInteger)
    subject_kind: Mapped[Subject] = mapped_column(status_type(Subject))
    subject_id: Mapped[UUID]
    occurred_at: Mapped[datetime]


class PictureRow(Recorded, Base):
    """The greys of a kept picture, read once; deleted with it. `tiny` is 256 bytes, or
    empty of a damaged one.
    """

    __tablename__ = "risk_picture"

    file_id: Mapped[UUID] = mapped_column(
        ForeignKey("stored_file.id", ondelete="CASCADE"), primary_key=True
    )
    tiny: Mapped[bytes]


class WatermarkRow(Recorded, Base):
    """Up to which instant all subjects of a kind were looked at."""

    __tablename__ = "risk_watermark"

    subject_kind: Mapped[Subject] = mapped_column(status_type(Subject), primary_key=True)
    occurred_at: Mapped[datetime]
