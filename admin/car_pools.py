"""Pools of places for applications as planners and approvers read them, and the form for one.

Made from the frozen payload, so that what is shown is what will be executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from admin.forms import NumberField
from admin.pools import EVERY
from admin.review import Plan, Ticket
from admin.schemas import one_of
from voucher_service.campaigns.plans import MAX_QUOTA
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import Money
from voucher_service.tradein import shelf
from voucher_service.tradein.applications import service
from voucher_service.tradein.applications.pools import ApplicationPoolPlan
from voucher_service.tradein.qualifications import Every
from voucher_service.web.fields import CodeField, NameField
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core


class CarPoolForm(Schema):
    """A pool to plan."""

    title = NameField(required=True, maximum=60)
    policy = CodeField(required=True, maximum=64)
    every = fields.String(required=True, validate=one_of(*map(str, Every)))
    release_quota = NumberField(
        required=True,
        validate=validate.Range(1, MAX_QUOTA, error=mark("每一期至少 1 份。")),
    )


@dataclass(frozen=True, slots=True)
class CarPoolView:
    """A pool as it was frozen: its offer, and the terms beside it."""

    ticket: Ticket
    policy: str
    most: Money


def views(plan: Plan, terms: Sequence[Mapping[str, Any]]) -> list[CarPoolView]:
    """The pools of a plan, from the terms that are frozen with it."""
    tickets = {one.id: one for one in plan.tickets}
    return [
        CarPoolView(
            tickets[one["offer"]],
            (policy := shelf.policy(one["policy"])).name.spelt(locale()),
            policy.most(),
        )
        for one in terms
        if one["offer"] in tickets
    ]


def views_of(plan: Plan) -> list[CarPoolView]:
    """The pools of a plan as it stands."""
    offers = [OfferId(UUID(one.id)) for one in plan.tickets]
    return views(plan, service.pool_terms(core(), offers=offers) if offers else [])


def beside(plan: Plan, pools: Sequence[CarPoolView]) -> Plan:
    """What of a plan is no pool of places."""
    ids = {one.ticket.id for one in pools}
    return replace(plan, tickets=tuple(one for one in plan.tickets if one.id not in ids))


def planned(values: Mapping[str, Any]) -> ApplicationPoolPlan:
    """What a form says."""
    return ApplicationPoolPlan(
        title=values["title"],
        policy=values["policy"],
        every=Every(values["every"]),
        release_quota=values["release_quota"],
    )


def choices() -> list[tuple[str, str]]:
    """How often places can be released, named in the reader's language."""
    return [(str(one), gettext(name, locale())) for one, name in EVERY.items()]
