"""Phones sold at a till, and a later version of the policy that pays more for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tests.services.car_applicants import CARD
from tests.tradein import past
from tests.tradein.counter import Counter
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import ApprovalId, ResidentId
from voucher_service.kernel.money import Money
from voucher_service.redemption.model import Redemption
from voucher_service.settings import CONFIG
from voucher_service.tradein import shelf
from voucher_service.tradein.applications.model import Card
from voucher_service.tradein.revisions import service
from voucher_service.tradein.revisions.model import Line, Payable, Revision

PAID, RAISED = Money(45_000), Money(60_000)  # 15 and 20 % of 3,000 yuan


@dataclass
class Shop:
    """A counter whose sales a later version changes."""

    counter: Counter

    @property
    def core(self) -> Core:
        return self.counter.town.core

    def sold(self) -> tuple[Actor, Redemption]:
        """A buyer and the sale of a phone."""
        buyer = self.counter.town.world.resident()
        return buyer, self.counter.sell(self.counter.town.claim(buyer))

    def approved(self) -> Revision:
        made, proposed = self.proposed()
        self.counter.town.world.approve(proposed)
        return made

    def proposed(self) -> tuple[Revision, ApprovalId]:
        world = self.counter.town.world
        payer = past.paying_campaign(world, Money.of_yuan(100_000))
        made = service.begin(
            self.core, actor=world.planner, policy="digital-2026-03", campaign=payer.id
        )
        while service.compute(self.core, revision=made.id):
            pass
        return made, service.propose(self.core, actor=world.planner, revision=made.id)

    def name(self, buyer: Actor) -> str:
        assert buyer.id is not None
        with self.core.transaction() as session:
            resident = ResidentId(buyer.id)
            return identity.name_of(session, keyring=self.core.keyring, resident=resident) or ""

    def payable(self) -> dict[object, Payable]:
        with self.core.transaction() as session:
            found, _ = service.payable(session, most=100)
        return {one.subject_id: one for one in found}

    def claimed(self, made: Revision, buyer: Actor, done: Redemption) -> Card:
        """The buyer names a card for the difference."""
        card = Card(self.name(buyer), CARD, "农业银行阳江分行")
        service.name_card(self.core, actor=buyer, revision=made.id, subject=done.id, card=card)
        return card

    def line(self, buyer: Actor) -> Line:
        (found,) = service.mine(self.core, actor=buyer, cursor=None, limit=10).items
        return found


def publish(patch: pytest.MonkeyPatch) -> None:
    """Put a version on the shelf that pays 20 % instead of 15 %."""
    raw = (CONFIG / "policies" / "digital-2026.toml").read_text("utf-8")
    day = shelf.policy("digital-2026").published_on.isoformat()
    raw = raw.replace(f"published_on = {day}", "published_on = 2026-03-01")
    raw = raw.replace("rate_bps = 1_500", "rate_bps = 2_000").replace("50_000", "90_000")
    later = replace(
        shelf.parse("digital-2026-03", raw.encode()), last=shelf.policy("digital-2026").last
    )
    every = (*shelf.shelf(), later)
    patch.setattr(shelf, "shelf", lambda: every)
    patch.setattr("voucher_service.tradein.revisions.service.opening.shelf", lambda: every)
