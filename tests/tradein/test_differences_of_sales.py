"""A later policy over units sold at a till: the buyer, not the shop, gets the difference."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.car_applicants import CARD
from tests.tradein.counter import Counter, known_goods
from tests.tradein.raised import PAID, RAISED, Shop, publish
from tests.tradein.town import open_town
from voucher_service.infra.core import Core
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import new_id
from voucher_service.tradein.applications.model import Card
from voucher_service.tradein.revisions import service
from voucher_service.tradein.revisions.model import CardNotOwn, LineState, RevisionId


@pytest.fixture(scope="module")
def shop(core: Core) -> Iterator[Shop]:
    with pytest.MonkeyPatch.context() as patch:
        town = open_town(core, patch)
        known_goods(town)
        yield Shop(Counter(town, town.pool(release_quota=1_000)))


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
    shop.counter.refund(back, 300_000)
    assert shop.payable() == {}


def test_a_batch_may_hold_more_differences_than_a_statement_has_places(shop: Shop) -> None:
    many = [(RevisionId(new_id()), new_id()) for _ in range(40_000)]
    with shop.core.transaction() as session:
        service.lock_due(session, due=many)
        with pytest.raises(NoSuchThing):
            service.hand_over(session, due=many, now=shop.core.now(session))
