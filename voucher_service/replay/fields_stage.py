"""What a field of trade-in is played on: its campaign with a pool of qualifications or of places
for applications, and the goods that are sold.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections import Counter
from collections.abc import Sequence
from datetime import date

from voucher_service.goods import service as goods
from voucher_service.goods.model import LibraryUnchanged
from voucher_service.goods.service.changing import CHANGE
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.money import Money
from voucher_service.tradein.applications.pools import ApplicationPoolPlan
from voucher_service.tradein.qualifications import Every, PoolPlan

from . import units
from .fields import Field
from .plan import Plan
from .publish import WantedCampaign, WantedLine, sign
from .subsidies import FieldTargets


def wanted(plan: Plan, targets: FieldTargets) -> WantedCampaign:
    """The campaign of a field: one for the city, with money for the most of every place."""
    field = targets.field
    pool = _pool(field, _busiest_month(plan, targets))
    places = pool.release_quota * _months(field.opens_on, field.closes_on)
    shares = [share_bps for _, share_bps in field.shares]
    amounts = (field.policy.most() * places).split(shares)
    return WantedCampaign(
        programme=plan.programme.slug,
        name=field.name.zh,
        area=areas.city(plan.programme.assumed.areas[0].code),
        opens_on=field.opens_on,
        closes_on=field.closes_on,
        offers=(),
        lines=tuple(
            WantedLine(slug, amount, share_bps)
            for (slug, share_bps), amount in zip(field.shares, amounts, strict=True)
            if amount > Money(0)
        ),
        pool=pool,
    )


def _pool(field: Field, quota: int) -> PoolPlan | ApplicationPoolPlan:
    """Qualifications or places by the month, as many as the busiest one needs."""
    if not field.at_the_till:
        return ApplicationPoolPlan(field.name.zh, field.policy.id, Every.MONTH, quota)
    return PoolPlan(
        title=field.name.zh,
        policy=field.policy.id,
        categories=tuple(dict.fromkeys(one.category for one in field.goods)),
        every=Every.MONTH,
        release_quota=quota,
        valid_days=field.valid_days,
    )


def _busiest_month(plan: Plan, targets: FieldTargets) -> int:
    return max(Counter(f"{case.begins:%Y-%m}" for case in plan.cases(targets)).values())


def _months(first: date, last: date) -> int:
    """Calendar months that two days and the days between them lie in."""
    return (last.year - first.year) * 12 + last.month - first.month + 1


def stock(core: Core, plan: Plan, *, planner: Actor, approvers: Sequence[Actor]) -> None:
    """Put what the fields sell at tills into the library of goods; nothing when it is there."""
    sold = [one.field for one in plan.targets.fields if one.units and one.field.at_the_till]
    if not sold:
        return
    # It stands there already in a resumed run.
    with contextlib.suppress(LibraryUnchanged):
        table = _table(sold).encode()
        name = f"{plan.programme.slug}.csv"
        made = goods.propose(core, actor=planner, file_name=name, content=table)
        sign(core, about=made.id, action=CHANGE, actor=planner, approvers=approvers)


def _table(fields: Sequence[Field]) -> str:
    """Every one of the goods as a line of the library's table."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(("gtin", "brand", "model", "category", "grade"))
    for field in fields:
        for place, one in enumerate(field.goods):
            told = (one.brand, one.model, str(one.category), one.grade or "")
            table.writerow((units.gtin(field, place), *told))
    return out.getvalue()
