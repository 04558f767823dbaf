"""Estimates with their intervals on one scale beside the ratios, as lengths of a drawing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from voucher_service.causal import words
from voucher_service.causal.service import headline
from voucher_service.reports import causal
from voucher_service.reports.leverage import LeverageReport
from voucher_service.web.language import locale

LEFT, WIDTH, TOP, STEP = 330, 460, 34, 46


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of the drawing: a ratio up to `x`, or an estimate at `x` between `low` and `high`.

    The first word is the line's name, the second what stands below it; `figure` is to be read.
    """

    name: str
    about: str
    y: int
    x: int
    figure: str
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks on a scale in yuan per redeemed yuan: ticks are pairs of a value and a place."""

    marks: tuple[Mark, ...]
    ticks: tuple[tuple[int, int], ...]
    zero: int
    height: int


def drawing(report: LeverageReport) -> Drawing | None:
    """Gross, floor and net on redeemed money, and below them every estimate; None without one."""
    lines = causal.side_by_side(report.totals.ratios, report.causal, locale())
    ends = [end for one in lines if one.effect for end in (one.effect.low, one.effect.high)]
    if not ends:
        return None
    first = floor(min(0.0, *ends))
    last = max(1, ceil(max(*ends, *(one.figure or 0.0 for one in lines))))

    def place(value: float) -> int:
        return LEFT + round(WIDTH * (value - first) / (last - first))

    marks = [_mark(one, TOP + STEP * i, place) for i, one in enumerate(lines)]
    step = max(1, (last - first) // 8)
    ticks = tuple((n, place(n)) for n in range(first, last + 1, step))
    return Drawing(tuple(marks), ticks, place(0), TOP + STEP * len(marks))


def globals_() -> dict[str, Any]:
    """What the pages call estimates, and what they say of them."""
    return {
        "estimate_sentence": lambda one: words.sentence(one, locale()),
        "design_name": words.DESIGNS.__getitem__,
        "design_assumption": words.ASSUMPTIONS.__getitem__,
        "window_name": words.WINDOWS.__getitem__,
        "headline": headline,
        "estimate_briefly": lambda one: words.briefly(one, locale()),
        "check_in_words": lambda one: words.check(one, locale()),
        "why_no_estimate": lambda found: causal.why_none(found, locale()),
        "causal_sentence": lambda found: causal.sentence(found, locale()),
        "outcomes_wanted": words.ASK_FOR,
    }


def _mark(one: causal.Line, y: int, place: Callable[[float], int]) -> Mark:
    name, about, figure, interval = one.written()
    x = place(one.figure or 0.0)
    if one.effect is None:
        return Mark(name, about, y, x, figure)
    low, high = place(one.effect.low), place(one.effect.high)
    return Mark(name, about, y, x, f"{figure} {interval}", low, high)
