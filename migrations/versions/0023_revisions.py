"""Decisions made again by a later policy; applications without an old car."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"

APPLICATION = "voucher_app"
REVISION, LINE, SHARE = "revision", "revision_line", "revision_share"
WHOLE = "ck_application_whole"
OPEN = "status IN ('computing', 'ready', 'proposed')"


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def texts(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.ARRAY(sa.Text()), nullable=False)


def money(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def word(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.String(40), nullable=False)


def id_(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=False)


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    _whole(
        "status IN ('draft', 'withdrawn') OR num_nulls(new_vin, invoice, bought_on, policy_id,"
        " subsidy_fen, decision, filed_at, submitted_at) = 0"
        " AND num_nulls(old_vin, paper) = CASE scheme WHEN 'car_purchase' THEN 2 ELSE 0 END"
    )
    _revisions()
    _lines()
    _shares()
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {REVISION}, {LINE} TO {APPLICATION}")
    op.execute(f"GRANT SELECT, INSERT ON {SHARE} TO {APPLICATION}")


def _whole(condition: str) -> None:
    """What an application holds once it was handed in."""
    op.drop_constraint(op.f(WHOLE), "application", type_="check")
    op.create_check_constraint(op.f(WHOLE), "application", condition)


def _revisions() -> None:
    op.create_table(
        REVISION,
        id_("id"),
        text("policy_id"),
        texts("policies"),
        word("scheme"),
        id_("campaign_id"),
        text("area"),
        sa.Column("known_until", sa.Date(), nullable=False),
        word("status"),
        instant("cursor_at"),
        id_("cursor_id"),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        money("more_fen"),
        money("less_fen"),
        text("list_sha256", nullable=True),
        id_("created_by"),
        instant("created_at"),
        instant("decided_at", nullable=True),
        recorded_at(),
        check(REVISION, "counts", "seen >= changed AND changed >= 0"),
        check(REVISION, "sums", "more_fen >= 0 AND less_fen >= 0"),
        check(
            REVISION,
            "list",
            "status IN ('computing', 'cancelled', 'superseded') OR list_sha256 IS NOT NULL",
        ),
        refers(REVISION, "campaign_id", "campaign"),
        refers(REVISION, "created_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{REVISION}")),
    )
    op.create_index(
        f"uq_{REVISION}_open",
        REVISION,
        ["scheme", "area"],
        unique=True,
        postgresql_where=sa.text(OPEN),
    )


def _lines() -> None:
    op.create_table(
        LINE,
        id_("revision_id"),
        id_("subject_id"),
        word("kind"),
        id_("resident_id"),
        word("category"),
        text("area"),
        money("before_fen"),
        money("after_fen"),
        texts("reasons"),
        sa.Column("card_cipher", sa.LargeBinary(), nullable=True),
        instant("paid_at", nullable=True),
        recorded_at(),
        check(LINE, "amounts", "before_fen >= 0 AND after_fen >= 0"),
        check(LINE, "changes", "before_fen <> after_fen"),
        check(LINE, "paid", "paid_at IS NULL OR after_fen > before_fen"),
        refers(LINE, "revision_id", REVISION),
        refers(LINE, "resident_id", "resident"),
        sa.PrimaryKeyConstraint("revision_id", "subject_id", name=op.f(f"pk_{LINE}")),
    )
    op.create_index(f"ix_{LINE}_subject", LINE, ["subject_id"])
    op.create_index(f"ix_{LINE}_resident", LINE, ["resident_id", "revision_id"])
    op.create_index(
        f"ix_{LINE}_due",
        LINE,
        ["revision_id", "subject_id"],
        postgresql_where=sa.text("after_fen > before_fen AND paid_at IS NULL"),
    )


def _shares() -> None:
    op.create_table(
        SHARE,
        id_("revision_id"),
        id_("line_id"),
        money("amount_fen"),
        recorded_at(),
        check(SHARE, "amount", "amount_fen > 0"),
        refers(SHARE, "revision_id", REVISION),
        refers(SHARE, "line_id", "budget_line"),
        sa.PrimaryKeyConstraint("revision_id", "line_id", name=op.f(f"pk_{SHARE}")),
    )


def downgrade() -> None:
    for table in (SHARE, LINE, REVISION):
        op.drop_table(table)
    _whole(
        "status IN ('draft', 'withdrawn') OR num_nulls(new_vin, old_vin, invoice, paper,"
        " bought_on, policy_id, subsidy_fen, decision, filed_at, submitted_at) = 0"
    )
