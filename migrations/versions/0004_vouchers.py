"""Vouchers, redemptions, refusals, and the figures reports read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "voucher",
        sa.Column("face_value_fen", sa.BigInteger(), nullable=False),
        sa.Column("spent_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code_ref", sa.BigInteger(), nullable=False),
        sa.Column("address_prefix", sa.Text(), nullable=True),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("agent_hash", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("release_quota", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("holds_slot", sa.Boolean(), nullable=False),
        sa.Column("claim_key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("face_value_fen > 0", name=op.f("ck_voucher_face_value")),
        sa.CheckConstraint(
            "ordinal >= 1 AND generation >= 1 AND epoch >= 1", name=op.f("ck_voucher_counts")
        ),
        sa.CheckConstraint(
            "slot BETWEEN 1 AND release_quota", name=op.f("ck_voucher_slot_within_quota")
        ),
        sa.CheckConstraint(
            "spent_fen BETWEEN 0 AND face_value_fen", name=op.f("ck_voucher_spent_within_value")
        ),
        sa.CheckConstraint("valid_from < valid_until", name=op.f("ck_voucher_validity")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_voucher_offer_id")),
        sa.ForeignKeyConstraint(
            ["release_id", "release_quota"],
            ["release.id", "release.quota"],
            name=op.f("fk_voucher_release_id_release_quota"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_voucher_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher")),
        sa.UniqueConstraint("code_ref", name=op.f("uq_voucher_code_ref")),
        sa.UniqueConstraint(
            "resident_id", "claim_key_hash", name=op.f("uq_voucher_resident_id_claim_key_hash")
        ),
    )
    op.create_index(
        "ix_voucher_due",
        "voucher",
        ["valid_until"],
        unique=False,
        postgresql_where=sa.text("status = 'claimed'"),
    )
    op.create_index("ix_voucher_offer", "voucher", ["offer_id", "occurred_at"], unique=False)
    op.create_index("ix_voucher_resident", "voucher", ["resident_id", "occurred_at"], unique=False)
    op.create_index(
        "uq_voucher_ordinal",
        "voucher",
        ["offer_id", "resident_id", "ordinal"],
        unique=True,
        postgresql_where=sa.text("holds_slot"),
    )
    op.create_index(
        "uq_voucher_slot",
        "voucher",
        ["release_id", "slot"],
        unique=True,
        postgresql_where=sa.text("holds_slot"),
    )
    op.create_table(
        "claim_refusal",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address_prefix", sa.Text(), nullable=True),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("agent_hash", sa.Text(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_refusal")),
    )
    op.create_index(
        "ix_claim_refusal_offer", "claim_refusal", ["offer_id", "occurred_at"], unique=False
    )
    op.create_table(
        "redemption",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("cashier_id", sa.Uuid(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("order_reference", sa.Text(), nullable=False),
        sa.Column("payment_reference", sa.Text(), nullable=True),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("code_window", sa.BigInteger(), nullable=False),
        sa.Column("order_amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("phase", sa.String(40), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address_prefix", sa.Text(), nullable=True),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("agent_hash", sa.Text(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "discount_fen BETWEEN 1 AND order_amount_fen", name=op.f("ck_redemption_discount")
        ),
        sa.CheckConstraint("order_amount_fen > 0", name=op.f("ck_redemption_order_amount")),
        sa.CheckConstraint(
            "refunded_discount_fen BETWEEN 0 AND discount_fen",
            name=op.f("ck_redemption_refunded_discount"),
        ),
        sa.CheckConstraint(
            "refunded_fen BETWEEN 0 AND order_amount_fen", name=op.f("ck_redemption_refunded")
        ),
        sa.ForeignKeyConstraint(
            ["cashier_id"], ["cashier.id"], name=op.f("fk_redemption_cashier_id")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_redemption_merchant_id")
        ),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_redemption_offer_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shop.id"], name=op.f("fk_redemption_shop_id")),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["voucher.id"], name=op.f("fk_redemption_voucher_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption")),
        sa.UniqueConstraint("nonce", name=op.f("uq_redemption_nonce")),
        sa.UniqueConstraint("shop_id", "key_hash", name=op.f("uq_redemption_shop_id_key_hash")),
        sa.UniqueConstraint(
            "shop_id", "order_reference", name=op.f("uq_redemption_shop_id_order_reference")
        ),
    )
    op.create_index("ix_redemption_offer", "redemption", ["offer_id", "occurred_at"], unique=False)
    op.create_index(
        "ix_redemption_shop_time", "redemption", ["shop_id", "occurred_at"], unique=False
    )
    op.create_index(
        "uq_redemption_live",
        "redemption",
        ["voucher_id", "part"],
        unique=True,
        postgresql_where=sa.text("status IN ('frozen', 'committed')"),
    )
    op.create_table(
        "redemption_refusal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("cashier_id", sa.Uuid(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("order_reference", sa.Text(), nullable=False),
        sa.Column("order_amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address_prefix", sa.Text(), nullable=True),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("agent_hash", sa.Text(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption_refusal")),
    )
    op.create_index(
        "ix_redemption_refusal_shop", "redemption_refusal", ["shop_id", "occurred_at"], unique=False
    )
    op.create_table(
        "rollup",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("claim_day", sa.Date(), nullable=True),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=True),
        sa.Column("merchant_size", sa.Text(), nullable=True),
        sa.Column("released_fen", sa.BigInteger(), nullable=False),
        sa.Column("issued_fen", sa.BigInteger(), nullable=False),
        sa.Column("redeemed_fen", sa.BigInteger(), nullable=False),
        sa.Column("leveraged_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("threshold_fen", sa.BigInteger(), nullable=False),
        sa.Column("face_redeemed_fen", sa.BigInteger(), nullable=False),
        sa.Column("evidenced_fen", sa.BigInteger(), nullable=False),
        sa.Column("vouchers_issued", sa.Integer(), nullable=False),
        sa.Column("vouchers_redeemed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup")),
    )
    op.create_index("ix_rollup_programme", "rollup", ["programme_id"], unique=False)
    op.create_table(
        "rollup_run",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_rollup_run_programme_id")
        ),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_rollup_run")),
    )


def downgrade() -> None:
    op.drop_table("rollup_run")
    op.drop_table("rollup")
    op.drop_table("redemption_refusal")
    op.drop_table("redemption")
    op.drop_table("claim_refusal")
    op.drop_table("voucher")
