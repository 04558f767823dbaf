"""Builders that walk the real services, so that no test starts from an impossible state."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from uuid import uuid4

from tests.people import newcomers
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval, Status
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Level
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import (
    Campaign,
    CampaignKind,
    Offer,
    OfferKind,
    OfferPlan,
    Programme,
    ReleasePlan,
    max_liability,
)
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import ApprovalId, CampaignId, OfferId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import SizeClass, SyntheticShop, Trade
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, Redemption
from voucher_service.replay.strangers import credit_code
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher

CITY = "441700"
JIANGCHENG = "441702"
_numbers = itertools.count(1)


@dataclass
class World:
    """A city to test in."""

    core: Core
    planner: Actor = field(init=False)
    approver: Actor = field(init=False)

    def __post_init__(self) -> None:
        self.planner = self.staff(Role.PLANNER)
        self.approver = self.staff(Role.APPROVER)

    def now(self) -> datetime:
        """The instant of the core's clock."""
        with self.core.transaction() as session:
            return self.core.now(session)

    def staff(self, *roles: Role, area: str = "", username: str | None = None) -> Actor:
        """A member of staff; the password is `demo-only-` and the username."""
        name = username or f"staff-{uuid4().hex[:8]}"
        made = identity.create_staff(
            self.core,
            actor=SYSTEM,
            username=name,
            password=f"demo-only-{name}",
            display_name=name,
            roles=roles,
            area=area,
            demo=True,
        )
        return Actor(ActorKind.STAFF, made.id, frozenset(roles), area)

    def programme(self, *, opens_on: date | None = None, days: int = 60) -> Programme:
        """A programme around now."""
        first = opens_on or day_of(self.now()) - timedelta(days=1)
        return campaigns.create_programme(
            self.core,
            actor=self.planner,
            slug=f"p-{uuid4().hex[:10]}",
            name="惠利金秋",
            name_en="Golden autumn",
            brand="jinqiu",
            opens_on=first,
            closes_on=first + timedelta(days=days),
        )

    def draft(
        self, *, programme: Programme | None = None, area: str = CITY, planner: Actor | None = None
    ) -> Campaign:
        """A draft campaign as long as its programme."""
        found = programme or self.programme()
        return campaigns.create_campaign(
            self.core,
            actor=planner or self.planner,
            programme=found.slug,
            name="惠利金秋 第一场",
            kind=CampaignKind.VOUCHER,
            area=area,
            opens_on=found.opens_on,
            closes_on=found.closes_on,
        ).value

    def funder(self, code: str = "city", level: Level = Level.CITY, area: str = CITY) -> str:
        """A funder's code."""
        budgets.create_funder(
            self.core, actor=SYSTEM, code=code, name=f"出资方 {code}", level=level, area=area
        )
        return code

    def line(
        self, campaign: CampaignId, amount: Money, *, funder: str = "city", share_bps: int = 10_000
    ) -> None:
        """A budget line of a draft."""
        campaigns.add_budget_line(
            self.core,
            actor=self.planner,
            campaign=campaign,
            funder=self.funder(funder),
            amount=amount,
            share_bps=share_bps,
        )

    def plan(
        self,
        *,
        quota: int = 10,
        face: int = 20,
        threshold: int = 100,
        limit: int = 1,
        valid_days: int = 7,
        areas: tuple[str, ...] = (),
        trades: tuple[str, ...] = (),
        opens_at: datetime | None = None,
        lapse_returns: bool = True,
    ) -> OfferPlan:
        """满 `threshold` 减 `face` (yuan), open since an hour ago unless told."""
        opens = opens_at or self.now() - timedelta(hours=1)
        return OfferPlan(
            title=f"满{threshold}减{face}",
            kind=OfferKind.THRESHOLD,
            face_value=Money.of_yuan(face),
            threshold=Money.of_yuan(threshold),
            quota=quota,
            per_resident_limit=limit,
            valid_days=valid_days,
            areas=areas,
            trades=trades,
            releases=(ReleasePlan(opens, quota),),
            lapse_returns=lapse_returns,
        )

    def offer(self, plan: OfferPlan | None = None, *, campaign: Campaign | None = None) -> Offer:
        """A published offer, approved by a second person."""
        found = campaign or self.draft()
        wanted = plan or self.plan()
        made = campaigns.create_offer(
            self.core, actor=self.planner, campaign=found.id, plan=wanted
        ).value
        self.line(found.id, max_liability(wanted) * wanted.quota)
        self.publish(found.id)
        return self.reload(made.id)

    def publish(self, campaign: CampaignId) -> Approval:
        """Submit and approve."""
        proposal = campaigns.submit(self.core, actor=self.planner, campaign=campaign)
        return self.approve(proposal)

    def approve(self, proposal: ApprovalId) -> Approval:
        """Sign as often as it takes, each time as another approver."""
        found = approvals.approve(self.core, actor=self.approver, approval=proposal)
        while found.status is Status.WAITING:
            signer = self.staff(Role.APPROVER)
            found = approvals.approve(self.core, actor=signer, approval=proposal)
        return found

    def reload(self, offer: OfferId) -> Offer:
        """The offer as it stands now."""
        with self.core.transaction() as session:
            return campaigns.offer(session, offer=offer)

    def resident(self) -> Actor:
        """A resident with a verified name."""
        return self.residents(1)[0]

    def residents(self, count: int) -> list[Actor]:
        """Several residents with verified names."""
        ids = identity.register_synthetic(self.core, people=newcomers(count), now=self.now())
        return [Actor(ActorKind.RESIDENT, id) for id in ids]

    def cashier(
        self,
        *,
        area: str = JIANGCHENG,
        trade: Trade = Trade.DINING,
        size: SizeClass = SizeClass.SMALL,
    ) -> Actor:
        """A cashier of a new shop."""
        number = next(_numbers)
        (till,) = merchants.register_synthetic_shops(
            self.core,
            shops=[
                SyntheticShop(
                    merchant_name=f"商户 {number}",
                    uscc=credit_code(Random()),
                    size_class=size,
                    shop_name=f"门店 {number}",
                    area=area,
                    trade=trade,
                )
            ],
            now=self.now(),
        )
        return Actor(ActorKind.CASHIER, till.cashier_id, frozenset({Role.CASHIER}), area)

    def claim(self, offer: Offer, resident: Actor | None = None, key: str | None = None) -> Voucher:
        """A claimed voucher."""
        return vouchers.claim(
            self.core,
            actor=resident or self.resident(),
            offer=offer.id,
            key=key or uuid4().hex,
        ).value

    def code(self, voucher: Voucher) -> str:
        """A fresh code of a voucher."""
        owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
        _, _, (code,) = vouchers.codes(self.core, actor=owner, voucher=voucher.id)
        return code.text

    def redeem(
        self,
        voucher: Voucher,
        cashier: Actor | None = None,
        *,
        order_fen: int = 12_800,
        reference: str | None = None,
        code: str | None = None,
        key: str | None = None,
        payment_reference: str | None = None,
    ) -> Outcome[Redemption]:
        """A voucher spent on an order."""
        return redemption.redeem(
            self.core,
            actor=cashier or self.cashier(),
            code=code or self.code(voucher),
            order=Order(Money(order_fen), reference or uuid4().hex, payment_reference),
            key=key or uuid4().hex,
        )
