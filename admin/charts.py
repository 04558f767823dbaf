"""The chart of a report's groups: two sums of each, as bars or, in time, as lines."""

from __future__ import annotations

from dataclasses import dataclass

from voucher_service.kernel.money import ZERO, Money
from voucher_service.reports import layout
from voucher_service.reports.layout import Amount, Drawing
from voucher_service.reports.leverage import LeverageReport, Row

LEFT, WIDTH, TOP, STEP, MOST_BARS = 210, 420, 8, 62, 12
DAYS_WIDTH, DAYS_HEIGHT = 720, 220


@dataclass(frozen=True, slots=True)
class Bar:
    """One group: its two sums, and the lengths of their bars in the units of the drawing."""

    row: Row
    y: int
    sums: tuple[Money, ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, or the points of two lines over time; `left_out`: groups that are too small to draw."""

    drawing: Drawing
    bars: tuple[Bar, ...] = ()
    lines: tuple[str, ...] = ()
    left_out: int = 0

    @property
    def height(self) -> int:
        """Of the drawing."""
        return TOP + STEP * len(self.bars)


def chart(report: LeverageReport) -> Chart | None:
    """The chart of these groups; None where there is nothing to draw."""
    drawing = layout.drawing(report)
    if drawing.top <= ZERO:
        return None
    if len(layout.in_time(report)) > 1:
        return Chart(drawing, lines=tuple(_points(drawing, one) for one in drawing.amounts))
    largest = drawing.rows[:MOST_BARS]
    bars = []
    for place, row in enumerate(largest):
        sums = tuple(one.of(row) for one in drawing.amounts)
        lengths = tuple(_length(one, drawing.top, WIDTH) for one in sums)
        bars.append(Bar(row, TOP + STEP * place, sums, lengths))
    return Chart(drawing, tuple(bars), left_out=len(drawing.rows) - len(largest))


def _points(drawing: Drawing, of: Amount) -> str:
    last = len(drawing.rows) - 1
    heights = (_length(of.of(row), drawing.top, DAYS_HEIGHT) for row in drawing.rows)
    return " ".join(
        f"{DAYS_WIDTH * place // last},{DAYS_HEIGHT - height}"
        for place, height in enumerate(heights)
    )


def _length(part: Money, whole: Money, most: int) -> int:
    return max(0, most * part.fen // whole.fen)
