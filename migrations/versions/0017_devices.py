"""Opening hours and positions, enrolled devices, points, and what a session stands at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"

APPLICATION = "voucher_app"
POSITION = "num_nonnulls(latitude, longitude) IN (0, 2)"


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def upgrade() -> None:
    op.add_column(
        "merchant",
        sa.Column("devices_only", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    for column in (
        sa.Column("opening_hours", postgresql.JSONB(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
    ):
        op.add_column("shop", column)
    op.create_check_constraint(op.f("ck_shop_position"), "shop", POSITION)
    _devices()
    _points()
    _stands()
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON device, enrolment_code, point, stand"
        f" TO {APPLICATION}"
    )


def _devices() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("enrolled_by", sa.Uuid(), nullable=False),
        instant("enrolled_at"),
        instant("seen_at"),
        instant("revoked_at", nullable=True),
        recorded_at(),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name="fk_device_merchant_id"),
        sa.ForeignKeyConstraint(["shop_id"], ["shop.id"], name="fk_device_shop_id"),
        sa.ForeignKeyConstraint(["enrolled_by"], ["cashier.id"], name="fk_device_enrolled_by"),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.UniqueConstraint("token_hash", name="uq_device_token_hash"),
    )
    op.create_index("ix_device_merchant_id_enrolled_at", "device", ["merchant_id", "enrolled_at"])
    op.create_table(
        "enrolment_code",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        instant("expires_at"),
        instant("used_at", nullable=True),
        recorded_at(),
        sa.ForeignKeyConstraint(["shop_id"], ["shop.id"], name="fk_enrolment_code_shop_id"),
        sa.ForeignKeyConstraint(["made_by"], ["cashier.id"], name="fk_enrolment_code_made_by"),
        sa.PrimaryKeyConstraint("code_hash", name="pk_enrolment_code"),
    )
    op.create_index("ix_enrolment_code_expires_at", "enrolment_code", ["expires_at"])


def _points() -> None:
    op.create_table(
        "point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("opens_on", sa.Date(), nullable=True),
        sa.Column("closes_on", sa.Date(), nullable=True),
        instant("made_at"),
        instant("closed_at", nullable=True),
        recorded_at(),
        sa.CheckConstraint(POSITION, name=op.f("ck_point_position")),
        sa.CheckConstraint("opens_on <= closes_on", name=op.f("ck_point_season")),
        sa.ForeignKeyConstraint(["shop_id"], ["shop.id"], name="fk_point_shop_id"),
        sa.PrimaryKeyConstraint("id", name="pk_point"),
    )
    op.create_index("ix_point_shop_id_name", "point", ["shop_id", "name"])


def _stands() -> None:
    op.create_table(
        "stand",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("point_id", sa.Uuid(), nullable=True),
        recorded_at(),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sign_in_session.id"],
            name="fk_stand_session_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_stand_device_id"),
        sa.ForeignKeyConstraint(["point_id"], ["point.id"], name="fk_stand_point_id"),
        sa.PrimaryKeyConstraint("session_id", name="pk_stand"),
    )
    op.create_index("ix_stand_device_id", "stand", ["device_id"])


def downgrade() -> None:
    for table in ("stand", "point", "enrolment_code", "device"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_shop_position"), "shop", type_="check")
    for column in ("longitude", "latitude", "opening_hours"):
        op.drop_column("shop", column)
    op.drop_column("merchant", "devices_only")
