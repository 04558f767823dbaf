"""The schematic map of the city: a tile for each division, darker where more was leveraged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voucher_service.infra import areas
from voucher_service.kernel.money import ZERO, Money
from voucher_service.reports.board import Board
from voucher_service.reports.figures import Figures
from voucher_service.reports.leverage import LeverageReport, Row
from voucher_service.reports.today import Today

STEPS = 4


@dataclass(frozen=True, slots=True)
class Tile:
    """One division: where it stands, what it moved in all and today, and how dark it is, 0 to 4."""

    code: str
    x: int
    y: int
    figures: Figures
    today: Today
    shade: int


def tiles(board: Board, report: LeverageReport, *, within: str) -> tuple[Tile, ...]:
    """The divisions of the cities that the report names, those within the reader's area."""
    figures = {row.key: row.figures for row in report.rows if row.key}
    named = {areas.city(code) for code in (*figures, *board.today)}
    placed = [
        (code, at)
        for city in sorted(named)
        for code in areas.children(city)
        if areas.within(code, within) and (at := areas.tile(code))
    ]
    most = max((one.leveraged for one in figures.values()), default=ZERO)
    return tuple(
        Tile(
            code,
            *at,
            figures.get(code, Figures()),
            board.today.get(code, Today()),
            shade(figures[code].leveraged if code in figures else ZERO, most),
        )
        for code, at in placed
    )


def off_map(found: Sequence[Tile], report: LeverageReport) -> tuple[Row, ...]:
    """The rows that moved something and have no tile: the city's own budget, and areas without a
    place.
    """
    drawn = {one.code for one in found}
    return tuple(
        row
        for row in report.rows
        if row.key not in drawn and (row.figures.issued or row.figures.leveraged)
    )


def shade(part: Money, most: Money) -> int:
    """Equal parts of the largest; any money at all is seen."""
    if part <= ZERO:
        return 0
    return -(-STEPS * part.fen // most.fen)
