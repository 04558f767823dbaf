"""The library of goods, filed prices and the history of prices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"

APPLICATION = "voucher_app"
GTIN, GRADE = "gtin ~ '^[0-9]{14}$'", "grade BETWEEN 1 AND 5"
ADDED_ONLY = ("library_change_line", "product_price_filed")
CHANGED = ("library_change", "product", "price_seen")
TABLES = ("library_change", "library_change_line", "product", "product_price_filed", "price_seen")


def uuid(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def day(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Date(), nullable=nullable)


def text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)


def whole(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=False)


def fen(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def described() -> list[sa.Column[object]]:
    return [
        text("brand"),
        text("model"),
        text("name"),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("dual_imei", sa.Boolean(), nullable=False),
        fen("guide_price_fen", nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        text("origin_area"),
        day("valid_until", nullable=True),
    ]


def check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    _changes()
    _products()
    _filed_prices()
    _prices_seen()
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(ADDED_ONLY)} TO {APPLICATION}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {', '.join(CHANGED)} TO {APPLICATION}")


def _changes() -> None:
    table = "library_change"
    op.create_table(
        table,
        uuid("id"),
        text("file_name"),
        text("sha256"),
        whole("fresh"),
        whole("changed"),
        whole("same"),
        sa.Column("status", sa.String(40), nullable=False),
        uuid("created_by"),
        instant("created_at"),
        recorded_at(),
        check(table, "sha256", "sha256 ~ '^[0-9a-f]{64}$'"),
        check(table, "counts", "fresh >= 0 AND changed >= 0 AND same >= 0"),
        refers(table, "created_by", "staff.id"),
        key(table, "id"),
    )
    op.create_index("ix_library_change_created_at", table, ["created_at", "id"])
    line = "library_change_line"
    op.create_table(
        line,
        uuid("change_id"),
        text("gtin"),
        whole("number"),
        day("valid_from", nullable=True),
        *described(),
        check(line, "gtin", GTIN),
        check(line, "grade", GRADE),
        refers(line, "change_id", "library_change.id"),
        key(line, "change_id", "gtin"),
    )
    op.create_index("ix_library_change_line_number", line, ["change_id", "number"])


def _products() -> None:
    table = "product"
    op.create_table(
        table,
        text("gtin"),
        day("valid_from"),
        uuid("change_id"),
        *described(),
        recorded_at(),
        check(table, "gtin", GTIN),
        check(table, "grade", GRADE),
        refers(table, "change_id", "library_change.id"),
        key(table, "gtin", "valid_from"),
    )


def _filed_prices() -> None:
    table = "product_price_filed"
    op.create_table(
        table,
        uuid("id"),
        uuid("merchant_id"),
        text("gtin"),
        fen("price_fen"),
        day("valid_from"),
        uuid("filed_by", nullable=True),
        instant("filed_at"),
        recorded_at(),
        check(table, "price", "price_fen > 0"),
        refers(table, "merchant_id", "merchant.id"),
        key(table, "id"),
    )
    op.create_index(f"ix_{table}_counts", table, ["merchant_id", "gtin", "filed_at"])
    op.create_index(f"ix_{table}_gtin", table, ["gtin", "merchant_id"])


def _prices_seen() -> None:
    table = "price_seen"
    op.create_table(
        table,
        uuid("shop_id"),
        text("gtin"),
        day("day"),
        uuid("merchant_id"),
        text("area"),
        fen("lowest_fen"),
        fen("highest_fen"),
        fen("list_price_fen", nullable=True),
        whole("units"),
        fen("month_low_fen", nullable=True),
        fen("quarter_low_fen", nullable=True),
        fen("city_low_fen", nullable=True),
        recorded_at(),
        check(table, "prices", "0 < lowest_fen AND lowest_fen <= highest_fen"),
        check(table, "units", "units > 0"),
        refers(table, "shop_id", "shop.id"),
        refers(table, "merchant_id", "merchant.id"),
        key(table, "shop_id", "gtin", "day"),
    )
    op.create_index("ix_price_seen_merchant", table, ["merchant_id", "gtin", "day", "lowest_fen"])
    op.create_index("ix_price_seen_city", table, ["gtin", "day", "lowest_fen"])
    op.create_index("ix_price_seen_day", table, ["day", "gtin", "shop_id"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
