"""Phones that a shop sold with a subsidy, and their papers, as far as a test wants them."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from io import BytesIO
from itertools import count
from random import Random
from uuid import uuid4

from PIL import Image, ImageDraw
from stdnum import luhn

from tests.make import CITY, World
from tests.services.goods_shelf import line, stocked
from tests.services.weighed import weigh
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind
from voucher_service.goods.categories import Category as Goods
from voucher_service.infra import files
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import SHANGHAI, Clock
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order
from voucher_service.tradein import service as tradein
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import Every, PoolPlan
from voucher_service.tradein.review import service
from voucher_service.tradein.review.model import ProofKind, Review
from voucher_service.tradein.sales.model import Traces
from voucher_service.vouchers import code as codes

# Noon of a Monday: what is complete today is batched from the next Monday on.
MONDAY = datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
WEEK = timedelta(days=7)
PHONE = Category.PHONE
GTIN = "6991234500012"
PRICE = Money.of_yuan(3_000)
SUBSIDY = Money.of_yuan(450)
_numbers = count(1)


@dataclass
class Street:
    """Shops that sell phones in March 2026, on a clock that the test sets."""

    core: Core

    @cached_property
    def world(self) -> World:
        """Builders on this clock."""
        return World(self.core)

    def at(self, instant: datetime) -> Street:
        """The same people at another instant."""
        made = Street(with_clock(self.core, Clock(instant)))
        made.world = copy(self.world)
        made.world.core = made.core
        return made

    def with_rules(self, **rules: int) -> Street:
        """The same under other rules of review."""
        settings = self.core.settings
        other = replace(
            self.core, settings=replace(settings, review=replace(settings.review, **rules))
        )
        known = {"engine": self.core.engine, "gate": self.core.gate, "keyring": self.core.keyring}
        other.__dict__.update(known)
        return Street(other)

    def pool(self) -> None:
        """Qualifications for phones, as many as a test needs."""
        world = self.world
        found = tradein.open_pool(self.core, category=PHONE)
        # Another may open later than this street's clock.
        if found is not None and found.offer.releases[0].opens_at <= world.now():
            return
        first = date(2026, 3, 1)
        programme = world.programme(opens_on=first, days=30)
        campaign = campaigns.create_campaign(
            self.core,
            actor=world.planner,
            programme=programme.slug,
            name="手机购新",
            kind=CampaignKind.TRADE_IN,
            area=CITY,
            opens_on=first,
            closes_on=date(2026, 3, 31),
        ).value
        plan = PoolPlan("手机补贴资格", "digital-2026", (PHONE,), Every.MONTH, 1_000, 30)
        pool = tradein.create_pool(
            self.core, actor=world.planner, campaign=campaign.id, plan=plan
        ).value
        world.line(campaign.id, pool.offer.face_value * pool.offer.quota)
        world.publish(campaign.id)
        stocked(world, line(GTIN, model="G9", category=Goods.PHONE, grade="", first=first))

    def sell(
        self,
        till: Actor,
        buyer: Actor | None = None,
        *,
        traces: Traces | None = None,
        activated_on: date | None = None,
    ) -> RedemptionId:
        """A phone for 3,000 yuan, of which the government pays 450."""
        self.pool()
        who = buyer or self.world.resident()
        taken = tradein.claim(self.core, actor=who, category=PHONE, key=uuid4().hex).value
        number = next(_numbers)
        item = {
            "gtin": GTIN,
            "serial": f"SN{number:08}",
            "imei1": _imei(),
            "price_fen": PRICE.fen,
            "activated_on": activated_on,
        }
        seconds = self.core.settings.till.code_window_seconds
        code = codes.make(
            self.core.keyring,
            code_ref=taken.code_ref,
            window=codes.window_of(self.world.now(), seconds),
            window_seconds=seconds,
        )
        order = Order(amount=PRICE, reference=uuid4().hex, items=(item,), traces=traces or Traces())
        done = redemption.redeem(
            self.core, actor=till, code=code.text, order=order, key=uuid4().hex
        )
        return done.value.id

    def hand_in(
        self,
        till: Actor,
        sale: RedemptionId,
        kind: ProofKind,
        *,
        number: str | None = None,
        data: bytes | None = None,
    ) -> Review:
        """One paper; an invoice gets a number of its own unless told."""
        if kind is ProofKind.INVOICE and number is None:
            number = f"26442000{next(_numbers):012}"
        received = files.received(data or picture(), most_bytes=1_000_000)
        return service.hand_in(
            self.core, actor=till, sale=sale, kind=kind, received=received, number=number
        )

    def complete(self, till: Actor, count: int = 1) -> list[RedemptionId]:
        """Phones that were sold and whose papers are all there."""
        sold = [self.sell(till) for _ in range(count)]
        service.open_due(self.core)
        content = files.received(picture(), most_bytes=1_000_000)
        for sale in sold:
            for kind in (ProofKind.UNBOXING, ProofKind.ACTIVATION, ProofKind.INVOICE):
                number = f"26442000{next(_numbers):012}" if kind is ProofKind.INVOICE else None
                service.hand_in(
                    self.core, actor=till, sale=sale, kind=kind, received=content, number=number
                )
        weigh(self.core, "sale", dict.fromkeys(sold, 0))
        return sold


def picture() -> bytes:
    """A photo like no other."""
    random = Random(os.urandom(8))
    drawn = Image.new("RGB", (64, 64), (90, 90, 90))
    pen = ImageDraw.Draw(drawn)
    for _ in range(12):
        corners = sorted(random.sample(range(64), 2)), sorted(random.sample(range(64), 2))
        box = (corners[0][0], corners[1][0], corners[0][1], corners[1][1])
        pen.rectangle(box, fill=tuple(random.choices(range(256), k=3)))
    made = BytesIO()
    drawn.save(made, "JPEG")
    return made.getvalue()


def _imei() -> str:
    """An invented IMEI that checks."""
    start = f"86{next(_numbers):012}"
    return start + luhn.calc_check_digit(start)
