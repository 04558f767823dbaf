"""Stops, which take the place of a paused offer's status, and canaries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"

APPLICATION = "voucher_app"
# A campaign that was paused before has a stop from now on, and its offers are open behind it.
PAUSED_BEFORE = """
INSERT INTO stop (id, scope, subject_id, what, area, title, reason, status, stopped_at)
SELECT gen_random_uuid(), 'campaign', id, 'claims', area, name, '', 'in_force', now()
FROM campaign WHERE status = 'paused'
"""
PAUSED_AFTER = """
UPDATE offer SET status = 'paused' FROM campaign
WHERE campaign.id = offer.campaign_id AND campaign.status = 'paused' AND offer.status = 'open'
"""


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def upgrade() -> None:
    _stops()
    _canaries()
    op.execute(PAUSED_BEFORE)
    op.execute("UPDATE offer SET status = 'open' WHERE status = 'paused'")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON stop, canary TO {APPLICATION}")


def _stops() -> None:
    op.create_table(
        "stop",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("stopped_by", sa.Uuid(), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        recorded_at(),
        sa.CheckConstraint(
            "(status = 'lifted') = (lifted_at IS NOT NULL)", name=op.f("ck_stop_lifted")
        ),
        sa.ForeignKeyConstraint(["stopped_by"], ["staff.id"], name=op.f("fk_stop_stopped_by")),
        sa.ForeignKeyConstraint(["lifted_by"], ["staff.id"], name=op.f("fk_stop_lifted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop")),
    )
    op.create_index(
        "uq_stop_in_force",
        "stop",
        ["what", "subject_id"],
        unique=True,
        postgresql_where=sa.text("status = 'in_force'"),
    )
    op.create_index("ix_stop_stopped_at", "stop", ["stopped_at", "id"])


def _canaries() -> None:
    op.create_table(
        "canary",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("rest_id", sa.Uuid(), nullable=False),
        sa.Column("quota", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        recorded_at(),
        sa.CheckConstraint("quota > 0 AND seconds > 0", name=op.f("ck_canary_slice")),
        sa.CheckConstraint(
            "(status = 'waiting') = (judged_at IS NULL)", name=op.f("ck_canary_judged")
        ),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_canary_offer_id")),
        sa.ForeignKeyConstraint(["rest_id"], ["release.id"], name=op.f("fk_canary_rest_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canary")),
        sa.UniqueConstraint("offer_id", name=op.f("uq_canary_offer_id")),
        sa.UniqueConstraint("rest_id", name=op.f("uq_canary_rest_id")),
    )


def downgrade() -> None:
    op.execute(PAUSED_AFTER)
    op.drop_table("canary")
    op.drop_table("stop")
