"""What may be planned, and what of a plan an approver signs for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Any

from voucher_service.kernel.clock import end_of, start_of
from voucher_service.kernel.money import ZERO, Money

from .model import (
    IN_PARTS,
    WHOLE_BPS,
    Campaign,
    CampaignKind,
    Offer,
    OfferKind,
    OfferPlan,
    PlanInvalid,
    ReleasePlan,
    Window,
    benefit,
    max_liability,
)

# The highest single voucher found in practice (Huizhou's cap); and well above the highest subsidy
# of a car (20,000 yuan).
MAX_FACE = {
    CampaignKind.VOUCHER: Money.of_yuan(2_000),
    CampaignKind.TRADE_IN: Money.of_yuan(50_000),
}
MAX_QUOTA = 10_000_000
MAX_PIECES = 100
MAX_STACK = 10
_MOST_WINDOWS = 6
_MOST_SHOPS = 500
Error = tuple[str, str]


def check_plan(
    plan: OfferPlan, campaign: Campaign, known_trades: frozenset[str], paper_max: Money
) -> OfferPlan:
    """The plan with its releases filled in; what is printed is worth `paper_max` at most.

    Raises PlanInvalid naming every field that is wrong.
    """
    releases = _releases(plan, campaign)
    most = MAX_FACE[campaign.kind]
    found = [*_worth(plan, most), *_limits(plan)]
    found += [*_scope(plan, known_trades), *_rules(plan, paper_max)]
    if wrong := _release_errors(releases, plan.quota, campaign):
        found.append(("releases", wrong))
    if errors := dict(found):
        raise PlanInvalid(extra={"errors": errors}, fields=", ".join(sorted(errors)))
    return replace(plan, releases=releases)


def _worth(plan: OfferPlan, most: Money) -> Iterator[Error]:
    """What is wrong with face, threshold, rate and pieces for the offer's kind."""
    if not ZERO < plan.face_value <= most or max_liability(plan) > most:
        yield "face_value_fen", f"1–{most.fen}, all pieces together"
    if (plan.kind is OfferKind.PERCENT_CAPPED) != (plan.rate_bps is not None):
        yield "rate_bps", "for percent_capped, and only there"
    elif plan.rate_bps is not None and not 1 <= plan.rate_bps < WHOLE_BPS:
        yield "rate_bps", f"1–{WHOLE_BPS - 1}"
    else:
        yield from _threshold(plan)
    if plan.kind is OfferKind.PACK and not 2 <= plan.pieces <= MAX_PIECES:
        yield "pieces", f"2–{MAX_PIECES}"
    if plan.kind is not OfferKind.PACK and plan.pieces != 1:
        yield "pieces", "1 for every kind but pack"


def _threshold(plan: OfferPlan) -> Iterator[Error]:
    if plan.kind is OfferKind.THRESHOLD and plan.threshold <= plan.face_value:
        yield "threshold_fen", "> face_value_fen"
    if plan.kind in (OfferKind.FIXED, OfferKind.PACK) and plan.threshold < plan.face_value:
        yield "threshold_fen", ">= face_value_fen"
    if plan.threshold <= ZERO or not benefit(plan, plan.threshold):
        yield "threshold_fen", "takes at least 1 fen off an order of that much"


def _limits(plan: OfferPlan) -> Iterator[Error]:
    if not 1 <= plan.quota <= MAX_QUOTA:
        yield "quota", f"1–{MAX_QUOTA}"
    if not 1 <= plan.per_resident_limit <= 100:
        yield "per_resident_limit", "1–100"
    if not 1 <= plan.valid_days <= 366:
        yield "valid_days", "1–366"


def _scope(plan: OfferPlan, known_trades: frozenset[str]) -> Iterator[Error]:
    if unknown := set(plan.trades) - known_trades:
        yield "trades", ", ".join(sorted(unknown))
    if len(plan.shops) > _MOST_SHOPS or len(set(plan.shops)) != len(plan.shops):
        yield "shops", f"at most {_MOST_SHOPS}, each once"
    if len(plan.hours) > _MOST_WINDOWS or any(opens == closes for opens, closes in plan.hours):
        yield "hours", f"at most {_MOST_WINDOWS} windows that last"
    if set(plan.weekdays) - set(range(1, 8)) or len(set(plan.weekdays)) != len(plan.weekdays):
        yield "weekdays", "1–7, each once"


def _rules(plan: OfferPlan, paper_max: Money) -> Iterator[Error]:
    if not 1 <= plan.stack_limit <= MAX_STACK:
        yield "stack_limit", f"1–{MAX_STACK}"
    if plan.paper and (plan.kind in IN_PARTS or plan.face_value > paper_max):
        yield "paper", f"spent once, face_value_fen <= {paper_max.fen}"


def _releases(plan: OfferPlan, campaign: Campaign) -> tuple[ReleasePlan, ...]:
    last = end_of(campaign.closes_on)
    given = plan.releases or (ReleasePlan(start_of(campaign.opens_on), plan.quota),)
    return tuple(ReleasePlan(one.opens_at, one.quota, one.closes_at or last) for one in given)


def _release_errors(releases: Sequence[ReleasePlan], quota: int, campaign: Campaign) -> str | None:
    first, last = start_of(campaign.opens_on), end_of(campaign.closes_on)
    if any(one.quota < 1 for one in releases) or sum(one.quota for one in releases) > quota:
        return "quota"
    for one in releases:
        closes = one.closes_at or last
        if not first <= one.opens_at < closes <= last:
            return "opens_at"
    return None


def spelt(windows: Sequence[Window]) -> list[list[str]]:
    """Windows of hours as JSON has them: [["10:00", "14:00"]]."""
    return [[f"{opens:%H:%M}", f"{closes:%H:%M}"] for opens, closes in windows]


def windows(spelt_: Sequence[Sequence[str]]) -> list[Window]:
    """The same read back."""
    return [(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in spelt_]


def frozen(
    campaign: Campaign, offers: Sequence[Offer], lines: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON; its hash says whether it changed since."""
    return {
        "campaign": {
            "id": str(campaign.id),
            "name": campaign.name,
            "programme": campaign.programme.slug,
            "kind": str(campaign.kind),
            "area": campaign.area,
            "opens_on": campaign.opens_on.isoformat(),
            "closes_on": campaign.closes_on.isoformat(),
            "budget": campaign.budget_id and str(campaign.budget_id),
        },
        "lines": list(lines),
        "offers": [_frozen_offer(one) for one in offers],
    }


def _frozen_offer(one: Offer) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "title": one.title,
        "kind": str(one.kind),
        "face_value_fen": one.face_value.fen,
        "threshold_fen": one.threshold.fen,
        "rate_bps": one.rate_bps,
        "pieces": one.pieces,
        "quota": one.quota,
        "per_resident_limit": one.per_resident_limit,
        "valid_days": one.valid_days,
        "areas": list(one.areas),
        "trades": list(one.trades),
        "shops": [str(shop) for shop in one.shops],
        "hours": spelt(one.hours),
        "weekdays": list(one.weekdays),
        "excluded_items": [str(goods) for goods in one.excluded_items],
        "stack_limit": one.stack_limit,
        "refund_rule": str(one.refund_rule),
        "partial_refund": str(one.partial_refund),
        "paper": one.paper,
        "lapse_returns": one.lapse_returns,
        "waiting_room": one.waiting_room,
        "proof_of_work": one.proof_of_work,
        "releases": [
            {
                "opens_at": slice_.opens_at.isoformat(),
                "closes_at": slice_.closes_at.isoformat(),
                "quota": slice_.quota,
            }
            for slice_ in one.releases
        ],
    }
