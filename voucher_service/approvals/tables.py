"""Approvals and their signatures. A maker can't sign: the constraint says so, not only the code."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from .model import Status


class ApprovalRow(Recorded, Base):
    """A proposal: what exactly would be executed, and how many signatures it needs.

    The application may change its status, its decision and how many must sign, nothing else.
    """

    __tablename__ = "approval"
    __table_args__ = (
        UniqueConstraint("id", "maker_id"),
        UniqueConstraint("id", "payload_sha256"),
        CheckConstraint("signatures_needed BETWEEN 1 AND 3", name="signatures_needed"),
        CheckConstraint("amount_fen >= 0", name="amount"),
        Index("ix_approval_waiting", "proposed_at", postgresql_where=text("status = 'waiting'")),
        Index("ix_approval_split_group_proposed_at", "split_group", "proposed_at"),
        Index("ix_approval_object_id", "object_id"),
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
    authors: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    split_group: Mapped[str]
    signatures_needed: Mapped[int]
    why: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    simulation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    status: Mapped[Status] = mapped_column(status_type(Status))
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class SignatureRow(Recorded, Base):
    """One person's yes to one fingerprint. Never the maker's, never twice the same person's."""

    __tablename__ = "approval_signature"
    __table_args__ = (
        ForeignKeyConstraint(["approval_id", "maker_id"], ["approval.id", "approval.maker_id"]),
        ForeignKeyConstraint(
            ["approval_id", "payload_sha256"], ["approval.id", "approval.payload_sha256"]
        ),
        CheckConstraint("staff_id <> maker_id", name="not_the_maker"),
    )

    approval_id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    maker_id: Mapped[UUID]
    payload_sha256: Mapped[str]
    signed_at: Mapped[datetime]
