"""Applications for the subsidy of a car, and their papers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.allocation.slots import Slotted, constraints
from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from ..policy import Scheme
from .model import GRANTED, HOLDING, ApplicationStatus, EvidenceKind


def _among(statuses: Iterable[ApplicationStatus]) -> str:
    return f"status IN ({', '.join(repr(str(one)) for one in statuses)})"


_HOLDS, _GRANTED = _among(HOLDING), _among(GRANTED)
# What stands in one application that holds it, and in no other.
UNIQUE = ("new_vin", "old_vin", "invoice", "paper")


class ApplicationRow(Recorded, Base):
    """One application.

    `content` is what was typed and may be read by whoever may see it; `person_cipher` holds names,
    plates and the card's number. The cars' numbers, the invoice and the old car's paper are columns
    from the handing in on, so that none of them is in two applications at once. `decision` is the
    case that the subsidy was computed from, and its steps. Once it is forgotten, its papers and its
    personal data are deleted; `forgotten_at` says when.
    """

    __tablename__ = "application"
    __table_args__ = (
        *(
            Index(f"uq_application_{name}", name, unique=True, postgresql_where=text(_HOLDS))
            for name in UNIQUE
        ),
        Index(
            "uq_application_draft",
            "resident_id",
            "scheme",
            unique=True,
            postgresql_where=text("status = 'draft'"),
        ),
        Index(None, "status", "submitted_at", "id"),
        Index(None, "resident_id", "id"),
        Index(
            "ix_application_noticed",
            text("decided_at DESC"),
            text("id DESC"),
            postgresql_where=text(_GRANTED),
        ),
        CheckConstraint(
            "status IN ('draft', 'withdrawn') OR num_nulls(new_vin, invoice, bought_on, policy_id,"
            " subsidy_fen, decision, filed_at, submitted_at) = 0"
            " AND num_nulls(old_vin, paper) = CASE scheme WHEN 'car_purchase' THEN 2 ELSE 0 END",
            "whole",
        ),
        CheckConstraint(
            f"NOT (status = 'prechecked' OR {_GRANTED}) OR prechecked_by IS NOT NULL", "checked"
        ),
        CheckConstraint("status <> 'sent_back' OR correct_until IS NOT NULL", "correct_until"),
        CheckConstraint("(status = 'paid') = (paid_at IS NOT NULL)", "paid"),
        Index(
            "ix_application_correct_until",
            "correct_until",
            postgresql_where=text("status = 'sent_back'"),
        ),
        Index(
            "ix_application_kept",
            "decided_at",
            postgresql_where=text("forgotten_at IS NULL"),
        ),
        CheckConstraint("subsidy_fen > 0", "subsidy"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("resident.id"))
    scheme: Mapped[Scheme] = mapped_column(status_type(Scheme))
    status: Mapped[ApplicationStatus] = mapped_column(status_type(ApplicationStatus))
    area: Mapped[str] = mapped_column(server_default="")
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    person_cipher: Mapped[bytes]
    new_vin: Mapped[str | None]
    old_vin: Mapped[str | None]
    invoice: Mapped[str | None]
    paper: Mapped[str | None]
    bought_on: Mapped[date | None]
    policy_id: Mapped[str | None]
    subsidy_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    decision: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    corrections: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    reason: Mapped[str] = mapped_column(server_default="")
    filed_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    prechecked_at: Mapped[datetime | None]
    prechecked_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    correct_until: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    forgotten_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime]


class EvidenceRow(Recorded, Base):
    """A paper of an application, by what it is."""

    __tablename__ = "application_evidence"

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id"), primary_key=True)
    kind: Mapped[EvidenceKind] = mapped_column(status_type(EvidenceKind), primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id"))
    occurred_at: Mapped[datetime]


class ApplicationPoolRow(Recorded, Base):
    """What an offer of places for applications is, beyond an offer. It never changes."""

    __tablename__ = "application_pool"

    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"), primary_key=True)
    scheme: Mapped[Scheme] = mapped_column(status_type(Scheme))
    policy_id: Mapped[str]


class PlaceRow(Slotted, Recorded, Base):
    """The place of an application, by its id, from the handing in on; see Slotted."""

    __tablename__ = "application_place"
    __table_args__ = (
        *constraints("application_place"),
        ForeignKeyConstraint(["id"], ["application.id"]),
    )
