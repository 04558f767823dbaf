"""Every kind of offer, freezes, tombstones and refunds at the till."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

APPLICATION = "voucher_app"
WHOLE = (
    "status = 'refused' OR num_nulls(voucher_id, offer_id, part, nonce, code_window,"
    " order_amount_fen, discount_fen, refunded_fen, refunded_discount_fen) = 0"
)
LIVE = "status IN ('frozen', 'committed')"
NULLABLE = (
    "voucher_id",
    "offer_id",
    "part",
    "nonce",
    "code_window",
    "order_amount_fen",
    "discount_fen",
    "refunded_fen",
    "refunded_discount_fen",
)


def upgrade() -> None:
    _offers()
    _redemptions()
    _refunds()
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON redemption_refund TO {APPLICATION}")


def _offers() -> None:
    for column in (
        sa.Column("rate_bps", sa.Integer(), nullable=True),
        sa.Column("pieces", sa.Integer(), server_default="1", nullable=False),
        sa.Column("shops", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("hours", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column(
            "weekdays", postgresql.ARRAY(sa.SmallInteger()), server_default="{}", nullable=False
        ),
        sa.Column(
            "excluded_items", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("stack_limit", sa.Integer(), server_default="1", nullable=False),
        sa.Column("refund_rule", sa.String(40), server_default="in_validity", nullable=False),
        sa.Column("partial_refund", sa.String(40), server_default="proportional", nullable=False),
        sa.Column("paper", sa.Boolean(), server_default=sa.false(), nullable=False),
    ):
        op.add_column("offer", column)
    op.drop_constraint(op.f("ck_offer_threshold"), "offer", type_="check")
    for name, rule in OFFER_RULES.items():
        op.create_check_constraint(op.f(f"ck_offer_{name}"), "offer", rule)


OFFER_RULES = {
    "threshold": (
        "threshold_fen > 0"
        " AND (kind NOT IN ('threshold', 'fixed', 'pack') OR threshold_fen >= face_value_fen)"
    ),
    "rate": (
        "(kind = 'percent_capped') = (rate_bps IS NOT NULL)"
        " AND (rate_bps IS NULL OR rate_bps BETWEEN 1 AND 10000"
        " AND threshold_fen * rate_bps >= 10000)"
    ),
    "pieces": "pieces BETWEEN 1 AND 100 AND (kind = 'pack') = (pieces > 1)",
    "weekdays": "weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]::smallint[]",
    "stack_limit": "stack_limit BETWEEN 1 AND 10",
    "paper": "NOT (paper AND kind IN ('pack', 'balance'))",
}


def _redemptions() -> None:
    for column in NULLABLE:
        op.alter_column("redemption", column, nullable=True)
    for added in (
        sa.Column("paid_fen", sa.BigInteger(), nullable=True),
        sa.Column("discounts", postgresql.JSONB(), nullable=True),
        sa.Column("ticket_reference", sa.Text(), nullable=True),
        sa.Column("freeze_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.String(40), server_default="api", nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=True),
        sa.Column("position", postgresql.JSONB(), nullable=True),
        sa.Column("distance_m", sa.Integer(), nullable=True),
        sa.Column("outside_hours", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
    ):
        op.add_column("redemption", added)
    op.execute("UPDATE redemption SET paid_fen = order_amount_fen - discount_fen")
    op.create_check_constraint(op.f("ck_redemption_whole"), "redemption", WHOLE)
    op.create_check_constraint(
        op.f("ck_redemption_paid"),
        "redemption",
        "paid_fen BETWEEN 0 AND order_amount_fen - discount_fen",
    )
    op.create_check_constraint(
        op.f("ck_redemption_freeze"),
        "redemption",
        "status <> 'frozen' OR freeze_expires_at IS NOT NULL",
    )
    _live(f"{LIVE} AND refunded_fen < order_amount_fen")
    op.create_index(
        "ix_redemption_ticket",
        "redemption",
        ["shop_id", "ticket_reference"],
        postgresql_where=sa.text("ticket_reference IS NOT NULL"),
    )
    op.create_index("ix_redemption_voucher", "redemption", ["voucher_id", "occurred_at"])
    op.create_index(
        "ix_redemption_frozen",
        "redemption",
        ["freeze_expires_at"],
        postgresql_where=sa.text("status = 'frozen'"),
    )


def _live(which: str) -> None:
    """A part of a voucher is spent once among these redemptions."""
    op.drop_index("uq_redemption_live", "redemption")
    op.create_index(
        "uq_redemption_live",
        "redemption",
        ["voucher_id", "part"],
        unique=True,
        postgresql_where=sa.text(which),
    )


def _refunds() -> None:
    op.create_table(
        "redemption_refund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("cashier_id", sa.Uuid(), nullable=False),
        sa.Column("refund_reference", sa.Text(), nullable=True),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_part_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_part_fen", sa.BigInteger(), nullable=False),
        sa.Column("other_part_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("others", postgresql.JSONB(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("phase", sa.String(40), nullable=False),
        sa.Column("recovery", sa.String(40), nullable=False),
        sa.Column("voucher_status", sa.String(40), nullable=False),
        sa.Column("fate", sa.String(40), nullable=False),
        sa.Column("value_back_fen", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_redemption_refund_amount")),
        sa.CheckConstraint(
            "subsidy_part_fen >= 0 AND cash_part_fen >= 0 AND other_part_fen >= 0"
            " AND subsidy_part_fen + cash_part_fen + other_part_fen = amount_fen",
            name=op.f("ck_redemption_refund_parts"),
        ),
        sa.CheckConstraint("value_back_fen >= 0", name=op.f("ck_redemption_refund_value_back")),
        sa.ForeignKeyConstraint(
            ["redemption_id"], ["redemption.id"], name=op.f("fk_redemption_refund_redemption_id")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shop.id"], name=op.f("fk_redemption_refund_shop_id")
        ),
        sa.ForeignKeyConstraint(
            ["cashier_id"], ["cashier.id"], name=op.f("fk_redemption_refund_cashier_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption_refund")),
        sa.UniqueConstraint(
            "shop_id", "key_hash", name=op.f("uq_redemption_refund_shop_id_key_hash")
        ),
    )
    op.create_index(
        "uq_redemption_refund_reference",
        "redemption_refund",
        ["shop_id", "refund_reference"],
        unique=True,
        postgresql_where=sa.text("refund_reference IS NOT NULL"),
    )
    op.create_index(
        "ix_redemption_refund_redemption", "redemption_refund", ["redemption_id", "occurred_at"]
    )
    op.create_index("ix_redemption_refund_shop", "redemption_refund", ["shop_id", "occurred_at"])


def downgrade() -> None:
    op.drop_table("redemption_refund")
    _live(LIVE)
    op.drop_index("ix_redemption_frozen", "redemption")
    op.drop_index("ix_redemption_voucher", "redemption")
    op.drop_index("ix_redemption_ticket", "redemption")
    for name in ("freeze", "paid", "whole"):
        op.drop_constraint(op.f(f"ck_redemption_{name}"), "redemption", type_="check")
    for column in (
        "reason",
        "outside_hours",
        "distance_m",
        "position",
        "point_id",
        "source",
        "freeze_expires_at",
        "ticket_reference",
        "discounts",
        "paid_fen",
    ):
        op.drop_column("redemption", column)
    op.execute("DELETE FROM redemption WHERE status = 'refused'")
    for column in NULLABLE:
        op.alter_column("redemption", column, nullable=False)
    for name in OFFER_RULES:
        op.drop_constraint(op.f(f"ck_offer_{name}"), "offer", type_="check")
    op.create_check_constraint(
        op.f("ck_offer_threshold"), "offer", "threshold_fen >= face_value_fen"
    )
    for column in (
        "paper",
        "partial_refund",
        "refund_rule",
        "stack_limit",
        "excluded_items",
        "weekdays",
        "hours",
        "shops",
        "pieces",
        "rate_bps",
    ):
        op.drop_column("offer", column)
