"""The tables of a pack: each written as a workbook and as CSV, and added up on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.orm import Session

from voucher_service.infra.sheet_files import Cell, csv_lines, xlsx_lines
from voucher_service.kernel.money import ZERO, Money

from .parcel import Parcel

_AT_ONCE = 5_000
_UNIT = "（元）"
_TOTAL = "合计"
Rows = Iterator[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Col:
    """A column: the kind of its cells, its heading, and what it is called where it is read.

    `words`: what its codes are in Chinese.
    """

    kind: str
    heading: str
    name: str
    words: Mapping[Any, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """A document that is a table. Its first column numbers the rows, its last row adds them up."""

    name: str
    title: str
    columns: Sequence[Col]
    statement: TextClause


@dataclass(frozen=True, slots=True)
class Totals:
    """How many rows a table has, and what its columns of money add up to."""

    rows: int
    sums: Mapping[str, Money]


def read(session: Session, listing: Listing, told: Mapping[str, Any]) -> Rows:
    """Its rows, fetched a part at a time."""
    found = session.execute(listing.statement, told, execution_options={"yield_per": _AT_ONCE})
    return (row._asdict() for row in found)


def write(parcel: Parcel, listing: Listing, rows: Rows, *, at: datetime) -> Totals:
    """Pack a table as a workbook and as CSV; the rows are read once."""
    heads = [("count", "序号"), *((one.kind, _heading(one)) for one in listing.columns)]
    sums = {one.name: ZERO for one in listing.columns if one.kind == "yuan"}
    count = 0
    with (
        parcel.file(f"{listing.name}.xlsx") as book,
        parcel.file(f"{listing.name}.csv") as text,
        xlsx_lines(listing.title, heads, book, created=at) as put_in_book,
        csv_lines(heads, text) as put_in_text,
    ):
        for count, row in enumerate(rows, 1):
            cells = [_cell(one, row[one.name]) for one in listing.columns]
            for one, cell in zip(listing.columns, cells, strict=True):
                if isinstance(cell, Money):
                    sums[one.name] += cell
            put_in_book((count, *cells))
            put_in_text((count, *cells))
        total = [sums.get(one.name) for one in listing.columns]
        put_in_book((None, _TOTAL, *total[1:]))
        put_in_text((None, _TOTAL, *total[1:]))
    return Totals(count, sums)


def _heading(one: Col) -> str:
    return one.heading + _UNIT if one.kind == "yuan" else one.heading


def _cell(one: Col, value: Any) -> Cell:
    if value is None:
        return None
    if one.kind == "yuan":
        return Money(int(value))
    if one.kind == "text":
        return one.words.get(value, str(value)) if one.words else str(value)
    cell: Cell = value
    return cell
