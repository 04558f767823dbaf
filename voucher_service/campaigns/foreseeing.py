"""What a plan can cost, what it will probably cost, and how it differs from the last one.

Pure: a plan, the campaign before it and what became of that one go in; plain JSON comes out, which
is kept with the proposal as what its signers were shown. Money is fen, rates are basis points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from voucher_service.budgets.model import BudgetLine
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.money import Bps, Money, Rounding

from .issuing import issued_at_most
from .model import (
    Campaign,
    Offer,
    RefundRule,
    Release,
    discount_bps,
    least_order,
    max_liability,
)
from .plans import spelt

WHOLE = 10_000
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Past:
    """What became of a campaign's vouchers.

    `opened` counts those whose release had opened, `claimed` those taken, `ended` those redeemed or
    lapsed; `claim_days` are the days on which somebody claimed; `thresholds` and `orders` are of
    the redeemed ones; `half_redeemed_days`: half of them were redeemed within that many days.
    """

    opened: int
    claimed: int
    ended: int
    redeemed: int
    claim_days: int
    issued: Money
    thresholds: Money
    orders: Money
    half_redeemed_days: int | None


@dataclass(frozen=True, slots=True)
class Before:
    """The campaign before this one."""

    campaign: Campaign
    offers: Sequence[Offer]
    past: Past | None


def foresee(
    campaign: Campaign,
    offers: Sequence[Offer],
    lines: Sequence[BudgetLine],
    before: Before | None,
    *,
    alert_bps: int,
) -> dict[str, Any]:
    """The whole simulation of a plan, as plain JSON. A discount above `alert_bps` is steep."""
    worst = Money.total(max_liability(one) * one.quota for one in offers)
    at_most = issued_at_most(campaign.id, offers)
    return {
        "worst_case_fen": worst.fen,
        "funders": _funders(worst, lines),
        "days": list(_days(at_most)),
        "months": [
            {"month": month, "worst_fen": most.fen} for month, most in _spans(at_most, "month")
        ],
        "per_resident": {
            "vouchers": sum(one.per_resident_limit for one in offers),
            "fen": sum(max_liability(one).fen * one.per_resident_limit for one in offers),
        },
        "discounts": [
            {"title": one.title, "bps": (bps := discount_bps(one)), "steep": bps > alert_bps}
            for one in offers
        ],
        "before": before
        and {
            "id": str(before.campaign.id),
            "name": before.campaign.name,
            "opens_on": before.campaign.opens_on.isoformat(),
        },
        "expected": before and before.past and _expected(campaign, offers, worst, before.past),
        "differences": list(_differences(before.offers, offers)) if before else [],
    }


def _funders(worst: Money, lines: Sequence[BudgetLine]) -> list[dict[str, Any]]:
    """The most each line can bear; one for the shops of an area bears its share of all at most."""
    weights = [0 if one.shop_area else one.share_bps for one in lines]
    missing = max(0, WHOLE - sum(weights))  # what nobody bears yet
    parts = worst.split([*weights, missing])
    return [
        {
            "funder": one.funder.name,
            "amount_fen": one.amount.fen,
            "worst_fen": min(
                one.amount, worst.share(Bps(one.share_bps), Rounding.UP) if one.shop_area else part
            ).fen,
        }
        for one, part in zip(lines, parts, strict=False)
    ]


def _days(at_most: Mapping[str, Money]) -> Iterator[dict[str, Any]]:
    """The most that can be issued on each day, equal days in a row as one."""
    found = {date.fromisoformat(day): worst.fen for day, worst in _spans(at_most, "day")}
    row: list[date] = []
    for day in sorted(found):
        if row and (day - row[-1] != _DAY or found[day] != found[row[-1]]):
            yield _row(row, found)
            row = []
        row.append(day)
    if row:
        yield _row(row, found)


def _row(days: Sequence[date], found: Mapping[date, int]) -> dict[str, Any]:
    return {
        "from": days[0].isoformat(),
        "to": days[-1].isoformat(),
        "worst_fen": found[days[0]],
    }


def _spans(at_most: Mapping[str, Money], span: str) -> Iterator[tuple[str, Money]]:
    """Those periods that are days, or months."""
    for period, worst in sorted(at_most.items()):
        kind, _, name = period.partition(":")
        if kind == span:
            yield name, worst


def _expected(
    campaign: Campaign, offers: Sequence[Offer], worst: Money, past: Past
) -> dict[str, Any] | None:
    """What it comes to if people do as the last time; None before anybody claimed then."""
    if not past.claimed or not past.opened:
        return None
    claimed = min(past.claimed, past.opened)
    issued = Money(worst.fen * claimed // past.opened)
    redeemed = Money(issued.fen * past.redeemed // past.ended) if past.ended else None
    daily = Money(past.issued.fen // max(1, past.claim_days))
    exhausted = _exhausted(campaign, offers, daily)
    return {
        "claimed_bps": claimed * WHOLE // past.opened,
        "redeemed_bps": past.redeemed * WHOLE // past.ended if past.ended else None,
        "half_redeemed_days": past.half_redeemed_days,
        "issued_fen": issued.fen,
        "redeemed_fen": None if redeemed is None else redeemed.fen,
        "lapsed_fen": None if redeemed is None else (issued - redeemed).fen,
        "given_away_bps": _given_away(offers, past),
        "daily_fen": daily.fen,
        "exhausted_on": exhausted and exhausted.isoformat(),
    }


def _given_away(offers: Sequence[Offer], past: Past) -> int | None:
    """The share of orders that vouchers pay, if orders exceed their thresholds as the last time."""
    thresholds = sum(
        least_order(one, one.face_value).fen * one.pieces * one.quota for one in offers
    )
    faces = sum(max_liability(one).fen * one.quota for one in offers)
    orders = thresholds * past.orders.fen
    return faces * past.thresholds.fen * WHOLE // orders if orders else None


def _exhausted(campaign: Campaign, offers: Sequence[Offer], daily: Money) -> date | None:
    """The day on which everything is issued at that much a day, released or not; None if never."""
    released: Counter[date] = Counter()
    for offer in offers:
        for one in offer.releases:
            released[_first(one)] += max_liability(offer).fen * one.quota
    whole, open_, issued = sum(released.values()), 0, 0
    for i in range(_length(campaign)):
        day = campaign.opens_on + i * _DAY
        open_ += released[day]
        issued = min(open_, issued + daily.fen)
        if issued == whole:
            return day
    return None


def _wider(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether a scope takes in what the old one did not; an empty one takes in everything."""
    return bool(old) and (not new or not set(new) <= set(old))


def _longer(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether hours take in what the old ones did not; none at all are the whole day."""
    return bool(old) and (not new or _minutes(new) > _minutes(old))


def _minutes(hours: Sequence[str]) -> int:
    """How many minutes of a day these windows have: 10:00–14:00, and 22:00–02:00 into the next."""
    found = 0
    for one in hours:
        opens, closes = (int(text[:2]) * 60 + int(text[3:]) for text in one.split("–"))
        found += (closes - opens) % (24 * 60)
    return found


def _fewer(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether something is no longer left out."""
    return not set(old) <= set(new)


def _looser(order: Sequence[str]) -> Callable[[str, str], bool]:
    """Whether a rule gives more than the old one did, in that order from strict to loose."""
    return lambda old, new: order.index(new) > order.index(old)


Value = Callable[[Offer], Any]
_COMPARED: tuple[tuple[str, Value, Callable[[Any, Any], bool]], ...] = (
    ("face_value_fen", lambda one: one.face_value.fen, lambda old, new: new > 2 * old),
    ("threshold_fen", lambda one: one.threshold.fen, lambda old, new: new < old),
    ("discount_bps", discount_bps, lambda old, new: new > old),
    ("quota", lambda one: one.quota, lambda old, new: new > 2 * old),
    ("per_resident_limit", lambda one: one.per_resident_limit, lambda old, new: new > old),
    ("valid_days", lambda one: one.valid_days, lambda old, new: new > old),
    ("areas", lambda one: sorted(one.areas), _wider),
    ("trades", lambda one: sorted(one.trades), _wider),
    ("kind", lambda one: str(one.kind), lambda _old, _new: False),
    ("rate_bps", lambda one: one.rate_bps or 0, lambda old, new: new > old),
    ("pieces", lambda one: one.pieces, lambda old, new: new > old),
    ("shops", lambda one: sorted(str(shop) for shop in one.shops), _wider),
    ("hours", lambda one: ["–".join(pair) for pair in spelt(one.hours)], _longer),
    ("weekdays", lambda one: sorted(one.weekdays), _wider),
    ("excluded_items", lambda one: sorted(str(goods) for goods in one.excluded_items), _fewer),
    ("stack_limit", lambda one: one.stack_limit, lambda old, new: new > old),
    (
        "refund_rule",
        lambda one: str(one.refund_rule),
        _looser(
            (RefundRule.NEVER, RefundRule.IN_VALIDITY, RefundRule.NEXT_DAY, RefundRule.RESTORED)
        ),
    ),
    ("partial_refund", lambda one: str(one.partial_refund), lambda _old, _new: False),
    ("paper", lambda one: one.paper, lambda _old, new: new),
)


def _differences(before: Sequence[Offer], after: Sequence[Offer]) -> Iterator[dict[str, Any]]:
    """Each term that differs from the last campaign's, and whether it gives away more.

    An offer is compared with the one of its title, else of its kind nearest in face value.
    """
    for one in after:
        same = [old for old in before if old.title == one.title]
        alike = [old for old in before if old.kind is one.kind]
        old = min(
            same or alike,
            key=lambda old: (abs(old.face_value.fen - one.face_value.fen), str(old.id)),
            default=None,
        )
        if old is None:
            continue
        for field, value, more in _COMPARED:
            was, becomes = value(old), value(one)
            if was != becomes:
                yield {
                    "offer": one.title,
                    "field": field,
                    "before": was,
                    "after": becomes,
                    "flagged": more(was, becomes),
                }


def _first(release: Release) -> date:
    return day_of(release.opens_at)


def _length(campaign: Campaign) -> int:
    return (campaign.closes_on - campaign.opens_on).days + 1
