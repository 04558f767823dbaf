"""A town whose clock a test turns, with a pool of phones and tablets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.make import CITY, World
from voucher_service.allocation import degraded
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import SHANGHAI, Clock
from voucher_service.tradein import service as tradein
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import Every, Pool, PoolPlan, Qualification

MONDAY = datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
PHONE, TABLET = Category.PHONE, Category.TABLET


@dataclass
class Town:
    """A world at noon of a Monday whose clock the test turns."""

    world: World

    @property
    def core(self) -> Core:
        return self.world.core

    def at(self, later: timedelta) -> Town:
        return Town(World(with_clock(self.core, Clock(MONDAY + later))))

    def pool(self, **given: Any) -> Pool:
        """A published pool of phones and tablets, a month long."""
        first, last = date(2026, 3, 1), date(2026, 3, 31)
        programme = self.world.programme(opens_on=first, days=(last - first).days)
        campaign = campaigns.create_campaign(
            self.core,
            actor=self.world.planner,
            programme=programme.slug,
            name="手机平板购新",
            kind=CampaignKind.TRADE_IN,
            area=CITY,
            opens_on=first,
            closes_on=last,
        ).value
        usual = PoolPlan("手机平板补贴资格", "digital-2026", (PHONE, TABLET), Every.DAY, 10, 3)
        plan = replace(usual, **given)
        pool = tradein.create_pool(
            self.core, actor=self.world.planner, campaign=campaign.id, plan=plan
        ).value
        self.world.line(campaign.id, pool.offer.face_value * pool.offer.quota)
        self.world.publish(campaign.id)
        tradein.prepare_gate(self.core, offer=pool.offer.id, refill=True)
        return replace(pool, offer=self.world.reload(pool.offer.id))

    def claim(
        self, who: Actor | None = None, category: Category = PHONE, key: str | None = None
    ) -> Qualification:
        return tradein.claim(
            self.core, actor=who or self.world.resident(), category=category, key=key or uuid4().hex
        ).value

    def later(self, pool: Pool) -> None:
        """The jobs come round: the gate learns of slots that came back, and of open places."""
        tradein.prepare_gate(self.core, offer=pool.offer.id, refill=True)
        tradein.count_places(self.core)


def open_town(core: Core, monkeypatch: pytest.MonkeyPatch) -> Town:
    """No pool of another test is in the way; a free slot is found at once, not within a second."""
    monkeypatch.setattr(degraded, "_AGAIN_SECONDS", 0.0)
    with core.transaction() as session:
        session.execute(
            text(
                "UPDATE offer SET status = 'closed' WHERE id IN"
                " (SELECT offer_id FROM qualification_pool)"
            )
        )
    return Town(World(with_clock(core, Clock(MONDAY))))
