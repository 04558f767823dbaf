"""A plan as its reviewers read it: what is issued, who pays how much at most, what was checked.

Made from the frozen payload, so that what is shown is what will be executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voucher_service.budgets.model import BudgetLine, Funder
from voucher_service.campaigns.model import (
    Campaign,
    Offer,
    PartialRefund,
    RefundRule,
    Window,
)
from voucher_service.campaigns.plans import frozen, windows
from voucher_service.i18n import mark
from voucher_service.kernel.money import ZERO, Money

COLOURS = ("3", "2", "5", "1", "6")


@dataclass(frozen=True, slots=True)
class Slice:
    """One opening of an offer."""

    opens_at: datetime
    closes_at: datetime
    quota: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """An offer as it was frozen."""

    id: str
    title: str
    kind: str
    face_value: Money
    threshold: Money
    rate_bps: int | None
    pieces: int
    quota: int
    limit: int
    valid_days: int
    areas: tuple[str, ...]
    trades: tuple[str, ...]
    shops: tuple[str, ...]
    hours: tuple[Window, ...]
    weekdays: tuple[int, ...]
    excluded_items: tuple[str, ...]
    stack_limit: int
    refund_rule: str
    partial_refund: str
    paper: bool
    slices: tuple[Slice, ...]
    waiting_room: bool
    proof_of_work: bool

    @property
    def cost(self) -> Money:
        """The most that all vouchers of the offer can cost."""
        return self.face_value * self.pieces * self.quota

    @property
    def unreleased(self) -> int:
        """How many vouchers no release ever opens."""
        return self.quota - sum(one.quota for one in self.slices)


@dataclass(frozen=True, slots=True)
class Share:
    """What a funder gives, and what the offers can take of it at most."""

    funder: str
    amount: Money
    bps: int
    needed: Money
    colour: str
    shop_area: str = ""

    @property
    def left(self) -> Money:
        """What stays when everything is spent; negative when it does not suffice."""
        return self.amount - self.needed


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign with its offers and its money."""

    tickets: tuple[Ticket, ...]
    shares: tuple[Share, ...]

    @property
    def cost(self) -> Money:
        """The most that the campaign can cost."""
        return Money.total(one.cost for one in self.tickets)

    @property
    def budget(self) -> Money:
        """What all funders give together."""
        return Money.total(one.amount for one in self.shares)

    @property
    def bps(self) -> int:
        """What the shares come to; 10,000 is the whole."""
        return sum(one.bps for one in self.shares if not one.shop_area)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. kind: yes, no or warn; `text` is filled with `facts`."""

    kind: str
    text: str
    facts: Mapping[str, Any]


def plan_of(payload: Mapping[str, Any], funders: Sequence[Funder]) -> Plan:
    """The plan in a frozen payload; funders by code."""
    names = {one.code: one.name for one in funders}
    tickets = tuple(_ticket(one) for one in payload["offers"])
    lines = payload["lines"]
    # A line of a shop area takes over a part of the fallback line's, which must suffice by itself.
    weights = [0 if one.get("shop_area") else one["share_bps"] for one in lines]
    needed = _needed([one.cost for one in tickets], weights)
    return Plan(
        tickets,
        tuple(
            Share(
                names.get(one["funder"], one["funder"]),
                Money(one["amount_fen"]),
                one["share_bps"],
                needed[i],
                COLOURS[i % len(COLOURS)],
                one.get("shop_area", ""),
            )
            for i, one in enumerate(lines)
        ),
    )


def draft_of(campaign: Campaign, offers: Sequence[Offer], lines: Sequence[BudgetLine]) -> Plan:
    """The plan of a campaign as it stands."""
    money = [
        {
            "funder": one.funder.code,
            "amount_fen": one.amount.fen,
            "share_bps": one.share_bps,
            "shop_area": one.shop_area,
        }
        for one in lines
    ]
    return plan_of(frozen(campaign, offers, money), [one.funder for one in lines])


def checks(plan: Plan, now: datetime, others: Sequence[Offer] = ()) -> list[Check]:
    """What an approver would ask of the plan; `others` are offers that run beside it."""
    found = _parts(plan) + _money(plan)
    if late := sum(one.opens_at <= now for ticket in plan.tickets for one in ticket.slices):
        found.append(Check("warn", mark("有 {n} 场的开场时间已经过去，一批准就开抢"), {"n": late}))
    if missing := sum(one.unreleased for one in plan.tickets):
        found.append(Check("warn", mark("有 {n} 张没有排进任何一场，没有人领得到"), {"n": missing}))
    openings = {
        one.opens_at for ticket in plan.tickets for one in ticket.slices if one.opens_at > now
    }
    mine = {ticket.id for ticket in plan.tickets}
    for other in others:
        clash = openings & {one.opens_at for one in other.releases}
        if clash and str(other.id) not in mine:
            facts = {"at": min(clash), "title": other.title}
            found.append(Check("warn", mark("{at} 与“{title}”同时开抢，人会挤在一起"), facts))
    return found


def ready(found: Sequence[Check]) -> bool:
    """Whether nothing stands in the way of submitting."""
    return all(one.kind != "no" for one in found)


def _parts(plan: Plan) -> list[Check]:
    found = []
    if not plan.tickets:
        found.append(Check("no", mark("还没有券：至少加一种"), {}))
    if not plan.shares:
        found.append(Check("no", mark("还没有出资方：至少加一方"), {}))
    return found


def _money(plan: Plan) -> list[Check]:
    if not plan.shares:
        return []
    if plan.bps != 10_000:
        text = mark("出资比例合起来是 {share}%，要正好 100%")
        return [Check("no", text, {"share": _percent(plan.bps)})]
    short = [
        Check(
            "no",
            mark("{funder}不够：最多要 {needed}，只有 {amount}"),
            {"funder": one.funder, "needed": one.needed, "amount": one.amount},
        )
        for one in plan.shares
        if one.left < ZERO
    ]
    whole = Check("yes", mark("出资比例合起来正好 100%"), {})
    enough = Check("yes", mark("钱都够：全部用完要 {cost}，预算 {budget}"), _sums(plan))
    return [whole, *(short or [enough])]


def _sums(plan: Plan) -> dict[str, Money]:
    return {"cost": plan.cost, "budget": plan.budget}


def _needed(costs: Sequence[Money], weights: Sequence[int]) -> list[Money]:
    missing = max(0, 10_000 - sum(weights))  # what nobody bears yet
    parts = [cost.split([*weights, missing]) for cost in costs]
    return [Money.total(part[i] for part in parts) for i in range(len(weights))]


def _percent(bps: int) -> str:
    whole, part = divmod(bps, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".")


def _ticket(one: Mapping[str, Any]) -> Ticket:
    # A plan that was frozen before a term existed does not have it.
    return Ticket(
        id=one["id"],
        title=one["title"],
        kind=one["kind"],
        face_value=Money(one["face_value_fen"]),
        threshold=Money(one["threshold_fen"]),
        quota=one["quota"],
        limit=one["per_resident_limit"],
        valid_days=one["valid_days"],
        areas=tuple(one["areas"]),
        trades=tuple(one["trades"]),
        rate_bps=one.get("rate_bps"),
        pieces=one.get("pieces", 1),
        shops=tuple(one.get("shops", ())),
        hours=tuple(windows(one.get("hours", ()))),
        weekdays=tuple(one.get("weekdays", ())),
        excluded_items=tuple(one.get("excluded_items", ())),
        stack_limit=one.get("stack_limit", 1),
        refund_rule=one.get("refund_rule", RefundRule.IN_VALIDITY),
        partial_refund=one.get("partial_refund", PartialRefund.PROPORTIONAL),
        paper=one.get("paper", False),
        slices=tuple(
            Slice(
                datetime.fromisoformat(each["opens_at"]),
                datetime.fromisoformat(each["closes_at"]),
                each["quota"],
            )
            for each in one["releases"]
        ),
        waiting_room=one.get("waiting_room", False),
        proof_of_work=one.get("proof_of_work", False),
    )
