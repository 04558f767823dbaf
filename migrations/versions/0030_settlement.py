"""Settlement: what merchants and residents are owed, batches, bank lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

APPLICATION = "voucher_app"
# What can be paid and no batch has: small, however large the history grows.
UNPAID = "status = 'committed' AND phase = 'none' AND refunded_discount_fen < discount_fen"
TABLES = (
    "settlement",
    "settlement_line",
    "settlement_item",
    "settlement_share",
    "settlement_payment",
    "settlement_file",
    "settlement_return",
    "settlement_hold",
    "settlement_advance",
)


def upgrade() -> None:
    """The tables, and an index of what is unpaid."""
    op.create_index(
        "ix_redemption_unpaid",
        "redemption",
        ["merchant_id", "id"],
        postgresql_where=sa.text(UNPAID),
    )
    _batches()
    _lines()
    _items()
    _payments()
    _files()
    _holds()
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {', '.join(TABLES)} TO {APPLICATION}")
    op.execute(f"REVOKE UPDATE ON settlement_file, settlement_return FROM {APPLICATION}")
    op.execute(f"GRANT DELETE ON settlement_share TO {APPLICATION}")


def downgrade() -> None:
    """Back to before."""
    for name in reversed(TABLES):
        op.drop_table(name)
    op.drop_index("ix_redemption_unpaid", "redemption")


def _batches() -> None:
    name = "settlement"
    op.create_table(
        name,
        _reference("id"),
        sa.Column("number", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        _reference("programme_id", nullable=True),
        _status("status"),
        *(sa.Column(of, sa.Integer(), nullable=False) for of in ("lines", "items")),
        *(_fen(of) for of in ("due_fen", "deducted_fen", "retried_fen")),
        sa.Column("payments", sa.Integer(), nullable=False),
        _fen("total_fen"),
        _instant("statement_until", nullable=True),
        _instant("drafted_at"),
        _reference("drafted_by", nullable=True),
        _reference("reviewed_by", nullable=True),
        _instant("reviewed_at", nullable=True),
        _reference("approval_id", nullable=True),
        _instant("approved_at", nullable=True),
        _reference("sent_by", nullable=True),
        _instant("sent_at", nullable=True),
        _instant("closed_at", nullable=True),
        _recorded_at(),
        _check(name, "payer", "sent_by <> reviewed_by"),
        _check(name, "drafter", "drafted_by <> reviewed_by AND drafted_by <> sent_by"),
        _check(
            name,
            "sent",
            "status NOT IN ('sent', 'closed') OR payments = 0"
            " OR num_nulls(sent_by, sent_at, approval_id) = 0",
        ),
        _check(
            name,
            "total",
            "due_fen >= deducted_fen AND deducted_fen >= 0"
            " AND total_fen = due_fen - deducted_fen + retried_fen",
        ),
        _foreign(name, "programme_id", "programme"),
        *(_foreign(name, of, "staff") for of in ("drafted_by", "reviewed_by", "sent_by")),
        _foreign(name, "approval_id", "approval"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("number", name=op.f(f"uq_{name}_number")),
    )
    op.create_index(
        "uq_settlement_day",
        name,
        ["day", "programme_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("status <> 'dropped'"),
    )
    op.create_index(op.f("ix_settlement_status_day"), name, ["status", "day"])


def _lines() -> None:
    name = "settlement_line"
    op.create_table(
        name,
        _reference("id"),
        _reference("batch_id"),
        _status("kind"),
        _reference("merchant_id", nullable=True),
        _reference("resident_id", nullable=True),
        sa.Column("payout_kind", sa.String(40), nullable=True),
        _reference("payout_id", nullable=True),
        _reference("subject_id", nullable=True),
        _reference("campaign_id", nullable=True),
        _words("name"),
        sa.Column("items", sa.Integer(), nullable=False),
        *(_fen(of) for of in ("due_fen", "deducted_fen")),
        _status("status"),
        sa.Column("left_out", sa.String(40), nullable=True),
        _instant("paid_at", nullable=True),
        _recorded_at(),
        _check(name, "amounts", "due_fen > 0 AND deducted_fen BETWEEN 0 AND due_fen"),
        _check(name, "left_out", "(status = 'left_out') = (left_out IS NOT NULL)"),
        _check(name, "paid", "(status = 'paid') = (paid_at IS NOT NULL)"),
        _check(
            name,
            "payee",
            "CASE kind WHEN 'person' THEN num_nulls(resident_id, payout_kind, payout_id,"
            " campaign_id) = 0 AND merchant_id IS NULL AND deducted_fen = 0"
            " ELSE merchant_id IS NOT NULL AND resident_id IS NULL END",
        ),
        _foreign(name, "batch_id", "settlement"),
        *(_foreign(name, f"{of}_id", of) for of in ("merchant", "resident", "campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    _unique(name, "merchant", ["batch_id", "merchant_id"], "kind = 'merchant'")
    op.create_index(
        f"uq_{name}_payout",
        name,
        ["payout_id", "subject_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("kind <> 'merchant' AND status <> 'left_out'"),
    )
    for of in ("batch_id", "merchant_id", "resident_id"):
        op.create_index(op.f(f"ix_{name}_{of}_id"), name, [of, "id"])
    op.create_index(
        f"ix_{name}_due", name, ["batch_id", "id"], postgresql_where=sa.text("status = 'due'")
    )


def _items() -> None:
    name = "settlement_item"
    op.create_table(
        name,
        _reference("line_id"),
        _reference("redemption_id"),
        _reference("offer_id"),
        _fen("due_fen"),
        sa.Column("live", sa.Boolean(), server_default=sa.true(), nullable=False),
        _check(name, "due", "due_fen > 0"),
        _foreign(name, "line_id", "settlement_line"),
        _foreign(name, "redemption_id", "redemption"),
        sa.PrimaryKeyConstraint("line_id", "redemption_id", name=op.f(f"pk_{name}")),
    )
    _unique(name, "live", ["redemption_id"], "live")
    name = "settlement_share"
    op.create_table(
        name,
        _reference("batch_id"),
        _reference("line_id"),
        _reference("campaign_id"),
        *(_fen(of) for of in ("due_fen", "settled_fen")),
        _recorded_at(),
        _check(name, "amounts", "due_fen >= 0 AND settled_fen >= 0"),
        _foreign(name, "batch_id", "settlement"),
        _foreign(name, "line_id", "budget_line"),
        _foreign(name, "campaign_id", "campaign"),
        sa.PrimaryKeyConstraint("batch_id", "line_id", name=op.f(f"pk_{name}")),
    )


def _payments() -> None:
    name = "settlement_payment"
    op.create_table(
        name,
        _reference("id"),
        _reference("batch_id"),
        _reference("line_id"),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("flow_number", sa.Text(), nullable=False),
        _fen("amount_fen"),
        _status("status"),
        sa.Column("personal", sa.Boolean(), nullable=False),
        _reference("account_id", nullable=True),
        *(_words(of, empty=True) for of in ("name", "last4", "bank")),
        sa.Column("answer", sa.Text(), nullable=True),
        *(_words(of, empty=True) for of in ("reason", "bank_reference")),
        _instant("answered_at", nullable=True),
        _instant("retry_at", nullable=True),
        _recorded_at(),
        _check(name, "amount", "amount_fen > 0"),
        _check(name, "answer", "answer IN ('paid', 'bounced')"),
        _check(name, "answered", "status NOT IN ('paid', 'bounced') OR status = answer"),
        _check(name, "answered_at", "(answer IS NULL) = (answered_at IS NULL)"),
        _foreign(name, "batch_id", "settlement"),
        _foreign(name, "line_id", "settlement_line"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("flow_number", name=op.f(f"uq_{name}_flow_number")),
    )
    _unique(name, "live", ["line_id"], "status IN ('due', 'sent', 'paid')")
    op.create_index(op.f(f"ix_{name}_batch_id_place"), name, ["batch_id", "place"])
    op.create_index(
        f"ix_{name}_bounced", name, ["line_id"], postgresql_where=sa.text("status = 'bounced'")
    )
    op.create_index(
        f"ix_{name}_answered",
        name,
        ["batch_id", "place"],
        postgresql_where=sa.text("status = 'sent' AND answer IS NOT NULL"),
    )


def _files() -> None:
    name = "settlement_file"
    op.create_table(
        name,
        _reference("batch_id"),
        _status("form"),
        _words("sha256"),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("cipher", sa.LargeBinary(), nullable=False),
        _recorded_at(),
        _foreign(name, "batch_id", "settlement"),
        sa.PrimaryKeyConstraint("batch_id", "form", name=op.f(f"pk_{name}")),
    )
    name = "settlement_return"
    op.create_table(
        name,
        _reference("id"),
        _reference("batch_id"),
        _words("sha256"),
        *(sa.Column(of, sa.Integer(), nullable=False) for of in ("rows", "paid", "bounced")),
        _words("taken_by"),
        _instant("taken_at"),
        _recorded_at(),
        _foreign(name, "batch_id", "settlement"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("batch_id", "sha256", name=op.f(f"uq_{name}_batch_id_sha256")),
    )


def _holds() -> None:
    name = "settlement_hold"
    op.create_table(
        name,
        _reference("id"),
        _reference("redemption_id"),
        _status("reason"),
        _words("placed_by"),
        _instant("since"),
        _instant("until", nullable=True),
        _recorded_at(),
        _foreign(name, "redemption_id", "redemption"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    _unique(name, "in_force", ["redemption_id", "reason"], "until IS NULL")
    name = "settlement_advance"
    op.create_table(
        name,
        _reference("id"),
        _reference("merchant_id"),
        _fen("amount_fen"),
        _status("status"),
        _words("reason"),
        _reference("proposed_by"),
        _reference("approval_id", nullable=True),
        _instant("occurred_at"),
        _recorded_at(),
        _check(name, "amount", "amount_fen > 0"),
        _foreign(name, "merchant_id", "merchant"),
        _foreign(name, "proposed_by", "staff"),
        _foreign(name, "approval_id", "approval"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(
        f"ix_{name}_approved", name, ["id"], postgresql_where=sa.text("status = 'approved'")
    )


def _reference(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _status(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.String(40), nullable=False)


def _fen(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _words(name: str, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="" if empty else None)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _recorded_at() -> sa.Column[object]:
    now = sa.text("clock_timestamp()")
    return sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=now, nullable=False)


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _unique(table: str, name: str, columns: list[str], where: str) -> None:
    op.create_index(
        f"uq_{table}_{name}", table, columns, unique=True, postgresql_where=sa.text(where)
    )
