"""Residents, staff, merchants, shops, cashiers; keys of repeated requests; the outbox of jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "resident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mobile_cipher", sa.LargeBinary(), nullable=False),
        sa.Column("mobile_hash", sa.LargeBinary(), nullable=False),
        sa.Column("mobile_key_id", sa.SmallInteger(), nullable=False),
        sa.Column("document", sa.String(40), nullable=True),
        sa.Column("name_cipher", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_cipher", sa.LargeBinary(), nullable=True),
        sa.Column("identity_hash", sa.LargeBinary(), nullable=True),
        sa.Column("identity_key_id", sa.SmallInteger(), nullable=True),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("honorific", sa.String(40), nullable=True),
        sa.Column("area", sa.Text(), nullable=True),
        sa.Column("consent_version", sa.Text(), nullable=True),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("status IN ('active', 'blocked')", name=op.f("ck_resident_status")),
        sa.CheckConstraint(
            "num_nonnulls(verified_at, identity_hash, identity_key_id, document, name_cipher,"
            " id_number_cipher, consent_version, consented_at) IN (0, 8)",
            name=op.f("ck_resident_verified_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resident")),
        sa.UniqueConstraint("identity_hash", name=op.f("uq_resident_identity_hash")),
        sa.UniqueConstraint("mobile_hash", name=op.f("uq_resident_mobile_hash")),
    )
    op.create_table(
        "one_time_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mobile_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_one_time_code_attempts")),
        sa.CheckConstraint("expires_at > issued_at", name=op.f("ck_one_time_code_expiry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_code")),
    )
    op.create_index(
        op.f("ix_one_time_code_issued_at"), "one_time_code", ["issued_at"], unique=False
    )
    op.create_index(
        op.f("ix_one_time_code_mobile_hash_issued_at"),
        "one_time_code",
        ["mobile_hash", "issued_at"],
        unique=False,
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("otp_cipher", sa.LargeBinary(), nullable=True),
        sa.Column("otp_step", sa.Integer(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("area", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "cardinality(roles) > 0 AND roles <@"
            " ARRAY['planner', 'approver', 'reviewer', 'finance', 'auditor']",
            name=op.f("ck_staff_roles"),
        ),
        sa.CheckConstraint("status IN ('active', 'closed')", name=op.f("ck_staff_status")),
        sa.CheckConstraint("username = lower(username)", name=op.f("ck_staff_username")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("username", name=op.f("uq_staff_username")),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("face", sa.Text(), nullable=False),
        sa.Column("login_hash", sa.LargeBinary(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failure")),
    )
    op.create_index(
        op.f("ix_sign_in_failure_face_login_hash_occurred_at"),
        "sign_in_failure",
        ["face", "login_hash", "occurred_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_sign_in_failure_occurred_at"), "sign_in_failure", ["occurred_at"], unique=False
    )
    op.create_table(
        "merchant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("size_class", sa.String(40), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "size_class IN ('above_quota', 'below_quota', 'small')",
            name=op.f("ck_merchant_size_class"),
        ),
        sa.CheckConstraint("status IN ('active', 'suspended')", name=op.f("ck_merchant_status")),
        sa.CheckConstraint("length(uscc) = 18", name=op.f("ck_merchant_uscc")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant")),
        sa.UniqueConstraint("uscc", name=op.f("uq_merchant_uscc")),
    )
    op.create_table(
        "shop",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("trade", sa.String(40), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("area ~ '^[0-9]{6}([0-9]{3})?$'", name=op.f("ck_shop_area")),
        sa.CheckConstraint("status IN ('active', 'closed')", name=op.f("ck_shop_status")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_shop_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop")),
    )
    op.create_index(op.f("ix_shop_merchant_id"), "shop", ["merchant_id"], unique=False)
    op.create_index(op.f("ix_shop_name_id"), "shop", ["name", "id"], unique=False)
    op.create_index(op.f("ix_shop_trade_area"), "shop", ["trade", "area"], unique=False)
    op.create_table(
        "cashier",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("identity_document", sa.String(40), nullable=True),
        sa.Column("identity_cipher", sa.LargeBinary(), nullable=True),
        sa.Column(
            "identity_hashes", sa.ARRAY(sa.LargeBinary()), server_default="{}", nullable=False
        ),
        sa.Column(
            "identity_key_ids", sa.ARRAY(sa.SmallInteger()), server_default="{}", nullable=False
        ),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("role IN ('manager', 'cashier')", name=op.f("ck_cashier_role")),
        sa.CheckConstraint("status IN ('active', 'closed')", name=op.f("ck_cashier_status")),
        sa.CheckConstraint(
            "cardinality(identity_hashes) = cardinality(identity_key_ids)",
            name=op.f("ck_cashier_keys"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(identity_document, identity_cipher) IN (0, 2)",
            name=op.f("ck_cashier_identity"),
        ),
        sa.CheckConstraint("username = lower(username)", name=op.f("ck_cashier_username")),
        sa.ForeignKeyConstraint(["shop_id"], ["shop.id"], name=op.f("fk_cashier_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cashier")),
        sa.UniqueConstraint("username", name=op.f("uq_cashier_username")),
    )
    op.create_index(op.f("ix_cashier_shop_id"), "cashier", ["shop_id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("result", sa.Uuid(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("scope", "key_hash", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "job_outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.Column("served", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_job_outbox_key")),
    )
    op.create_index(
        "ix_job_outbox_due",
        "job_outbox",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("served < wanted"),
    )


def downgrade() -> None:
    op.drop_table("job_outbox")
    op.drop_table("idempotency")
    op.drop_table("cashier")
    op.drop_table("shop")
    op.drop_table("merchant")
    op.drop_table("sign_in_failure")
    op.drop_table("staff")
    op.drop_table("one_time_code")
    op.drop_table("resident")
