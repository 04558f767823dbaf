"""A city to measure in, made by the real services: residents, shops, and offers one after another.

Every window of claims gets an offer of its own, so that each request is a resident's first.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from math import ceil
from uuid import UUID

from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Level
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, OfferKind, OfferPlan
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import CampaignId, OfferId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import SizeClass, SyntheticShop, Trade
from voucher_service.replay.players import player
from voucher_service.replay.publish import WantedCampaign, WantedLine, publish
from voucher_service.replay.strangers import credit_code, strangers
from voucher_service.tradein import service as tradein
from voucher_service.tradein.policy import Policy
from voucher_service.tradein.qualifications import Every, Pool, PoolPlan
from voucher_service.vouchers import service as vouchers
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

PROGRAMME, AREA = "bench", "441700"
THRESHOLD, FACE = Money.of_yuan(100), Money.of_yuan(20)
_SHOPS = 64
_PEOPLE_AT_ONCE = 5_000
_CLAIMS_AT_ONCE = 500
_OFFERS_AT_ONCE = 8
_WINDOWS_EACH = 5  # windows in which every resident may claim of the same offer
_MOST_EACH = 100  # vouchers of one offer that a resident may hold where the limit is wide


@dataclass(frozen=True)
class Opened:
    """An offer that is open."""

    id: UUID
    slug: str


@dataclass
class City:
    """Residents and cashiers with their tokens, in a fixed order."""

    core: Core
    residents: list[UUID]
    tokens: list[str]
    tills: list[str]
    planner: Actor
    approvers: Sequence[Actor]
    now: datetime
    _ready: list[Opened] = field(default_factory=list)
    _number: itertools.count[int] = field(default_factory=itertools.count)

    def offer(self, *, gate: bool = True) -> Opened:
        """A fresh offer with a voucher for every resident; with `gate`, ready to be claimed."""
        if not self._ready:
            slugs = [f"bench-{next(self._number)}" for _ in range(_OFFERS_AT_ONCE)]
            self._ready = self._publish(slugs, len(self.residents), limit=1)
        one = self._ready.pop()
        if gate:
            vouchers.prepare_gate(self.core, offer=OfferId(one.id), refill=False)
        return one

    def pools(self) -> list[str]:
        """Pools of the rules in force with one for every resident; the categories they are of."""
        today = day_of(self.now)
        policies = tradein.policies(first=today, last=today)
        last = min(today + timedelta(days=7), *(one.last for one in policies))
        campaign = campaigns.create_campaign(
            self.core,
            actor=self.planner,
            programme=PROGRAMME,
            name="pools",
            kind=CampaignKind.TRADE_IN,
            area=AREA,
            opens_on=today,
            closes_on=last,
        ).value
        made = [self._pool(campaign.id, one) for one in policies]
        money = Money.total(one.offer.face_value * one.offer.quota for one in made)
        wanted = WantedCampaign(
            programme=PROGRAMME,
            name=campaign.name,
            area=AREA,
            opens_on=today,
            closes_on=last,
            offers=(),
            lines=(WantedLine(PROGRAMME, money, 10_000, fallback=True),),
        )
        publish(self.core, wanted, planner=self.planner, approvers=self.approvers)
        for one in made:
            tradein.prepare_gate(self.core, offer=one.offer.id, refill=True)
        tradein.count_places(self.core)
        return [str(category) for one in made for category in one.categories]

    def _pool(self, campaign: CampaignId, policy: Policy) -> Pool:
        categories = {one for rule in policy.rules for one in rule.categories}
        plan = PoolPlan(
            policy.id,
            policy.id,
            tuple(sorted(categories)),
            Every.WEEK,
            len(self.residents) * len(categories),
            7,
            opens=time(0),
        )
        return tradein.create_pool(
            self.core, actor=self.planner, campaign=campaign, plan=plan
        ).value

    def sold_out_offer(self) -> Opened:
        """A fresh offer whose only voucher the last resident holds."""
        (one,) = self._publish([f"bench-{next(self._number)}"], 1, limit=1)
        self._claim(one, self.residents[-1:])
        return one

    def issued_offer(self, issued: int) -> Opened:
        """A fresh offer with a wide limit, that many vouchers given out, and enough left."""
        quota = issued + len(self.residents) * _WINDOWS_EACH
        (one,) = self._publish([f"bench-{next(self._number)}"], quota, limit=_MOST_EACH)
        vouchers.prepare_gate(self.core, offer=OfferId(one.id), refill=False)
        holders = self.residents[-ceil(issued / (_MOST_EACH - _WINDOWS_EACH)) :]
        wanted = itertools.islice(itertools.cycle(holders), issued)
        while batch := list(itertools.islice(wanted, _CLAIMS_AT_ONCE)):
            self._claim(one, batch)
        return one

    def claimed_offer(self, count: int) -> Opened:
        """A fresh offer of which the first `count` residents hold a voucher."""
        one, claimants = self.offer(), self.residents[:count]
        for start in range(0, len(claimants), _CLAIMS_AT_ONCE):
            self._claim(one, claimants[start : start + _CLAIMS_AT_ONCE])
        return one

    def _claim(self, offer: Opened, residents: Sequence[UUID]) -> None:
        requests = [
            vouchers.Request(Actor(ActorKind.RESIDENT, one), f"seed-{next(self._number)}")
            for one in residents
        ]
        vouchers.claim_many(self.core, offer=OfferId(offer.id), requests=requests)

    def _publish(self, slugs: Sequence[str], quota: int, *, limit: int) -> list[Opened]:
        today = day_of(self.now)
        wanted = WantedCampaign(
            programme=PROGRAMME,
            name=slugs[0],
            area=AREA,
            opens_on=today,
            closes_on=today + timedelta(days=7),
            offers=tuple(_plan(slug, quota, limit) for slug in slugs),
            lines=(WantedLine(PROGRAMME, FACE * quota * len(slugs), 10_000, fallback=True),),
        )
        found = publish(self.core, wanted, planner=self.planner, approvers=self.approvers)
        _, offers, _ = campaigns.campaign(self.core, actor=self.planner, campaign=found.id)
        return [Opened(UUID(str(one.id)), one.slug) for one in offers]


def _plan(slug: str, quota: int, limit: int) -> OfferPlan:
    return OfferPlan(
        title=slug,
        kind=OfferKind.THRESHOLD,
        face_value=FACE,
        threshold=THRESHOLD,
        quota=quota,
        per_resident_limit=limit,
        valid_days=7,
        slug=slug,
    )


def build(core: Core, residents: int) -> City:
    """Make the city with that many residents, and shops for all kinds of orders."""
    with core.transaction() as session:
        now = core.now(session)
    planner, *approvers = (
        player(core, role, of="bench") for role in (Role.PLANNER, Role.APPROVER, Role.APPROVER)
    )
    today = day_of(now)
    campaigns.create_programme(
        core,
        actor=planner,
        slug=PROGRAMME,
        name="压测",
        name_en="Bench",
        brand="moyang",
        opens_on=today,
        closes_on=today + timedelta(days=7),
        synthetic=True,
    )
    budgets.create_funder(
        core, actor=SYSTEM, code=PROGRAMME, name="压测资金", level=Level.CITY, area=AREA
    )
    people = _people(core, residents, now)
    tokens = [issue(core, Face.RESIDENT, one).access_token for one in people]
    return City(core, people, tokens, _tills(core, now), planner, approvers, now)


def _people(core: Core, count: int, now: datetime) -> list[UUID]:
    made: list[UUID] = []
    invented = strangers(random.Random(PROGRAMME))  # noqa: S311 - no secret
    while len(made) < count:
        batch = list(itertools.islice(invented, min(_PEOPLE_AT_ONCE, count - len(made))))
        unique = list({one.mobile: one for one in batch}.values())
        made += identity.register_synthetic(core, people=unique, now=now)
    return made


def _tills(core: Core, now: datetime) -> list[str]:
    rng = random.Random(PROGRAMME)  # noqa: S311 - no secret
    shops = [
        SyntheticShop(
            merchant_name=f"压测商户{number}",
            uscc=credit_code(rng),
            size_class=SizeClass.SMALL,
            shop_name=f"压测门店{number}",
            area="441702",
            trade=Trade.DINING,
        )
        for number in range(_SHOPS)
    ]
    tills = merchants.register_synthetic_shops(core, shops=shops, now=now)
    return [issue(core, Face.MERCHANT, UUID(str(one.cashier_id))).access_token for one in tills]
