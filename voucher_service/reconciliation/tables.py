"""Rollups: the figures every report reads, written by the reconciliation job alone. And what came
of comparing our books with those of a shop's till.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Identity, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from .grain import Basis, Dimension, Side
from .model import Finding


class Figured:
    """The figures of vouchers, net of refunds; `reports.figures` says what each of them is."""

    released_fen: Mapped[Money] = mapped_column(MoneyFen)
    issued_fen: Mapped[Money] = mapped_column(MoneyFen)
    redeemed_fen: Mapped[Money] = mapped_column(MoneyFen)
    leveraged_fen: Mapped[Money] = mapped_column(MoneyFen)
    refunded_fen: Mapped[Money] = mapped_column(MoneyFen)
    lapsed_fen: Mapped[Money] = mapped_column(MoneyFen)
    threshold_fen: Mapped[Money] = mapped_column(MoneyFen)
    face_redeemed_fen: Mapped[Money] = mapped_column(MoneyFen)
    evidenced_fen: Mapped[Money] = mapped_column(MoneyFen)
    vouchers_issued: Mapped[int]
    vouchers_redeemed: Mapped[int]
    vouchers_lapsed: Mapped[int]


class Celled(Figured):
    """One cell: the figures of one key of one dimension, by the day of the event and of the claim.

    `side` says which rows it counts: `releases`, `claims` (what was issued and has lapsed) or
    `orders`. The cells of each dimension add up to the same figures. No foreign keys: cells are
    written from the tables they name, many at a time.
    """

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    programme_id: Mapped[UUID]
    side: Mapped[Side] = mapped_column(status_type(Side))
    day: Mapped[date]
    claim_day: Mapped[date]
    dimension: Mapped[Dimension] = mapped_column(status_type(Dimension))
    key: Mapped[str | None]


class RollupCellRow(Celled, Base):
    """A cell that counts."""

    __tablename__ = "rollup_cell"
    __table_args__ = (
        Index("ix_rollup_cell_day", "programme_id", "day"),
        Index("ix_rollup_cell_claim_day", "programme_id", "claim_day"),
        # Looked at in every run: they are few among the others.
        Index(
            "ix_rollup_cell_releases", "programme_id", postgresql_where=text("side = 'releases'")
        ),
    )


class RollupDraftRow(Celled, Base):
    """A cell of a full recount that is not complete yet; nobody reads it."""

    __tablename__ = "rollup_draft"
    __table_args__ = (Index("ix_rollup_draft_programme", "programme_id"),)


class RollupRow(Figured, Base):
    """What every report reads: cells summed up by day on one of the two bases."""

    __tablename__ = "rollup"
    __table_args__ = (Index("ix_rollup_asked", "programme_id", "basis", "dimension", "day"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    programme_id: Mapped[UUID]
    basis: Mapped[Basis] = mapped_column(status_type(Basis))
    dimension: Mapped[Dimension] = mapped_column(status_type(Dimension))
    key: Mapped[str | None]
    day: Mapped[date]


class Repeated:
    """An order that names a payment which an earlier one of its merchant and programme named."""

    redemption_id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID]
    day: Mapped[date]


class RollupRepeatRow(Repeated, Base):
    """A repeat, as the cells that count know it."""

    __tablename__ = "rollup_repeat"
    __table_args__ = (Index("ix_rollup_repeat_day", "programme_id", "day"),)


class RollupDraftRepeatRow(Repeated, Base):
    """A repeat, as the full recount under way knows it."""

    __tablename__ = "rollup_draft_repeat"
    __table_args__ = (Index("ix_rollup_draft_repeat_programme", "programme_id"),)


class RollupTaskRow(Base):
    """Some days of a full recount, both ends within: what a run that was killed goes on with.

    `xid`: the horizon when it was planned.
    """

    __tablename__ = "rollup_task"

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"), primary_key=True)
    first: Mapped[date] = mapped_column(primary_key=True)
    last: Mapped[date]
    xid: Mapped[int] = mapped_column(BigInteger)
    done_at: Mapped[datetime | None]


class TradeInRollupRow(Base):
    """One cell of trade-in figures, net of refunds. A category's units were sold at tills and
    have a turnover; its applications were approved and have invoices, which nobody saw paid.

    What bank, platform and the merchant gave is beside the subsidy. `claim_day` is the day of the
    claim of a qualification, or of the first handing in; `area` the shop's, or the application's;
    `brand` the unit's, by the library of goods.
    """

    __tablename__ = "trade_in_rollup"
    __table_args__ = (Index("ix_trade_in_rollup_day", "programme_id", "day"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    programme_id: Mapped[UUID]
    campaign_id: Mapped[UUID]
    offer_id: Mapped[UUID]
    day: Mapped[date]
    claim_day: Mapped[date]
    category: Mapped[str]
    area: Mapped[str]
    trade: Mapped[str | None]
    merchant_size: Mapped[str | None]
    brand: Mapped[str | None]
    units: Mapped[int]
    applications: Mapped[int]
    subsidy_fen: Mapped[Money] = mapped_column(MoneyFen)
    turnover_fen: Mapped[Money] = mapped_column(MoneyFen)
    refunded_fen: Mapped[Money] = mapped_column(MoneyFen)
    invoiced_fen: Mapped[Money] = mapped_column(MoneyFen)
    merchant_fen: Mapped[Money] = mapped_column(MoneyFen)
    bank_fen: Mapped[Money] = mapped_column(MoneyFen)
    platform_fen: Mapped[Money] = mapped_column(MoneyFen)


class RollupWrongCellRow(Base):
    """A figure of a cell that the last full recount found wrong: what `stood` there, and what was
    counted `again`. `cell` names the cell of `of_table` by its columns.
    """

    __tablename__ = "rollup_wrong_cell"
    __table_args__ = (Index("ix_rollup_wrong_cell_programme", "programme_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    programme_id: Mapped[UUID]
    of_table: Mapped[str]
    cell: Mapped[dict[str, str]] = mapped_column(JSONB)
    figure: Mapped[str]
    stood: Mapped[int] = mapped_column(BigInteger)
    again: Mapped[int] = mapped_column(BigInteger)


class RollupRunRow(Recorded, Base):
    """When a programme was last reconciled: reports say "as of" this instant.

    `started_at` is when the run began by the server's clock. The cells hold whatever transactions
    below `xid` wrote. `differing`: of the cells that the last full recount compared, how many said
    something else than they should.
    """

    __tablename__ = "rollup_run"

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"), primary_key=True)
    as_of: Mapped[datetime]
    run: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    xid: Mapped[int | None] = mapped_column(BigInteger)
    proved_at: Mapped[datetime | None]
    proved_cells: Mapped[int | None]
    differing: Mapped[int | None]


class MatchingRow(Recorded, Base):
    """A till's file that was compared with our books. `counts`: lines by finding."""

    __tablename__ = "matching"
    __table_args__ = (Index("ix_matching_shop", "shop_id", "occurred_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    made_by: Mapped[UUID] = mapped_column(ForeignKey("cashier.id"))
    file_name: Mapped[str]
    file_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    first_day: Mapped[date]
    last_day: Mapped[date]
    counts: Mapped[dict[str, int]] = mapped_column(JSONB)
    occurred_at: Mapped[datetime]


class MatchingLineRow(Base):
    """A line of either side with what was found on the other. `place` is its order in the result.

    `their_at` has the business day and, where the file has it, the hour: as the file says it.
    """

    __tablename__ = "matching_line"
    __table_args__ = (Index("ix_matching_line_place", "matching_id", "place", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    matching_id: Mapped[UUID] = mapped_column(ForeignKey("matching.id"))
    place: Mapped[int]
    finding: Mapped[Finding] = mapped_column(status_type(Finding))
    reference: Mapped[str]
    differs: Mapped[list[str]] = mapped_column(ARRAY(Text))
    redemption_id: Mapped[UUID | None] = mapped_column(ForeignKey("redemption.id"))
    our_at: Mapped[datetime | None]
    our_order_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    our_discount_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    our_paid_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    file_line: Mapped[int | None]
    their_at: Mapped[str | None]
    their_order_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    their_discount_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    their_paid_fen: Mapped[Money | None] = mapped_column(MoneyFen)
