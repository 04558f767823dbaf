"""What offers can issue at most, by day and month: what caps are judged by. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import CampaignId
from voucher_service.kernel.money import ZERO, Money

from .model import Offer, Release, max_liability

_MOMENT = timedelta(microseconds=1)


def issued_at_most(campaign: CampaignId, offers: Sequence[Offer]) -> dict[str, Money]:
    """The greatest value that can be claimed in each period: `campaign:ID`, `day:2026-11-22`,
    `month:2026-11`.

    A release counts in full for each day and each month in which its slots can be claimed: any of
    them may be the one. Where lapses flow back, that includes the later windows of its offer.
    """
    found = {f"campaign:{campaign}": Money.total(max_liability(one) * one.quota for one in offers)}
    for offer in offers:
        running = {day for one in offer.releases for day in _days(one.opens_at, one.closes_at)}
        for release in offer.releases:
            worth = max_liability(offer) * release.quota
            for period in _periods(_claimable(offer, release, running)):
                found[period] = found.get(period, ZERO) + worth
    return found


def later_than(planned: Mapping[str, Money], day: date) -> dict[str, Money]:
    """What is planned for periods that begin after a day."""
    return {one: amount for one, amount in planned.items() if _compared(one, day) > 0}


def not_over(planned: Mapping[str, Money], day: date, *, nothing_later: bool) -> dict[str, Money]:
    """What is planned for periods that were not over before a day; or only for those it is in."""
    return {
        one: amount
        for one, amount in planned.items()
        if (order := _compared(one, day)) == 0 or (order > 0 and not nothing_later)
    }


def _compared(period: str, day: date) -> int:
    """-1 for a period that was over before the day, 1 for one that begins after it, else 0."""
    span, _, name = period.partition(":")
    here = {"day": day.isoformat(), "month": f"{day:%Y-%m}"}.get(span, name)
    return (name > here) - (name < here)


def _claimable(offer: Offer, release: Release, running: set[date]) -> set[date]:
    days = set(_days(release.opens_at, release.closes_at))
    if offer.lapse_returns:
        over = day_of(release.closes_at)
        days |= {day for day in running if day >= over}
    return days


def _periods(days: set[date]) -> set[str]:
    return {f"day:{day.isoformat()}" for day in days} | {f"month:{day:%Y-%m}" for day in days}


def _days(opens_at: datetime, closes_at: datetime) -> Iterable[date]:
    first, last = day_of(opens_at), day_of(closes_at - _MOMENT)
    return (first + timedelta(days=n) for n in range((last - first).days + 1))
