"""What reports keep that no feature knows: published figures which finance staff entered."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded
from voucher_service.kernel.money import Money


class RetailFigureRow(Recorded, Base):
    """Retail sales of the city over some days, both within. Append only: the newest one stands."""

    __tablename__ = "retail_figure"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="days"),
        CheckConstraint("sales_fen > 0 AND growth_bps > -10000", name="positive"),
        Index("ix_retail_figure_programme", "programme_id", "occurred_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    first_day: Mapped[date]
    last_day: Mapped[date]
    sales_fen: Mapped[Money] = mapped_column(MoneyFen)
    growth_bps: Mapped[int]
    source: Mapped[str]
    published_on: Mapped[date]
    entered_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    occurred_at: Mapped[datetime]
