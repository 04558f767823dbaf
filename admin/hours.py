"""The chart of the last hours: claimed and redeemed, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from voucher_service.reports.board import Hour

LEFT, RIGHT, TOP, FOOT = 66, 756, 22, 254
STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Pair:
    """One hour as it is drawn: the left edges, tops and heights of both bars."""

    start: datetime
    claimed: int
    redeemed: int
    x: int
    claimed_y: int
    redeemed_y: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars and the lines behind them, in the units of the drawing."""

    pairs: tuple[Pair, ...]
    grid: tuple[tuple[int, int], ...]
    bar: int
    busiest: Hour | None


def chart(hours: Sequence[Hour]) -> Chart:
    """The chart of these hours, on a scale that ends at a round number."""
    most = max((max(one.claimed, one.redeemed) for one in hours), default=0)
    step = _step(most)
    top = max(step, -(-most // step) * step)
    room = (RIGHT - LEFT) // max(1, len(hours))
    pairs = tuple(
        Pair(
            one.start,
            one.claimed,
            one.redeemed,
            LEFT + i * room + 2,
            _y(one.claimed, top),
            _y(one.redeemed, top),
        )
        for i, one in enumerate(hours)
    )
    grid = tuple((value, _y(value, top)) for value in range(0, top + 1, step))
    busiest = max(hours, key=lambda one: one.claimed, default=None)
    return Chart(pairs, grid, max(4, room // 2 - 2), busiest if most else None)


def _y(value: int, top: int) -> int:
    return FOOT - (FOOT - TOP) * value // top


def _step(most: int) -> int:
    """A quarter of the scale or so: 1, 2 or 5 and zeros behind."""
    size = 1
    while True:
        for each in STEPS:
            if each * size * 4 >= most:
                return each * size
        size *= 10
