"""What an extra yuan costs: one over the effect, and a dash with its reason where there is none."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from voucher_service.causal.model import Interval, Verdict
from voucher_service.reports.extra import MAY_BE_NONE, NO_DATA, cost


def estimate(point: float, low: float, high: float) -> Any:
    """The two fields that are read."""
    return SimpleNamespace(verdict=Verdict.ESTIMATED, effect=Interval(point, low, high))


def test_the_ends_change_places() -> None:
    found = cost([estimate(2.0, 1.6, 2.5)])
    assert (found.point, found.low, found.high) == (
        Decimal("0.5"),
        Decimal("0.4"),
        Decimal("0.625"),
    )
    assert found.in_words("en") == "0.50 yuan (95% interval 0.40 to 0.63)"


@pytest.mark.parametrize(
    ("estimates", "reason"), [([], NO_DATA), ([estimate(0.4, -0.1, 0.9)], MAY_BE_NONE)]
)
def test_without_an_effect_there_is_no_cost(estimates: list[Any], reason: str) -> None:
    found = cost(estimates)
    assert (found.point, found.reason) == (None, reason)
    assert found.in_words("zh-CN").startswith("–（")
