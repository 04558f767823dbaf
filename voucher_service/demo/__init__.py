"""The demonstration: logins, a shop, and programme `demo` with offers that stay open.

Safe to run at every start: what stands is left alone. Development only; the logins and their
passwords are refused in production.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from voucher_service.approvals import service as approvals
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import BudgetId, FundId, Level, Move
from voucher_service.budgets.refusals import BudgetExists
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import (
    OfferKind,
    OfferPlan,
    ProgrammeExists,
    RefundRule,
    ReleasePlan,
    max_liability,
)
from voucher_service.goods import starter as goods
from voucher_service.identity import service as identity
from voucher_service.identity.model import SignInRefused, UsernameTaken
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import SHANGHAI, day_of, start_of
from voucher_service.kernel.ids import ApprovalId, CashierId, MerchantId, ShopId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import SizeClass, Trade
from voucher_service.replay.publish import WantedCampaign, WantedLine, publish
from voucher_service.replay.strangers import credit_code
from voucher_service.sandbox import loading as sandbox
from voucher_service.serving import Login

from . import cars, settlements, trade_in

SLUG, LEVELS = "demo", "demo-two-levels"
CITY, JIANGCHENG, YANGCHUN = "441700", "441702", "441781"
STAFF: tuple[tuple[str, str, Role, str], ...] = (
    ("planner", "梁慧", Role.PLANNER, ""),
    ("approver", "陈志", Role.APPROVER, ""),
    ("approver2", "何敏", Role.APPROVER, ""),
    ("county-planner", "江城经办", Role.PLANNER, JIANGCHENG),
    ("county-approver", "江城审批", Role.APPROVER, JIANGCHENG),
    ("reviewer", "林审", Role.REVIEWER, ""),
    ("finance", "关财", Role.FINANCE, ""),
    ("finance2", "冯财", Role.FINANCE, ""),
    ("finance3", "区财", Role.FINANCE, ""),
    ("auditor", "苏稽", Role.AUDITOR, ""),
    ("administrator", "何管", Role.ADMINISTRATOR, ""),
)
TILLS = (("manager", "阿珍", Role.MANAGER), ("cashier", "阿明", Role.CASHIER))
FUNDERS = (
    ("city", "阳江市财政", Level.CITY, CITY),
    ("jiangcheng", "江城区财政", Level.COUNTY, JIANGCHENG),
    ("yangchun", "阳春市财政", Level.COUNTY, YANGCHUN),
)
_DAYS_OPEN = 365
_TEN = timedelta(hours=10)


def logins() -> Sequence[Login]:
    """The demo's logins; each password is `demo-only-` and the name."""
    return [
        *(Login("admin", name, f"demo-only-{name}") for name, *_ in STAFF),
        *(Login("merchant", name, f"demo-only-{name}") for name, *_ in TILLS),
        Login("merchant", sandbox.USERNAME, f"demo-only-{sandbox.USERNAME}"),
    ]


def load(core: Core) -> None:
    """Load what is missing."""
    planner, *approvers = _staff(core)
    _shop(core)
    goods.load(core, planner=planner, approver=approvers[0], merchant=_merchant(core))
    today = _today(core)
    with contextlib.suppress(ProgrammeExists):
        campaigns.create_programme(
            core,
            actor=planner,
            slug=SLUG,
            name="漠阳品•幸福购 示范",
            name_en="Moyang goods, happy buys (demo)",
            brand="jinqiu",
            opens_on=today - timedelta(days=1),
            closes_on=today + timedelta(days=_DAYS_OPEN),
        )
    for code, name, level, area in FUNDERS:
        budgets.create_funder(core, actor=SYSTEM, code=code, name=name, level=level, area=area)
    for one in _campaigns(today):
        publish(core, one, planner=planner, approvers=approvers)
    with core.transaction() as session:
        programme = campaigns.programme(session, slug=SLUG)
    cars.load(core, programme, CITY, today=today, planner=planner, approvers=approvers)
    _two_levels(core, today, planner, approvers)
    trade_in.load(
        core,
        today,
        area=CITY,
        planner=planner,
        sign=lambda approval: _sign(core, approval, planner, approvers),
    )
    settlements.load(
        core,
        today,
        office=settlements.Office(
            planner,
            approvers,
            reviewer=_actor(core, "finance"),
            payer=_actor(core, "finance2"),
            sign=lambda past, approval: _sign(past, approval, planner, approvers),
        ),
        own=_till(core),
    )
    sandbox.load(core, planner=planner, approvers=approvers)


def _sign(core: Core, approval: ApprovalId, planner: Actor, approvers: Sequence[Actor]) -> None:
    waiting = approvals.get(core, actor=planner, approval=approval)
    fresh = [one for one in approvers if waiting.may_sign(one)]
    for signer in fresh[: waiting.signatures_needed - len(waiting.signatures)]:
        approvals.approve(core, actor=signer, approval=waiting.id)


def _two_levels(core: Core, today: date, planner: Actor, approvers: Sequence[Actor]) -> None:
    """A programme with a frame, a county below it, and a campaign that both pay for."""
    with contextlib.suppress(ProgrammeExists):
        campaigns.create_programme(
            core,
            actor=planner,
            slug=LEVELS,
            name="惠利金秋 两级预算示范",
            name_en="Golden autumn, budgets of two levels (demo)",
            brand="feast",
            opens_on=today - timedelta(days=1),
            closes_on=today + timedelta(days=_DAYS_OPEN),
        )
    frame = _budget(core, planner, "市级统筹", CITY, None)
    county = _budget(core, planner, "江城区预算", JIANGCHENG, frame)

    def moved(made: Outcome[Move]) -> FundId:
        _sign(core, made.value.approval_id, planner, approvers)
        return made.value.fund.id

    def fund(funder: str, yuan: int) -> FundId:
        return moved(
            budgets.appropriate(
                core,
                actor=planner,
                funder=funder,
                year=today.year,
                purpose_code="",
                document="示范 1 号",
                amount=Money.of_yuan(yuan),
                key=f"{LEVELS}:{funder}",
            )
        )

    def allot(budget: BudgetId, source: FundId, yuan: int) -> None:
        key = f"{LEVELS}:{budget}:{source}"
        amount = Money.of_yuan(yuan)
        moved(
            budgets.allot(core, actor=planner, budget=budget, fund=source, amount=amount, key=key)
        )

    city, own = fund("city", 400_000), fund("jiangcheng", 60_000)
    allot(frame, city, 300_000)
    allot(county, city, 100_000)
    allot(county, own, 50_000)
    offer = _offer("demo-jiangcheng", "江城区 消费券", 20, 100, 2_000, start_of(today))
    wanted = _campaign("惠利金秋 江城专场", JIANGCHENG, today, (offer,), (("city", 10_000),))
    part = WantedLine("jiangcheng", Money.of_yuan(10_000), 3_000, shop_area=JIANGCHENG)
    publish(
        core,
        replace(wanted, programme=LEVELS, lines=(*wanted.lines, part), budget=county),
        planner=planner,
        approvers=approvers,
    )


def _budget(core: Core, planner: Actor, name: str, area: str, parent: BudgetId | None) -> BudgetId:
    with core.transaction() as session:
        programme = campaigns.programme(session, slug=LEVELS)
    with contextlib.suppress(BudgetExists):
        budgets.create_budget(
            core, actor=planner, programme=programme.id, name=name, area=area, parent=parent
        )
    standing = budgets.budgets(core, actor=planner, programme=programme.id)
    return next(one.id for one in standing if one.area == area)


def _today(core: Core) -> date:
    with core.transaction() as session:
        return day_of(core.now(session))


def _staff(core: Core) -> tuple[Actor, ...]:
    for username, display_name, role, area in STAFF:
        try:
            identity.create_staff(
                core,
                actor=SYSTEM,
                username=username,
                password=f"demo-only-{username}",
                display_name=display_name,
                roles=[role],
                area=area,
                demo=True,
            )
        except UsernameTaken:
            continue
    return tuple(_actor(core, one) for one in ("planner", "approver", "approver2"))


def _actor(core: Core, username: str) -> Actor:
    staff = identity.staff_sign_in(core, username=username, password=f"demo-only-{username}")
    found = identity.staff_actor(core, staff.id)
    assert found is not None
    return found


def _shop(core: Core) -> None:
    last = TILLS[-1][0]
    try:
        merchants.cashier_sign_in(core, username=last, password=f"demo-only-{last}")
        return
    except SignInRefused:
        pass  # the first start
    merchant = merchants.create_merchant(
        core,
        actor=SYSTEM,
        name="阳江市漠阳味道餐饮有限公司",
        uscc=credit_code(random.Random(SLUG)),  # an invented company
        size_class=SizeClass.SMALL,
    )
    shop = merchants.create_shop(
        core,
        actor=SYSTEM,
        merchant=merchant.id,
        name="漠阳味道 东风路店",
        area=JIANGCHENG,
        trade=Trade.DINING,
        address="江城区东风二路",
    )
    for username, display_name, role in TILLS:
        merchants.create_cashier(
            core,
            actor=SYSTEM,
            shop=ShopId(shop.id),
            username=username,
            password=f"demo-only-{username}",
            display_name=display_name,
            role=role,
            demo=True,
        )


def _merchant(core: Core) -> MerchantId:
    return _till(core)[0]


def _till(core: Core) -> tuple[MerchantId, CashierId]:
    """The shop's merchant and its manager."""
    name = TILLS[0][0]
    manager = merchants.cashier_sign_in(core, username=name, password=f"demo-only-{name}")
    with core.transaction() as session:
        return merchants.till(session, cashier=manager.id).merchant_id, CashierId(manager.id)


def _campaigns(today: date) -> tuple[WantedCampaign, ...]:
    begin = start_of(today)
    tomorrow_ten = begin + timedelta(days=1) + _TEN
    return (
        _campaign(
            "惠利金秋 全市通用",
            CITY,
            today,
            (
                _offer("demo-open", "惠利金秋 通用券", 20, 100, 200_000, begin),
                _offer("demo-scarce", "惠利金秋 限量大额券", 60, 300, 50, begin),
                _offer("demo-tomorrow", "惠利金秋 明日加场", 40, 200, 12_000, tomorrow_ten),
            ),
            (("city", 7_000), ("jiangcheng", 3_000)),
        ),
        _campaign(
            "漠阳味道·醉美阳春 餐饮券",
            YANGCHUN,
            today,
            (
                _offer(
                    "demo-yangchun",
                    "醉美阳春 餐饮券",
                    30,
                    150,
                    8_000,
                    begin,
                    areas=(YANGCHUN,),
                    trades=(str(Trade.DINING),),
                ),
            ),
            (("city", 4_000), ("yangchun", 6_000)),
        ),
        _campaign(
            "惠利金秋 各种券",
            CITY,
            today,
            _every_kind(begin),
            (("city", 10_000),),
        ),
    )


def _every_kind(begin: datetime) -> tuple[OfferPlan, ...]:
    """A small offer of each kind that is more than a threshold."""
    percent = _offer("demo-percent", "惠利金秋 八折券", 30, 30, 500, begin)
    pack = _offer("demo-pack", "惠利金秋 四连券", 10, 50, 500, begin)
    balance = _offer("demo-balance", "惠利金秋 余额券", 50, 50, 500, begin)
    paper = _offer("demo-paper", "惠利金秋 立减券", 10, 10, 500, begin)
    return (
        replace(percent, kind=OfferKind.PERCENT_CAPPED, rate_bps=2_000, threshold=Money(5)),
        replace(pack, kind=OfferKind.PACK, pieces=4, refund_rule=RefundRule.NEXT_DAY),
        replace(balance, kind=OfferKind.BALANCE, threshold=Money(1)),
        replace(paper, kind=OfferKind.FIXED, paper=True),
    )


def _campaign(
    name: str,
    area: str,
    today: date,
    offers: tuple[OfferPlan, ...],
    shares: tuple[tuple[str, int], ...],
) -> WantedCampaign:
    total = Money.total(max_liability(plan) * plan.quota for plan in offers)
    amounts = total.split([share for _, share in shares])
    return WantedCampaign(
        programme=SLUG,
        name=name,
        area=area,
        opens_on=today,
        closes_on=today + timedelta(days=_DAYS_OPEN),
        offers=offers,
        lines=tuple(
            WantedLine(funder, amount, share, fallback=funder == "city")
            for (funder, share), amount in zip(shares, amounts, strict=True)
        ),
    )


def _offer(
    slug: str,
    title: str,
    face_yuan: int,
    threshold_yuan: int,
    quota: int,
    opens_at: datetime,
    *,
    areas: tuple[str, ...] = (),
    trades: tuple[str, ...] = (),
) -> OfferPlan:
    return OfferPlan(
        title=title,
        kind=OfferKind.THRESHOLD,
        face_value=Money.of_yuan(face_yuan),
        threshold=Money.of_yuan(threshold_yuan),
        quota=quota,
        per_resident_limit=1,
        valid_days=7,
        areas=areas,
        trades=trades,
        releases=(ReleasePlan(opens_at.astimezone(SHANGHAI), quota),),
        slug=slug,
    )
