"""Rollups: the figures every report reads, written by the reconciliation job alone."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded
from voucher_service.kernel.money import Money


class RollupRow(Base):
    """One cell of figures. `claim_day` is the day of the claim, `day` the day of the event itself.

    Released and issued cells have the issuing area and no shop; redeemed cells have the shop's.
    """

    __tablename__ = "rollup"
    __table_args__ = (Index("ix_rollup_programme", "programme_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    # No foreign keys: the rows are written from the tables they name, a hundred thousand at a time.
    programme_id: Mapped[UUID]
    campaign_id: Mapped[UUID]
    offer_id: Mapped[UUID]
    day: Mapped[date]
    claim_day: Mapped[date | None]
    area: Mapped[str]
    trade: Mapped[str | None]
    merchant_size: Mapped[str | None]
    released_fen: Mapped[Money] = mapped_column(MoneyFen)
    issued_fen: Mapped[Money] = mapped_column(MoneyFen)
    redeemed_fen: Mapped[Money] = mapped_column(MoneyFen)
    leveraged_fen: Mapped[Money] = mapped_column(MoneyFen)
    refunded_fen: Mapped[Money] = mapped_column(MoneyFen)
    threshold_fen: Mapped[Money] = mapped_column(MoneyFen)
    face_redeemed_fen: Mapped[Money] = mapped_column(MoneyFen)
    evidenced_fen: Mapped[Money] = mapped_column(MoneyFen)
    vouchers_issued: Mapped[int]
    vouchers_redeemed: Mapped[int]


class RollupRunRow(Recorded, Base):
    """When a programme was last reconciled: reports say "as of" this instant.

    `started_at` is when the run began by the server's clock.
    """

    __tablename__ = "rollup_run"

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"), primary_key=True)
    as_of: Mapped[datetime]
    run: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
