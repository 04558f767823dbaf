"""Approvals and their signatures. A maker can't sign: the constraint says so, not only the code."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded, status_type

from .model import Status


class ApprovalRow(Recorded, Base):
    """A proposal: what exactly would be executed, and how many signatures it needs."""

    __tablename__ = "approval"
    __table_args__ = (
        UniqueConstraint("id", "maker_id"),
        CheckConstraint("signatures_needed >= 1", name="signatures_needed"),
        Index("ix_approval_waiting", "proposed_at", postgresql_where=text("status = 'waiting'")),
        Index(
            "uq_approval_one_waiting",
            "action",
            "object_id",
            unique=True,
            postgresql_where=text("status = 'waiting'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[UUID]
    area: Mapped[str]
    title: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    payload_sha256: Mapped[str]
    maker_id: Mapped[UUID]
    signatures_needed: Mapped[int]
    status: Mapped[Status] = mapped_column(status_type(Status))
    proposed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class SignatureRow(Recorded, Base):
    """One person's yes. Never the maker's, never twice the same person's."""

    __tablename__ = "approval_signature"
    __table_args__ = (
        ForeignKeyConstraint(["approval_id", "maker_id"], ["approval.id", "approval.maker_id"]),
        CheckConstraint("staff_id <> maker_id", name="not_the_maker"),
    )

    approval_id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    maker_id: Mapped[UUID]
    signed_at: Mapped[datetime]
