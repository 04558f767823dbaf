"""Programmes → campaigns → offers → releases."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    false,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from .canary import Status
from .model import (
    CampaignKind,
    CampaignStatus,
    Mode,
    OfferKind,
    OfferStatus,
    PartialRefund,
    RefundRule,
)


class ProgrammeRow(Recorded, Base):
    """What a bureau announces. A synthetic one was replayed and says so wherever it is shown."""

    __tablename__ = "programme"
    __table_args__ = (CheckConstraint("opens_on <= closes_on", name="period"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_en: Mapped[str]
    brand: Mapped[str]
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    synthetic: Mapped[bool]


class CampaignRow(Recorded, Base):
    """One issuing action with one budget, one area and one kind."""

    __tablename__ = "campaign"
    __table_args__ = (CheckConstraint("opens_on <= closes_on", name="period"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"), index=True)
    name: Mapped[str]
    kind: Mapped[CampaignKind] = mapped_column(status_type(CampaignKind))
    area: Mapped[str]
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    status: Mapped[CampaignStatus] = mapped_column(status_type(CampaignStatus))
    budget_id: Mapped[UUID | None] = mapped_column(ForeignKey("budget.id"), index=True)
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class OfferRow(Recorded, Base):
    """What can be claimed. `epoch`, `mode` and `gate_run_id` fence a stale gate; `shop_areas`, set
    when it is published, are those whose shops' redemptions are kept apart for a funder.
    """

    __tablename__ = "offer"
    __table_args__ = (
        CheckConstraint("face_value_fen > 0", name="face_value"),
        CheckConstraint(
            "threshold_fen > 0"
            " AND (kind NOT IN ('threshold', 'fixed', 'pack') OR threshold_fen >= face_value_fen)",
            name="threshold",
        ),
        CheckConstraint(
            "(kind = 'percent_capped') = (rate_bps IS NOT NULL)"
            " AND (rate_bps IS NULL OR rate_bps BETWEEN 1 AND 10000"
            " AND threshold_fen * rate_bps >= 10000)",
            name="rate",
        ),
        CheckConstraint(
            "pieces BETWEEN 1 AND 100 AND (kind = 'pack') = (pieces > 1)", name="pieces"
        ),
        CheckConstraint("weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]::smallint[]", name="weekdays"),
        CheckConstraint("stack_limit BETWEEN 1 AND 10", name="stack_limit"),
        CheckConstraint("NOT (paper AND kind IN ('pack', 'balance'))", name="paper"),
        CheckConstraint("quota > 0", name="quota"),
        CheckConstraint("per_resident_limit BETWEEN 1 AND 100", name="limit"),
        CheckConstraint("valid_days BETWEEN 1 AND 366", name="valid_days"),
        CheckConstraint("epoch >= 0", name="epoch"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaign.id"), index=True)
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    kind: Mapped[OfferKind] = mapped_column(status_type(OfferKind))
    face_value_fen: Mapped[Money] = mapped_column(MoneyFen)
    threshold_fen: Mapped[Money] = mapped_column(MoneyFen)
    quota: Mapped[int]
    per_resident_limit: Mapped[int]
    valid_days: Mapped[int]
    areas: Mapped[list[str]] = mapped_column(ARRAY(Text))
    trades: Mapped[list[str]] = mapped_column(ARRAY(Text))
    rate_bps: Mapped[int | None]
    pieces: Mapped[int] = mapped_column(server_default="1", default=1)
    shops: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}", default=list)
    hours: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]", default=list)
    weekdays: Mapped[list[int]] = mapped_column(
        ARRAY(SmallInteger), server_default="{}", default=list
    )
    excluded_items: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default="{}", default=list
    )
    stack_limit: Mapped[int] = mapped_column(server_default="1", default=1)
    refund_rule: Mapped[RefundRule] = mapped_column(
        status_type(RefundRule), server_default="in_validity", default=RefundRule.IN_VALIDITY
    )
    partial_refund: Mapped[PartialRefund] = mapped_column(
        status_type(PartialRefund),
        server_default="proportional",
        default=PartialRefund.PROPORTIONAL,
    )
    paper: Mapped[bool] = mapped_column(server_default=false(), default=False)
    lapse_returns: Mapped[bool]
    waiting_room: Mapped[bool]
    proof_of_work: Mapped[bool]
    status: Mapped[OfferStatus] = mapped_column(status_type(OfferStatus))
    epoch: Mapped[int]
    mode: Mapped[Mode] = mapped_column(status_type(Mode))
    gate_run_id: Mapped[str]
    shop_areas: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}", default=list)


class ReleaseRow(Recorded, Base):
    """A dated slice of an offer's quota. Its quota never changes: more quota is another release."""

    __tablename__ = "release"
    __table_args__ = (
        UniqueConstraint("id", "quota"),
        UniqueConstraint("offer_id", "position"),
        CheckConstraint("quota > 0", name="quota"),
        CheckConstraint("opens_at < closes_at", name="window"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"), index=True)
    position: Mapped[int]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    quota: Mapped[int]


class CanaryRow(Recorded, Base):
    """The slice of an offer that opens first; `rest_id` is the release that it keeps shut."""

    __tablename__ = "canary"
    __table_args__ = (
        UniqueConstraint("offer_id"),
        UniqueConstraint("rest_id"),
        CheckConstraint("quota > 0 AND seconds > 0", name="slice"),
        CheckConstraint("(status = 'waiting') = (judged_at IS NULL)", name="judged"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"))
    rest_id: Mapped[UUID] = mapped_column(ForeignKey("release.id"))
    quota: Mapped[int]
    seconds: Mapped[int]
    status: Mapped[Status] = mapped_column(status_type(Status))
    started_at: Mapped[datetime | None]
    judged_at: Mapped[datetime | None]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
