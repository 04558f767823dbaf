"""A sandbox for vendors of till systems: a shop of its own, and a programme that is nobody's.

Its vouchers stand in programme `sandbox`, paid for by funder `sandbox`; no other programme's report
holds them. Never in production: there the sandbox is an installation of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Level
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import OfferKind, OfferPlan, ProgrammeExists, ReleasePlan
from voucher_service.identity.model import SignInRefused
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import day_of, start_of
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import SANDBOX_USCC, Shop, SizeClass, Trade
from voucher_service.replay.publish import WantedCampaign, WantedLine, publish

from .model import ELSEWHERE, FACE, SLUG, THRESHOLD

USERNAME = "sandbox"
_CITY, _COUNTY = "441700", "441702"
_QUOTA, _DAYS = 20_000, 365


def load(core: Core, *, planner: Actor, approvers: Sequence[Actor]) -> Actor:
    """Make what is missing; the manager of the sandbox's shop.

    Raises NotAllowed in production.
    """
    if core.settings.production:
        raise NotAllowed
    found = manager(core)
    if found is not None:
        return found
    today = _today(core)
    with contextlib.suppress(ProgrammeExists):
        campaigns.create_programme(
            core,
            actor=planner,
            slug=SLUG,
            name="沙箱 收银系统测试",
            name_en="Sandbox for till systems",
            brand="jinqiu",
            opens_on=today - timedelta(days=1),
            closes_on=today + timedelta(days=_DAYS),
        )
    budgets.create_funder(
        core, actor=SYSTEM, code=SLUG, name="沙箱（不是钱）", level=Level.CITY, area=_CITY
    )
    merchant = merchants.create_merchant(
        core,
        actor=SYSTEM,
        name="沙箱测试商户",
        uscc=SANDBOX_USCC,
        size_class=SizeClass.SMALL,
    )
    here, elsewhere = (_shop(core, merchant.id, name) for name in ("沙箱测试店", "沙箱别家店"))
    begin = start_of(today)
    offers = _offer(SLUG, here.id, begin), _offer(ELSEWHERE, elsewhere.id, begin)
    wanted = WantedCampaign(
        programme=SLUG,
        name="收银系统测试",
        area=_CITY,
        opens_on=today,
        closes_on=today + timedelta(days=_DAYS),
        offers=offers,
        lines=(
            WantedLine(SLUG, Money.total(one.face_value * one.quota for one in offers), 10_000),
        ),
    )
    publish(core, wanted, planner=planner, approvers=approvers)
    return _manager(core, here)


def manager(core: Core) -> Actor | None:
    """The manager of the sandbox's shop; None when there is no sandbox."""
    try:
        found = merchants.cashier_sign_in(core, username=USERNAME, password=f"demo-only-{USERNAME}")
    except SignInRefused:
        return None
    return merchants.cashier_actor(core, found.id)


def _manager(core: Core, shop: Shop) -> Actor:
    merchants.create_cashier(
        core,
        actor=SYSTEM,
        shop=ShopId(shop.id),
        username=USERNAME,
        password=f"demo-only-{USERNAME}",
        display_name="沙箱店长",
        role=Role.MANAGER,
        demo=True,
    )
    made = manager(core)
    assert made is not None
    return made


def _shop(core: Core, merchant: MerchantId, name: str) -> Shop:
    return merchants.create_shop(
        core, actor=SYSTEM, merchant=merchant, name=name, area=_COUNTY, trade=Trade.OTHER
    )


def _offer(slug: str, shop: ShopId, begin: datetime) -> OfferPlan:
    return OfferPlan(
        title="沙箱测试券" if slug == SLUG else "沙箱测试券（别家店）",
        kind=OfferKind.THRESHOLD,
        face_value=FACE,
        threshold=THRESHOLD,
        quota=_QUOTA,
        per_resident_limit=1,
        valid_days=2,
        areas=(),
        trades=(),
        shops=(shop,),
        releases=(ReleasePlan(begin, _QUOTA),),
        slug=slug,
    )


def _today(core: Core) -> date:
    with core.transaction() as session:
        return day_of(core.now(session))
