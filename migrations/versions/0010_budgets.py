"""Funds, budgets of two levels, allotments and caps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

APPLICATION = "voucher_app"
TABLES = ("budget_cap_use", "budget_cap", "budget_move", "allotment", "budget", "fund")


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    _funds()
    _budgets()
    _moves()
    _caps()
    _lines_and_campaigns()
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APPLICATION}")


def _funds() -> None:
    op.create_table(
        "fund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("funder_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("purpose_code", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("available_fen", sa.BigInteger(), nullable=False),
        recorded_at(),
        sa.CheckConstraint("available_fen >= 0", name=op.f("ck_fund_available")),
        sa.CheckConstraint("year BETWEEN 2000 AND 2100", name=op.f("ck_fund_year")),
        reference("fund", "funder_id", "funder"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund")),
        sa.UniqueConstraint(
            "funder_id",
            "year",
            "purpose_code",
            "document",
            name=op.f("uq_fund_funder_id_year_purpose_code_document"),
        ),
    )


def _budgets() -> None:
    op.create_table(
        "budget",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        recorded_at(),
        reference("budget", "programme_id", "programme"),
        reference("budget", "parent_id", "budget"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget")),
        sa.UniqueConstraint("programme_id", "area", name=op.f("uq_budget_programme_id_area")),
    )
    op.create_index(op.f("ix_budget_parent_id"), "budget", ["parent_id"])
    op.create_index(
        "uq_budget_one_frame",
        "budget",
        ["programme_id"],
        unique=True,
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_table(
        "allotment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("budget_id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("available_fen", sa.BigInteger(), nullable=False),
        recorded_at(),
        sa.CheckConstraint("available_fen >= 0", name=op.f("ck_allotment_available")),
        reference("allotment", "budget_id", "budget"),
        reference("allotment", "fund_id", "fund"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allotment")),
        sa.UniqueConstraint("budget_id", "fund_id", name=op.f("uq_allotment_budget_id_fund_id")),
    )
    op.create_index(op.f("ix_allotment_fund_id"), "allotment", ["fund_id"])


def _moves() -> None:
    op.create_table(
        "budget_move",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("budget_id", sa.Uuid(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        recorded_at(),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_budget_move_amount_positive")),
        reference("budget_move", "fund_id", "fund"),
        reference("budget_move", "budget_id", "budget"),
        reference("budget_move", "approval_id", "approval"),
        reference("budget_move", "created_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_move")),
    )
    op.create_index(op.f("ix_budget_move_fund_id"), "budget_move", ["fund_id"])
    op.create_index(op.f("ix_budget_move_budget_id"), "budget_move", ["budget_id"])


def _caps() -> None:
    op.create_table(
        "budget_cap",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("budget_id", sa.Uuid(), nullable=True),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("span", sa.String(40), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        recorded_at(),
        sa.CheckConstraint(
            "num_nonnulls(budget_id, campaign_id) = 1", name=op.f("ck_budget_cap_one_owner")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_budget_cap_amount_positive")),
        reference("budget_cap", "budget_id", "budget"),
        reference("budget_cap", "campaign_id", "campaign"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_cap")),
        sa.UniqueConstraint("id", "amount_fen", name=op.f("uq_budget_cap_id_amount_fen")),
        sa.UniqueConstraint("budget_id", "span", name=op.f("uq_budget_cap_budget_id_span")),
        sa.UniqueConstraint("campaign_id", "span", name=op.f("uq_budget_cap_campaign_id_span")),
    )
    op.create_table(
        "budget_cap_use",
        sa.Column("cap_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("planned_fen", sa.BigInteger(), nullable=False),
        recorded_at(),
        sa.CheckConstraint(
            "planned_fen BETWEEN 0 AND amount_fen", name=op.f("ck_budget_cap_use_within_cap")
        ),
        sa.ForeignKeyConstraint(
            ["cap_id", "amount_fen"],
            ["budget_cap.id", "budget_cap.amount_fen"],
            name=op.f("fk_budget_cap_use_cap_id_amount_fen"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("cap_id", "period", name=op.f("pk_budget_cap_use")),
    )


def _lines_and_campaigns() -> None:
    op.add_column(
        "budget_line", sa.Column("shop_area", sa.Text(), nullable=False, server_default="")
    )
    op.add_column("budget_line", sa.Column("allotment_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_budget_line_allotment_id"), "budget_line", "allotment", ["allotment_id"], ["id"]
    )
    op.create_index(op.f("ix_budget_line_allotment_id"), "budget_line", ["allotment_id"])
    op.create_check_constraint(
        op.f("ck_budget_line_fallback_everywhere"), "budget_line", "NOT fallback OR shop_area = ''"
    )
    op.add_column(
        "budget_reservation",
        sa.Column("redeemed_fen", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.add_column("campaign", sa.Column("budget_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_campaign_budget_id"), "campaign", "budget", ["budget_id"], ["id"]
    )
    op.create_index(op.f("ix_campaign_budget_id"), "campaign", ["budget_id"])
    op.add_column(
        "offer",
        sa.Column("shop_areas", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
    )


def downgrade() -> None:
    op.drop_column("offer", "shop_areas")
    op.drop_column("campaign", "budget_id")
    op.drop_column("budget_reservation", "redeemed_fen")
    op.drop_constraint(op.f("ck_budget_line_fallback_everywhere"), "budget_line")
    op.drop_column("budget_line", "allotment_id")
    op.drop_column("budget_line", "shop_area")
    for table in TABLES:
        op.drop_table(table)
