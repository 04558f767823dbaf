"""Amounts, groups and expiry of proposals; what a signature was given for; nothing else changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"

APPLICATION = "voucher_app"
CHANGES = "status, decided_at, reason, signatures_needed, why"


def upgrade() -> None:
    _proposals()
    _signatures()
    # What was frozen stays so: the application may only decide, and ask for more signatures.
    op.execute(f"REVOKE UPDATE, DELETE ON approval, approval_signature FROM {APPLICATION}")
    op.execute(f"GRANT UPDATE ({CHANGES}) ON approval TO {APPLICATION}")


def _proposals() -> None:
    nothing = sa.text("'[]'::jsonb")
    for column in (
        sa.Column("authors", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("split_group", sa.Text(), server_default="", nullable=False),
        sa.Column("why", postgresql.JSONB(), server_default=nothing, nullable=False),
        sa.Column("simulation", postgresql.JSONB(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("approval", column)
    op.execute("UPDATE approval SET expires_at = proposed_at + interval '14 days'")
    op.alter_column("approval", "expires_at", nullable=False)
    for name in ("authors", "amount_fen", "split_group", "why"):
        op.alter_column("approval", name, server_default=None)
    op.drop_constraint(op.f("ck_approval_signatures_needed"), "approval")
    op.create_check_constraint(
        op.f("ck_approval_signatures_needed"), "approval", "signatures_needed BETWEEN 1 AND 3"
    )
    op.create_check_constraint(op.f("ck_approval_amount"), "approval", "amount_fen >= 0")
    op.create_unique_constraint(
        op.f("uq_approval_id_payload_sha256"), "approval", ["id", "payload_sha256"]
    )
    op.create_index(
        "ix_approval_split_group_proposed_at", "approval", ["split_group", "proposed_at"]
    )
    op.create_index("ix_approval_object_id", "approval", ["object_id"])


def _signatures() -> None:
    op.add_column("approval_signature", sa.Column("payload_sha256", sa.Text(), nullable=True))
    op.execute(
        "UPDATE approval_signature s SET payload_sha256 = a.payload_sha256"
        " FROM approval a WHERE a.id = s.approval_id"
    )
    op.alter_column("approval_signature", "payload_sha256", nullable=False)
    op.create_foreign_key(
        op.f("fk_approval_signature_approval_id_payload_sha256"),
        "approval_signature",
        "approval",
        ["approval_id", "payload_sha256"],
        ["id", "payload_sha256"],
    )


def downgrade() -> None:
    op.execute(f"GRANT UPDATE, DELETE ON approval, approval_signature TO {APPLICATION}")
    op.drop_constraint(
        op.f("fk_approval_signature_approval_id_payload_sha256"), "approval_signature"
    )
    op.drop_column("approval_signature", "payload_sha256")
    op.drop_index("ix_approval_object_id", "approval")
    op.drop_index("ix_approval_split_group_proposed_at", "approval")
    op.drop_constraint(op.f("uq_approval_id_payload_sha256"), "approval")
    op.drop_constraint(op.f("ck_approval_amount"), "approval")
    op.drop_constraint(op.f("ck_approval_signatures_needed"), "approval")
    op.create_check_constraint(
        op.f("ck_approval_signatures_needed"), "approval", "signatures_needed >= 1"
    )
    for name in ("expires_at", "simulation", "why", "split_group", "amount_fen", "authors"):
        op.drop_column("approval", name)
