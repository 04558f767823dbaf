"""A wrong value planted in a table of rollups."""

from __future__ import annotations

from sqlalchemy import Date, Engine, Integer, Uuid, text

from voucher_service.infra.database import MoneyFen
from voucher_service.reconciliation.tables import (
    RollupCellRow,
    RollupRepeatRow,
    RollupRow,
    TradeInRollupRow,
)

Rows = type[RollupCellRow] | type[RollupRow] | type[RollupRepeatRow] | type[TradeInRollupRow]
OTHER = {
    Uuid: "gen_random_uuid()",
    Date: "'2020-01-01'",
    MoneyFen: "{column} + 1",
    Integer: "{column} + 1",
}


def columns(*tables: Rows) -> list[str]:
    """What their rows consist of; their number says nothing."""
    return sorted({one.name for table in tables for one in table.__table__.columns} - {"id"})


def plant(owner: Engine, slug: str, column: str, *tables: Rows) -> set[str]:
    """Make a column of one row wrong in each table that has it; the tables' names."""
    planted = set()
    for table in tables:
        name, columns = table.__tablename__, table.__table__.columns
        if column not in columns:
            continue
        wrong = OTHER.get(type(columns[column].type), "'another'").format(column=column)
        statement = f"""UPDATE {name} SET {column} = {wrong} WHERE ctid = (
            SELECT min(ctid) FROM {name} WHERE programme_id = (
                SELECT id FROM programme WHERE slug = :slug))"""
        with owner.begin() as connection:
            assert connection.execute(text(statement), {"slug": slug}).rowcount == 1, name
        planted.add(name)
    return planted
