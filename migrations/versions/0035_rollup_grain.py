"""Rollups of every grain that a report is asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

APPLICATION = "voucher_app"
AMOUNTS = (
    "released",
    "issued",
    "redeemed",
    "leveraged",
    "refunded",
    "lapsed",
    "threshold",
    "face_redeemed",
    "evidenced",
)
COUNTS = ("vouchers_issued", "vouchers_redeemed", "vouchers_lapsed")
OLD_AMOUNTS = tuple(one for one in AMOUNTS if one != "lapsed")


def day(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Date(), nullable=nullable)


def number() -> sa.Column[object]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def figures(amounts: tuple[str, ...], counts: tuple[str, ...]) -> list[sa.Column[object]]:
    return [
        *(sa.Column(f"{of}_fen", sa.BigInteger(), nullable=False) for of in amounts),
        *(sa.Column(of, sa.Integer(), nullable=False) for of in counts),
    ]


def upgrade() -> None:
    """Cells by one dimension at a time, and what an incremental count needs to be exact."""
    op.drop_table("rollup")
    op.execute("DELETE FROM rollup_run")
    _claims()
    for table in ("rollup_cell", "rollup_draft"):
        _cells(table)
    op.create_index("ix_rollup_cell_day", "rollup_cell", ["programme_id", "day"])
    op.create_index("ix_rollup_cell_claim_day", "rollup_cell", ["programme_id", "claim_day"])
    op.create_index("ix_rollup_draft_programme", "rollup_draft", ["programme_id"])
    op.create_table(
        "rollup",
        number(),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("basis", sa.String(40), nullable=False),
        sa.Column("dimension", sa.String(40), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        day("day"),
        *figures(AMOUNTS, COUNTS),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup")),
    )
    op.create_index("ix_rollup_asked", "rollup", ["programme_id", "basis", "dimension", "day"])
    op.create_table(
        "rollup_repeat",
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        day("day"),
        sa.PrimaryKeyConstraint("redemption_id", name=op.f("pk_rollup_repeat")),
    )
    op.create_index("ix_rollup_repeat_day", "rollup_repeat", ["programme_id", "day"])
    _runs()
    for table in ("rollup_cell", "rollup_draft", "rollup", "rollup_repeat", "rollup_task"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APPLICATION}")


def _claims() -> None:
    """An order knows the day of its voucher's claim: no count reads the voucher for it."""
    op.add_column("redemption", sa.Column("claimed_on", sa.Date(), nullable=True))
    op.execute(
        "UPDATE redemption SET claimed_on = date(v.occurred_at AT TIME ZONE 'Asia/Shanghai')"
        " FROM voucher v WHERE v.id = redemption.voucher_id"
    )
    op.create_check_constraint(
        op.f("ck_redemption_claimed_on"),
        "redemption",
        "voucher_id IS NULL OR claimed_on IS NOT NULL",
    )
    op.create_index(
        "ix_redemption_refund_time",
        "redemption_refund",
        ["occurred_at"],
        postgresql_using="brin",
    )


def _cells(name: str) -> None:
    op.create_table(
        name,
        number(),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(40), nullable=False),
        day("day"),
        day("claim_day"),
        sa.Column("dimension", sa.String(40), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        *figures(AMOUNTS, COUNTS),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def _runs() -> None:
    op.add_column("rollup_run", sa.Column("xid", sa.BigInteger(), nullable=True))
    op.add_column("rollup_run", sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("rollup_run", sa.Column("proved_cells", sa.Integer(), nullable=True))
    op.add_column("rollup_run", sa.Column("differing", sa.Integer(), nullable=True))
    op.create_table(
        "rollup_task",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        day("first"),
        day("last"),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_rollup_task_programme_id")
        ),
        sa.PrimaryKeyConstraint("programme_id", "first", name=op.f("pk_rollup_task")),
    )


def downgrade() -> None:
    """Back to one cell for each day, claim day and shop's kind; the next run fills them."""
    for table in ("rollup_task", "rollup_repeat", "rollup", "rollup_draft", "rollup_cell"):
        op.drop_table(table)
    for column in ("xid", "proved_at", "proved_cells", "differing"):
        op.drop_column("rollup_run", column)
    op.execute("DELETE FROM rollup_run")
    op.drop_index("ix_redemption_refund_time", "redemption_refund")
    op.drop_constraint(op.f("ck_redemption_claimed_on"), "redemption")
    op.drop_column("redemption", "claimed_on")
    op.create_table(
        "rollup",
        number(),
        *(sa.Column(f"{of}_id", sa.Uuid(), nullable=False) for of in ("programme", "campaign")),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        day("day"),
        day("claim_day", nullable=True),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=True),
        sa.Column("merchant_size", sa.Text(), nullable=True),
        *figures(OLD_AMOUNTS, COUNTS[:2]),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup")),
    )
    op.create_index("ix_rollup_programme", "rollup", ["programme_id"])
    op.execute(f"GRANT SELECT, INSERT, DELETE ON rollup TO {APPLICATION}")
