"""A later policy over units sold at a till: the buyer, not the shop, gets the difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.services.car_applicants import CARD
from tests.tradein import past
from tests.tradein.counter import Counter, known_goods
from tests.tradein.town import open_town
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Redemption
from voucher_service.settings import CONFIG
from voucher_service.tradein import shelf
from voucher_service.tradein.applications.model import Card
from voucher_service.tradein.revisions import service
from voucher_service.tradein.revisions.model import CardNotOwn, LineState, Payable, Revision

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
        world = self.counter.town.world
        payer = past.paying_campaign(world, Money.of_yuan(100_000))
        made = service.begin(
            self.core, actor=world.planner, policy="digital-2026-03", campaign=payer.id
        )
        while service.compute(self.core, revision=made.id):
            pass
        world.approve(service.propose(self.core, actor=world.planner, revision=made.id))
        return made

    def name(self, buyer: Actor) -> str:
        assert buyer.id is not None
        with self.core.transaction() as session:
            resident = ResidentId(buyer.id)
            return identity.name_of(session, keyring=self.core.keyring, resident=resident) or ""

    def payable(self) -> dict[object, Payable]:
        with self.core.transaction() as session:
            found, _ = service.payable(session, most=100)
        return {one.subject_id: one for one in found}


@pytest.fixture(scope="module")
def shop(core: Core) -> Iterator[Shop]:
    with pytest.MonkeyPatch.context() as patch:
        town = open_town(core, patch)
        known_goods(town)
        yield Shop(Counter(town, town.pool(release_quota=1_000)))


def publish(patch: pytest.MonkeyPatch) -> None:
    """Put a version on the shelf that pays 20 % instead of 15 %."""
    raw = (CONFIG / "policies" / "digital-2026.toml").read_text("utf-8")
    day = shelf.policy("digital-2026").published_on.isoformat()
    raw = raw.replace(f"published_on = {day}", "published_on = 2026-03-01")
    raw = raw.replace("rate_bps = 1_500", "rate_bps = 2_000").replace("50_000", "90_000")
    every = (*shelf.shelf(), shelf.parse("digital-2026-03", raw.encode()))
    patch.setattr(shelf, "shelf", lambda: every)
    patch.setattr("voucher_service.tradein.revisions.service.opening.shelf", lambda: every)


def test_a_buyer_is_paid_the_difference_once_they_name_a_card_of_their_own(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer, done = shop.sold()
    other, back = shop.sold()
    publish(monkeypatch)
    made = shop.approved()
    (line,) = service.mine(shop.core, actor=buyer, cursor=None, limit=10).items
    assert (line.before, line.after, line.state) == (PAID, RAISED, LineState.UNCLAIMED)
    assert shop.payable() == {}

    card = Card(shop.name(buyer), CARD, "农业银行阳江分行")
    named = {"revision": made.id, "subject": done.id}
    with pytest.raises(CardNotOwn):
        service.name_card(shop.core, actor=buyer, card=Card("别人", CARD, "农业银行"), **named)
    with pytest.raises(NoSuchThing):
        service.name_card(shop.core, actor=other, card=card, **named)
    service.name_card(shop.core, actor=buyer, card=card, **named)
    (line,) = service.mine(shop.core, actor=buyer, cursor=None, limit=10).items
    assert (line.state, line.card_last4) == (LineState.PAYABLE, CARD[-4:])
    assert service.rotate_fields(shop.core) == 0
    owed = shop.payable()
    assert (owed[done.id].amount, owed[done.id].card) == (RAISED - PAID, card)
    with shop.core.transaction() as session:
        now = shop.core.now(session)
        assert service.paid(session, revision=made.id, subject=done.id, now=now)
    assert shop.payable() == {}
    with pytest.raises(NoSuchThing):
        service.name_card(shop.core, actor=buyer, card=card, **named)

    theirs = Card(shop.name(other), CARD, "农业银行阳江分行")
    service.name_card(shop.core, actor=other, revision=made.id, subject=back.id, card=theirs)
    assert set(shop.payable()) == {back.id}
    redemption.refund(
        shop.core,
        actor=shop.counter.till,
        redemption=back.id,
        amount=Money(300_000),
        reason="returned",
        key=uuid4().hex,
    )
    assert shop.payable() == {}
