"""Sales of subsidised units at a till."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"

APPLICATION = "voucher_app"
SALE, UNIT = "trade_in_sale", "sold_unit"
LIVE = "status IN ('frozen', 'committed') AND refunded_fen < order_amount_fen"
REST = (
    "offer_id, part, nonce, code_window, order_amount_fen, discount_fen, refunded_fen,"
    " refunded_discount_fen"
)
VOUCHERS_ONLY = (
    "status = 'refused' OR num_nulls(voucher_id, offer_id, part, nonce, code_window,"
    " order_amount_fen, discount_fen, refunded_fen, refunded_discount_fen) = 0"
)
EITHER = (
    f"status = 'refused' OR num_nulls(voucher_id, qualification_id) = 1 AND num_nulls({REST}) = 0"
)
SUBSIDY = "(status IN ('frozen', 'used')) = (subsidy_fen IS NOT NULL) AND subsidy_fen"


def money(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def words(*names: str, nullable: bool = False) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def json(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), nullable=False)


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    _redemptions()
    _qualifications()
    _sales()
    _units()
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {SALE}, {UNIT} TO {APPLICATION}")


def _redemptions() -> None:
    for table in ("redemption", "redemption_refusal"):
        op.add_column(table, sa.Column("qualification_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_redemption_qualification_id"),
        "redemption",
        "qualification",
        ["qualification_id"],
        ["id"],
    )
    op.drop_constraint(op.f("ck_redemption_whole"), "redemption", type_="check")
    op.create_check_constraint(op.f("ck_redemption_whole"), "redemption", EITHER)
    op.create_index(
        "uq_redemption_live_qualification",
        "redemption",
        ["qualification_id"],
        unique=True,
        postgresql_where=sa.text(LIVE),
    )
    op.create_index(
        "ix_redemption_qualification",
        "redemption",
        ["qualification_id", "occurred_at"],
        postgresql_where=sa.text("qualification_id IS NOT NULL"),
    )
    op.alter_column("redemption_refund", "voucher_status", nullable=True)
    op.add_column(
        "redemption_refund", sa.Column("qualification_status", sa.String(40), nullable=True)
    )
    op.create_check_constraint(
        op.f("ck_redemption_refund_after"),
        "redemption_refund",
        "num_nulls(voucher_status, qualification_status) = 1",
    )


def _qualifications() -> None:
    op.add_column("qualification_waiting", sa.Column("qualification_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_qualification_waiting_qualification_id"),
        "qualification_waiting",
        "qualification",
        ["qualification_id"],
        ["id"],
    )
    # A refund may lower a price so far that nothing of the subsidy stays.
    op.drop_constraint(op.f("ck_qualification_subsidy"), "qualification", type_="check")
    op.create_check_constraint(op.f("ck_qualification_subsidy"), "qualification", f"{SUBSIDY} >= 0")


def _sales() -> None:
    op.create_table(
        SALE,
        *(
            sa.Column(f"{name}_id", sa.Uuid(), nullable=False)
            for name in ("redemption", "qualification", "offer", "resident", "merchant", "shop")
        ),
        sa.Column("category", sa.String(40), nullable=False),
        *words("gtin", "serial"),
        *words("imei1", "imei2", nullable=True),
        *words("brand", "model"),
        sa.Column("grade", sa.Integer(), nullable=True),
        money("list_price_fen", nullable=True),
        money("price_fen"),
        money("filed_price_fen", nullable=True),
        money("subsidy_fen"),
        *words("policy_id"),
        json("case"),
        json("steps"),
        sa.Column("payer_matches", sa.Boolean(), nullable=True),
        sa.Column("receiver_matches", sa.Boolean(), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        instant("occurred_at"),
        recorded_at(),
        sa.CheckConstraint("price_fen > 0", name=op.f(f"ck_{SALE}_price")),
        sa.CheckConstraint("subsidy_fen BETWEEN 0 AND price_fen", name=op.f(f"ck_{SALE}_subsidy")),
        sa.CheckConstraint("list_price_fen >= price_fen", name=op.f(f"ck_{SALE}_list_price")),
        sa.CheckConstraint("imei2 IS NULL OR imei1 <> imei2", name=op.f(f"ck_{SALE}_imeis")),
        sa.CheckConstraint("grade BETWEEN 1 AND 5", name=op.f(f"ck_{SALE}_grade")),
        *(
            refers(SALE, f"{name}_id", f"{name}.id")
            for name in ("redemption", "qualification", "resident", "merchant", "shop")
        ),
        refers(SALE, "offer_id", "qualification_pool.offer_id"),
        sa.PrimaryKeyConstraint("redemption_id", name=op.f(f"pk_{SALE}")),
    )
    for columns in (
        ["qualification_id"],
        ["resident_id", "occurred_at"],
        ["merchant_id", "occurred_at"],
        ["gtin", "occurred_at"],
        ["occurred_at", "redemption_id"],
    ):
        op.create_index(op.f(f"ix_{SALE}_{'_'.join(columns)}"), SALE, columns)


def _units() -> None:
    op.create_table(
        UNIT,
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        *words("number"),
        sa.Column("holds", sa.Boolean(), nullable=False),
        recorded_at(),
        refers(UNIT, "sale_id", f"{SALE}.redemption_id"),
        sa.PrimaryKeyConstraint("sale_id", "kind", "number", name=op.f(f"pk_{UNIT}")),
    )
    op.create_index(
        f"uq_{UNIT}_number",
        UNIT,
        ["kind", "number"],
        unique=True,
        postgresql_where=sa.text("holds"),
    )


def downgrade() -> None:
    op.drop_table(UNIT)
    op.drop_table(SALE)
    op.drop_constraint(op.f("ck_qualification_subsidy"), "qualification", type_="check")
    op.create_check_constraint(op.f("ck_qualification_subsidy"), "qualification", f"{SUBSIDY} > 0")
    op.drop_column("qualification_waiting", "qualification_id")
    op.execute("DELETE FROM redemption_refund WHERE voucher_status IS NULL")
    op.drop_column("redemption_refund", "qualification_status")
    op.alter_column("redemption_refund", "voucher_status", nullable=False)
    op.execute("DELETE FROM redemption WHERE qualification_id IS NOT NULL")
    op.drop_constraint(op.f("ck_redemption_whole"), "redemption", type_="check")
    op.drop_column("redemption", "qualification_id")
    op.create_check_constraint(op.f("ck_redemption_whole"), "redemption", VOUCHERS_ONLY)
    op.drop_column("redemption_refusal", "qualification_id")
