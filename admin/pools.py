"""Pools of qualifications as planners and approvers read them, and the form that plans one.

Made from the frozen payload, so that what is shown is what will be executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from admin.forms import NumberField
from admin.review import Plan, Ticket
from admin.schemas import one_of
from voucher_service.campaigns.plans import MAX_QUOTA
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import Money
from voucher_service.tradein import service, shelf, words
from voucher_service.tradein.policy import CATEGORIES, Category
from voucher_service.tradein.qualifications import AT_THE_TILL, Every, Outcome, PoolPlan
from voucher_service.web.fields import CodeField, Messages, NameField
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

EVERY: Mapping[Every, str] = {
    Every.DAY: mark("每天"),
    Every.WEEK: mark("每周"),
    Every.MONTH: mark("每月"),
}
LISTS = frozenset({"categories"})
_HOUR = Messages(required=mark("这一项必填。"), invalid=mark("时间请写成 10:00。"))
# What is bought with a qualification, in the order of the notices.
CHOICES: Sequence[Category] = [
    one for one in Category if any(one in CATEGORIES[scheme] for scheme in AT_THE_TILL)
]


class PoolForm(Schema):
    """A pool to plan. Over-booking is typed in percent."""

    title = NameField(required=True, maximum=60)
    policy = CodeField(required=True, maximum=64)
    categories = fields.List(fields.String(validate=one_of(*map(str, CHOICES))), load_default=list)
    every = fields.String(required=True, validate=one_of(*map(str, Every)))
    release_quota = NumberField(
        required=True,
        validate=validate.Range(1, MAX_QUOTA, error=mark("每一期至少 1 份。")),
    )
    opens = fields.Time(format="%H:%M", required=True, error_messages=_HOUR)
    closes = fields.Time(format="%H:%M", required=True, error_messages=_HOUR)
    valid_days = NumberField(required=True)
    reclaims = NumberField(required=True)
    overbook = NumberField(load_default=0)


@dataclass(frozen=True, slots=True)
class PoolView:
    """A pool as it was frozen: its offer, and the terms beside it."""

    ticket: Ticket
    policy: str
    categories: tuple[str, ...]
    most: Money
    overbook_bps: int
    reclaims: int
    ends_on: date
    outcome: Outcome

    @property
    def at_cap(self) -> int:
        """How many the money pays if each costs the most that one can."""
        return self.ticket.cost.fen // self.most.fen

    @property
    def expected(self) -> Money | None:
        """What all would cost if they were used like earlier ones; None without such."""
        return self.outcome.expected(self.ticket.quota)


def views(plan: Plan, terms: Sequence[Mapping[str, Any]]) -> list[PoolView]:
    """The pools of a plan, from the terms that are frozen with it."""
    tickets = {one.id: one for one in plan.tickets}
    return [_view(tickets[one["offer"]], one) for one in terms if one["offer"] in tickets]


def beside(plan: Plan, pools: Sequence[PoolView]) -> Plan:
    """What of a plan is no pool of qualifications."""
    ids = {one.ticket.id for one in pools}
    return replace(plan, tickets=tuple(one for one in plan.tickets if one.id not in ids))


def views_of(plan: Plan) -> list[PoolView]:
    """The pools of a plan as it stands."""
    offers = [OfferId(UUID(one.id)) for one in plan.tickets]
    return views(plan, service.terms(core(), offers=offers) if offers else [])


def planned(values: Mapping[str, Any]) -> PoolPlan:
    """What a form says."""
    return PoolPlan(
        title=values["title"],
        policy=values["policy"],
        categories=tuple(Category(one) for one in values["categories"]),
        every=Every(values["every"]),
        release_quota=values["release_quota"],
        valid_days=values["valid_days"],
        overbook_bps=values["overbook"] * 100,
        reclaims=values["reclaims"],
        opens=values["opens"],
        closes=values["closes"],
    )


def choices() -> dict[str, list[tuple[str, str]]]:
    """What the form offers to choose from, named in the reader's language."""
    return {
        "categories": [(str(one), words.label(one, locale())) for one in CHOICES],
        "every": [(str(one), gettext(name, locale())) for one, name in EVERY.items()],
    }


def _view(ticket: Ticket, terms: Mapping[str, Any]) -> PoolView:
    policy = shelf.policy(terms["policy"])
    categories = [one for one in CHOICES if one in terms["categories"]]
    return PoolView(
        ticket,
        policy.name.spelt(locale()),
        tuple(words.label(one, locale()) for one in categories),
        policy.most(),
        terms["overbook_bps"],
        terms["reclaims"],
        date.fromisoformat(terms["ends_on"]),
        service.outcome(core(), categories=categories),
    )
