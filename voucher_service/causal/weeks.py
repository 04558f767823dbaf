"""Which weeks count as before, while and after vouchers of an offer are valid. Pure.

Weeks begin on Monday, Shanghai time. The week of the opening already counts as within.
"""

from __future__ import annotations

from datetime import date, timedelta

from voucher_service.campaigns.model import Offer
from voucher_service.kernel.clock import day_of

FEWEST_BEFORE = 4
FEWEST_AFTER = 4  # fewer say nothing of what was bought earlier instead of later


def valid(offer: Offer) -> tuple[date, date]:
    """The Monday of the opening, and the Monday after the last day of the last voucher."""
    opens, closes = offer.window()
    return monday(day_of(opens)), monday(day_of(offer.valid_until(closes))) + timedelta(weeks=1)


def asked(offer: Offer) -> tuple[date, date]:
    """The first and the last day of a file that is long enough for both windows."""
    opens, ends = valid(offer)
    return opens - timedelta(weeks=FEWEST_BEFORE), ends + timedelta(weeks=FEWEST_AFTER, days=-1)


def monday(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.isoweekday() - 1)
