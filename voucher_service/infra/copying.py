"""Rows into tables by COPY, as the application's own role: no constraint and no trigger is off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, cast

from psycopg import sql
from sqlalchemy import Table
from sqlalchemy.orm import Session

from .database import Base

Row = Mapping[str, Any]


def copy(session: Session, row: type[Base], rows: Iterable[Row]) -> None:
    """Append rows, which all have the columns of the first; the others get their defaults."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    table = cast(Table, row.__table__)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(*filter(None, (table.schema, table.name))),
        sql.SQL(", ").join(map(sql.Identifier, first)),
    )
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as stream:
        for values in chain([first], rows):
            stream.write_row(list(values.values()))
