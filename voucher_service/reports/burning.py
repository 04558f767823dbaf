"""How long money lasts: the day on which it is used up, as far as the last days tell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from voucher_service.kernel.money import ZERO, Money

FEWEST_DAYS, MOST_DAYS = 5, 28
"""So many days are looked at, the last ones; of fewer nothing is foretold."""
_FAR_DAYS = 730
_EIGHT_OF_TEN = Decimal("1.2816")  # deviations to each side: eight tenths of a normal one


@dataclass(frozen=True, slots=True)
class Forecast:
    """The likely day, and the days between which it lies in eight of ten such cases.

    `a_day` is what the last days used on average. A day is None when it is more than two years off.
    """

    a_day: Money
    earliest: date | None
    likely: date | None
    latest: date | None


def used_up(daily: Sequence[Money], *, left: Money, today: date) -> Forecast | None:
    """When money that is left today is used up, if days go on like the last ones; None of too few.

    `daily` is what each day used, the oldest first, without today. Days are taken as independent
    of each other: a plan that changes, a holiday and the end of a campaign are not in it.
    """
    seen = [Decimal(one.fen) for one in daily[-MOST_DAYS:]]
    if len(seen) < FEWEST_DAYS:
        return None
    many = len(seen)
    mean = sum(seen, Decimal()) / many
    variance = sum(((one - mean) ** 2 for one in seen), Decimal()) / (many - 1)

    def reached(deviations: Decimal) -> date | None:
        """The first day by whose end so much is used; the mean itself is known from few days."""
        for day in range(_FAR_DAYS):
            days = Decimal(day + 1)
            spread = (variance * days * (1 + days / many)).sqrt()
            if days * mean + deviations * spread >= left.fen:
                return today + timedelta(days=day)
        return None

    average = Money(int(mean.to_integral_value()))
    if left <= ZERO:
        return Forecast(average, today, today, today)
    return Forecast(average, reached(_EIGHT_OF_TEN), reached(Decimal()), reached(-_EIGHT_OF_TEN))
