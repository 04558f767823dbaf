"""Estimates with their intervals on one scale beside the ratios, as lengths of a drawing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor
from typing import Any

from voucher_service.causal import words
from voucher_service.causal.service import Estimate, headline
from voucher_service.i18n import mark
from voucher_service.reports.leverage import LeverageReport
from voucher_service.web.language import locale

LEFT, WIDTH, TOP, STEP = 250, 500, 34, 46


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
    """Gross, net and floor on redeemed money, and below them every estimate; None without one."""
    found = [one for one in report.causal if one.effect]
    if not found:
        return None
    of = report.totals.ratios
    ratios = [
        (mark("拉动比"), mark("订单合计 ÷ 核销"), of.on_redeemed),
        (mark("扣券后"), mark("居民自己付的 ÷ 核销"), of.net_on_redeemed),
        (mark("机械下限"), mark("满减门槛自带"), of.floor_on_redeemed),
    ]
    first, last = _span(found, [float(value or 0) for _, _, value in ratios])
    place = _scale(first, last)
    marks = [
        Mark(name, about, TOP + STEP * i, place(float(value or 0)), _figure(value))
        for i, (name, about, value) in enumerate(ratios)
    ]
    marks += [_estimate(one, TOP + STEP * i, place) for i, one in enumerate(found, len(ratios))]
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
        "amounts_name": words.AMOUNTS.__getitem__,
        "check_name": words.CHECKS.__getitem__,
        "headline": headline,
        "outcomes_wanted": words.ASK_FOR,
    }


def _span(found: Sequence[Estimate], ratios: Sequence[float]) -> tuple[int, int]:
    ends = [end for one in found if one.effect for end in (one.effect.low, one.effect.high)]
    return floor(min(0.0, *ends)), max(1, ceil(max(*ends, *ratios)))


def _scale(first: int, last: int) -> Callable[[float], int]:
    return lambda value: LEFT + round(WIDTH * (value - first) / (last - first))


def _estimate(one: Estimate, y: int, place: Callable[[float], int]) -> Mark:
    assert one.effect is not None
    figure = f"{one.effect.point:.2f} [{one.effect.low:.2f}, {one.effect.high:.2f}]"
    return Mark(
        words.DESIGNS[one.design],
        words.WINDOWS[one.window],
        y,
        place(one.effect.point),
        figure,
        place(one.effect.low),
        place(one.effect.high),
    )


def _figure(value: Decimal | None) -> str:
    return "–" if value is None else f"{value:.2f}"
