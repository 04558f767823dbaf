"""The sealed log: leaves, checkpoints, salts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"

APPLICATION = "voucher_app"
SEALED = (("audit", "event"), ("ledger", "transfer"))


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def hashed(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    _leaves()
    _heads()
    # Rows are written in about the order of their transactions: a few pages of index are enough.
    for schema, table in SEALED:
        op.create_index(
            f"ix_{table}_xid_brin", table, ["xid"], schema=schema, postgresql_using="brin"
        )
    for table in ("log_leaf", "log_node", "log_checkpoint", "log_cosignature"):
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {APPLICATION}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON log_state TO {APPLICATION}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON log_salt TO {APPLICATION}")


def _leaves() -> None:
    op.create_table(
        "log_leaf",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        hashed("hash"),
        sa.CheckConstraint("index >= 0", name=op.f("ck_log_leaf_index")),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_log_leaf")),
        sa.UniqueConstraint("kind", "number", name=op.f("uq_log_leaf_kind_number")),
    )
    op.create_table(
        "log_node",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        hashed("hash"),
        sa.PrimaryKeyConstraint("level", "index", name=op.f("pk_log_node")),
    )
    op.create_table(
        "log_salt",
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary()),
        recorded_at(),
        sa.PrimaryKeyConstraint("about", name=op.f("pk_log_salt")),
    )


def _heads() -> None:
    op.create_table(
        "log_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_state_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_state")),
    )
    op.execute("INSERT INTO log_state (id, size, peaks, xid) VALUES (1, 0, '{}', 0)")
    op.create_table(
        "log_checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        hashed("root"),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        recorded_at(),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoint")),
    )
    op.create_table(
        "log_cosignature",
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        recorded_at(),
        sa.ForeignKeyConstraint(
            ["size"],
            ["log_checkpoint.size"],
            name=op.f("fk_log_cosignature_size_log_checkpoint"),
        ),
        sa.PrimaryKeyConstraint("size", "witness", name=op.f("pk_log_cosignature")),
    )


def downgrade() -> None:
    for schema, table in SEALED:
        op.drop_index(f"ix_{table}_xid_brin", table, schema=schema)
    tables = ("log_cosignature", "log_checkpoint", "log_state", "log_salt", "log_node", "log_leaf")
    for table in tables:
        op.drop_table(table)
