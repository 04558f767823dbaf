"""The chart of a report's groups: issued beside leveraged, as bars or, in time, as lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from voucher_service.kernel.money import ZERO, Money
from voucher_service.reports import layout
from voucher_service.reports.leverage import LeverageReport, Row

LEFT, WIDTH, TOP, STEP, MOST_BARS = 210, 420, 8, 62, 12
DAYS_WIDTH, DAYS_HEIGHT = 720, 220


@dataclass(frozen=True, slots=True)
class Bar:
    """One group: both sums, and the lengths of their bars in the units of the drawing."""

    row: Row
    y: int
    issued: int
    leveraged: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, or the points of two lines, one for each row of `line`; `left_out`: groups that are
    too small to be drawn.
    """

    bars: tuple[Bar, ...] = ()
    line: Sequence[Row] = ()
    issued: str = ""
    leveraged: str = ""
    top: Money = ZERO
    left_out: int = 0

    @property
    def height(self) -> int:
        """Of the drawing."""
        return TOP + STEP * len(self.bars)


def chart(report: LeverageReport) -> Chart | None:
    """The chart of these groups; None where there is nothing to draw."""
    sums = [sum_ for row in report.rows for sum_ in (row.figures.issued, row.figures.leveraged)]
    top = max(sums, default=ZERO)
    if top <= ZERO:
        return None
    line = layout.in_time(report)
    if len(line) > 1:
        return Chart(
            line=line,
            issued=_points(line, lambda row: row.figures.issued, top),
            leveraged=_points(line, lambda row: row.figures.leveraged, top),
            top=top,
        )
    largest = sorted(report.rows, key=lambda row: -row.figures.leveraged.fen)[:MOST_BARS]
    bars = tuple(
        Bar(
            row,
            TOP + STEP * place,
            _length(row.figures.issued, top, WIDTH),
            _length(row.figures.leveraged, top, WIDTH),
        )
        for place, row in enumerate(largest)
    )
    return Chart(bars, top=top, left_out=len(report.rows) - len(largest))


def _points(line: Sequence[Row], of: Callable[[Row], Money], top: Money) -> str:
    last = len(line) - 1
    return " ".join(
        f"{DAYS_WIDTH * place // last},{DAYS_HEIGHT - _length(of(row), top, DAYS_HEIGHT)}"
        for place, row in enumerate(line)
    )


def _length(part: Money, whole: Money, most: int) -> int:
    return max(0, most * part.fen // whole.fen)
