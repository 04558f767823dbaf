"""Outcome files with their lines, who agreed to be in a panel, keys handed out, and estimates."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from .model import Counted, Design, Verdict, Window
from .outcomes import Amounts, Kind


class OutcomeConsentRow(Recorded, Base):
    """A resident's consent to be in a panel; withdrawn, it stays as the proof of both."""

    __tablename__ = "outcome_consent"
    __table_args__ = (CheckConstraint("withdrawn_at >= given_at", name="order"),)

    resident_id: Mapped[UUID] = mapped_column(ForeignKey("resident.id"), primary_key=True)
    version: Mapped[str]
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class OutcomeKeyRow(Recorded, Base):
    """A key that was handed to a provider for one offer. Who it stands for leaves with consent."""

    __tablename__ = "outcome_key"
    __table_args__ = (
        CheckConstraint("octet_length(key) = 16", name="key"),
        Index("ix_outcome_key_resident", "resident_id"),
    )

    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"), primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("resident.id"))


class OutcomeFileRow(Recorded, Base):
    """A file that was imported whole."""

    __tablename__ = "outcome_file"
    __table_args__ = (
        Index("uq_outcome_file_sha256", "sha256", unique=True),
        Index("ix_outcome_file_offer", "offer_id", "imported_at"),
        CheckConstraint("first_day <= last_day AND lines >= 0", name="head"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"))
    kind: Mapped[Kind] = mapped_column(status_type(Kind))
    provider: Mapped[str]
    made_on: Mapped[date]
    amounts: Mapped[Amounts] = mapped_column(status_type(Amounts))
    first_day: Mapped[date]
    last_day: Mapped[date]
    lines: Mapped[int]
    total_fen: Mapped[Money] = mapped_column(MoneyFen)
    sha256: Mapped[str]
    imported_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    imported_at: Mapped[datetime]


class OutcomeLineRow(Base):
    """One line of a file: a person's, a shop's or an area's. Only imported and deleted."""

    __tablename__ = "outcome_line"
    __table_args__ = (
        Index("ix_outcome_line_key", "file_id", "key"),
        CheckConstraint("num_nonnulls(key, shop_id, people) = 1", name="kind"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("outcome_file.id"))
    number: Mapped[int]
    key: Mapped[bytes | None] = mapped_column(LargeBinary)
    shop_id: Mapped[UUID | None]
    order_reference: Mapped[str | None]
    people: Mapped[int | None]
    day: Mapped[date]
    trade: Mapped[str]
    area: Mapped[str]
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    count: Mapped[int]


class EstimateRow(Recorded, Base):
    """What an estimator answered for one offer, design and window: with what it takes to repeat it.

    `inputs` are the arrays it was given, without keys: they outlive the 90 days after which
    entrants are forgotten. Effects are yuan of spending per redeemed yuan.
    """

    __tablename__ = "causal_estimate"
    __table_args__ = (
        Index("ix_causal_estimate_offer", "offer_id", "made_at"),
        CheckConstraint(
            "(verdict = 'estimated') = (num_nonnulls(point, low, high) = 3)", name="estimated"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"))
    file_id: Mapped[UUID] = mapped_column(ForeignKey("outcome_file.id"))
    file_sha256: Mapped[str]
    design: Mapped[Design] = mapped_column(status_type(Design))
    window: Mapped[Window] = mapped_column(status_type(Window))
    amounts: Mapped[Amounts] = mapped_column(status_type(Amounts))
    verdict: Mapped[Verdict] = mapped_column(status_type(Verdict))
    point: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    offered: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    redeemed: Mapped[float | None]
    treated: Mapped[int | None]
    control: Mapped[int | None]
    have: Mapped[int | None]
    needed: Mapped[int | None]
    unit: Mapped[Counted | None] = mapped_column(status_type(Counted))
    checks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    method: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    inputs: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    inputs_sha256: Mapped[str]
    made_at: Mapped[datetime]
