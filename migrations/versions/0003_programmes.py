"""Programmes, campaigns, offers, releases, and whose money pays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "programme",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("opens_on <= closes_on", name=op.f("ck_programme_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
        sa.UniqueConstraint("slug", name=op.f("uq_programme_slug")),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("opens_on <= closes_on", name=op.f("ck_campaign_period")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_campaign_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_index(op.f("ix_campaign_programme_id"), "campaign", ["programme_id"], unique=False)
    op.create_table(
        "offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("face_value_fen", sa.BigInteger(), nullable=False),
        sa.Column("threshold_fen", sa.BigInteger(), nullable=False),
        sa.Column("quota", sa.Integer(), nullable=False),
        sa.Column("per_resident_limit", sa.Integer(), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=False),
        sa.Column("areas", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("trades", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("lapse_returns", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(40), nullable=False),
        sa.Column("gate_run_id", sa.Text(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("epoch >= 0", name=op.f("ck_offer_epoch")),
        sa.CheckConstraint("face_value_fen > 0", name=op.f("ck_offer_face_value")),
        sa.CheckConstraint("per_resident_limit BETWEEN 1 AND 100", name=op.f("ck_offer_limit")),
        sa.CheckConstraint("quota > 0", name=op.f("ck_offer_quota")),
        sa.CheckConstraint("threshold_fen >= face_value_fen", name=op.f("ck_offer_threshold")),
        sa.CheckConstraint("valid_days BETWEEN 1 AND 366", name=op.f("ck_offer_valid_days")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_offer_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("slug", name=op.f("uq_offer_slug")),
    )
    op.create_index(op.f("ix_offer_campaign_id"), "offer", ["campaign_id"], unique=False)
    op.create_table(
        "release",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quota", sa.Integer(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("opens_at < closes_at", name=op.f("ck_release_window")),
        sa.CheckConstraint("quota > 0", name=op.f("ck_release_quota")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_release_offer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("id", "quota", name=op.f("uq_release_id_quota")),
        sa.UniqueConstraint("offer_id", "position", name=op.f("uq_release_offer_id_position")),
    )
    op.create_index(op.f("ix_release_offer_id"), "release", ["offer_id"], unique=False)
    op.create_table(
        "funder",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.String(40), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funder")),
        sa.UniqueConstraint("code", name=op.f("uq_funder_code")),
    )
    op.create_table(
        "budget_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("funder_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("share_bps", sa.Integer(), nullable=False),
        sa.Column("purpose_code", sa.Text(), nullable=False),
        sa.Column("fallback", sa.Boolean(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_budget_line_amount_positive")),
        sa.CheckConstraint(
            "share_bps BETWEEN 0 AND 10000", name=op.f("ck_budget_line_share_range")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_budget_line_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["funder_id"], ["funder.id"], name=op.f("fk_budget_line_funder_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_line")),
        sa.UniqueConstraint(
            "campaign_id",
            "funder_id",
            "purpose_code",
            name=op.f("uq_budget_line_campaign_id_funder_id_purpose_code"),
        ),
    )
    op.create_index(
        op.f("ix_budget_line_campaign_id"), "budget_line", ["campaign_id"], unique=False
    )
    op.create_index(
        "uq_budget_line_one_fallback",
        "budget_line",
        ["campaign_id"],
        unique=True,
        postgresql_where=sa.text("fallback"),
    )
    op.create_table(
        "budget_reservation",
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("reserved_fen", sa.BigInteger(), nullable=False),
        sa.Column("folded_fen", sa.BigInteger(), nullable=False),
        sa.Column("freed_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "folded_fen >= 0 AND freed_fen >= 0 AND folded_fen + freed_fen <= reserved_fen",
            name=op.f("ck_budget_reservation_within_reserved"),
        ),
        sa.CheckConstraint("reserved_fen >= 0", name=op.f("ck_budget_reservation_reserved")),
        sa.ForeignKeyConstraint(
            ["line_id"], ["budget_line.id"], name=op.f("fk_budget_reservation_line_id")
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offer.id"], name=op.f("fk_budget_reservation_offer_id")
        ),
        sa.PrimaryKeyConstraint("line_id", "offer_id", name=op.f("pk_budget_reservation")),
    )
    op.create_index(
        op.f("ix_budget_reservation_offer_id"), "budget_reservation", ["offer_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("budget_reservation")
    op.drop_table("budget_line")
    op.drop_table("funder")
    op.drop_table("release")
    op.drop_table("offer")
    op.drop_table("campaign")
    op.drop_table("programme")
