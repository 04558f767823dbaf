"""先退补贴后退货: a unit goes back, and its buyer keeps no difference that a later policy paid."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from tests.settlement.offices import Office
from tests.tradein.counter import Counter, known_goods
from tests.tradein.raised import RAISED, Shop, publish
from tests.tradein.town import open_town
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.money import Money
from voucher_service.redemption.model import Redemption
from voucher_service.settlement.bank_file import BOUNCED
from voucher_service.settlement.lifecycles import LineStatus
from voucher_service.settlement.model import LineKind
from voucher_service.tradein.revisions import service
from voucher_service.tradein.revisions.model import (
    DifferenceOnItsWay,
    DifferenceToReturn,
    LineState,
    ReturnReferenceReused,
    ReturnTooMuch,
    Revision,
)

PRICE, GAP = 300_000, 15_000


@pytest.fixture
def shop(office: Office) -> Iterator[Shop]:
    with pytest.MonkeyPatch.context() as patch:
        town = open_town(office.world.core, patch)
        known_goods(town)
        office.world = town.world
        yield Shop(Counter(town, town.pool(release_quota=1_000)))


@pytest.fixture
def owed(
    shop: Shop, office: Office, monkeypatch: pytest.MonkeyPatch
) -> tuple[Revision, Actor, Redemption]:
    """A difference with a card to pay it to, on the day after."""
    buyer, done = shop.sold()
    publish(monkeypatch)
    made = shop.approved()
    shop.claimed(made, buyer, done)
    office.next_day()
    return made, buyer, done


Owed = tuple[Revision, Actor, Redemption]


def borne(core: Core, made: Revision) -> tuple[int, int]:
    """What the lines of the paying campaign have committed and settled, in fen."""
    with core.transaction() as session:
        found = session.execute(
            text(
                "SELECT coalesce(sum(e.amount_fen) FILTER (WHERE a.stage = 'committed'), 0),"
                " coalesce(sum(e.amount_fen) FILTER (WHERE a.stage = 'settled'), 0)"
                " FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id"
                " JOIN budget_line l ON l.id = a.owner_id"
                " WHERE a.owner_type = 'line' AND l.campaign_id = :campaign"
            ),
            {"campaign": made.campaign_id},
        ).one()
    return int(found[0]), int(found[1])


def test_a_unit_that_goes_back_before_the_difference_is_paid_gets_none(
    shop: Shop, office: Office, owed: Owed
) -> None:
    made, buyer, done = owed
    assert borne(shop.core, made) == (GAP, 0)
    shop.counter.refund(done, PRICE)
    line = shop.line(buyer)
    assert (line.state, line.kept.fen, line.difference.fen) == (LineState.CANCELLED, 0, GAP)
    assert borne(shop.core, made) == (0, 0)
    assert shop.payable() == {} and office.draft().lines == 0
    shop.counter.clean()


def test_a_lower_price_leaves_the_difference_that_the_lower_price_gets(
    shop: Shop, owed: Owed
) -> None:
    made, _, done = owed
    shop.counter.refund(done, 100_000)  # 20 % of 2,000 yuan against 15 %
    assert shop.payable()[done.id].amount == Money(10_000)
    assert borne(shop.core, made) == (10_000, 0)
    shop.counter.refund(done, PRICE - 100_000)
    assert borne(shop.core, made) == (0, 0)
    shop.counter.clean()


def test_a_paid_difference_comes_back_before_the_unit_does(
    shop: Shop, office: Office, owed: Owed
) -> None:
    made, buyer, done = owed
    batch = office.send(office.approve(office.draft()))
    assert shop.line(buyer).state is LineState.SENT
    with pytest.raises(DifferenceOnItsWay):
        shop.counter.refund(done, PRICE)
    office.answer(batch)
    assert borne(shop.core, made) == (0, GAP)
    with pytest.raises(DifferenceToReturn) as refused:
        shop.counter.refund(done, PRICE)
    to = shop.core.settings.settlement
    assert refused.value.extra == {
        "to_return_fen": GAP,
        "account": to.return_account,
        "holder": to.return_name,
    }
    with pytest.raises(DifferenceToReturn) as refused:
        shop.counter.refund(done, 100_000)
    assert refused.value.extra["to_return_fen"] == 5_000

    told = {"revision": made.id, "sale": done.id, "reference": "B20261122"}
    finance = shop.counter.town.world.staff(Role.FINANCE)
    with pytest.raises(ReturnTooMuch):
        service.propose_return(shop.core, actor=finance, amount=RAISED, **told)
    proposed = service.propose_return(shop.core, actor=finance, amount=Money(GAP), **told)
    with pytest.raises(DifferenceToReturn):  # not yet agreed to
        shop.counter.refund(done, PRICE)
    shop.counter.town.world.approve(proposed)
    assert borne(shop.core, made) == (0, 0)
    line = shop.line(buyer)
    assert (line.state, line.kept.fen) == (LineState.RETURNED, 0)
    with pytest.raises(ReturnTooMuch):
        service.propose_return(shop.core, actor=finance, amount=Money(1), **told)
    assert shop.counter.refund(done, PRICE).parts.subsidy.fen == RAISED.fen - GAP
    shop.counter.clean()


def test_one_bank_reference_is_one_return(shop: Shop, office: Office, owed: Owed) -> None:
    made, _, done = owed
    finance = shop.counter.town.world.staff(Role.FINANCE)
    told = {"actor": finance, "revision": made.id, "sale": done.id, "amount": Money(5_000)}
    with pytest.raises(NoSuchThing):  # nothing was paid
        service.propose_return(shop.core, reference="B1", **told)
    office.settle()
    shop.counter.town.world.approve(service.propose_return(shop.core, reference="B1", **told))
    with pytest.raises(ReturnReferenceReused):
        service.propose_return(shop.core, reference="B1", **told)
    assert shop.counter.refund(done, 100_000).parts.cash.fen > 0
    shop.counter.clean()


def test_a_difference_that_the_bank_sent_back_is_cancelled_with_its_unit(
    shop: Shop, office: Office, owed: Owed
) -> None:
    made, buyer, done = owed
    office.settle(lambda _: BOUNCED)
    assert shop.line(buyer).state is LineState.PAYABLE
    shop.counter.refund(done, PRICE)
    assert borne(shop.core, made) == (0, 0)
    office.next_day()
    assert office.draft().payments == 0
    shop.counter.clean()


@pytest.mark.parametrize("first", ["refund", "send"])
def test_a_refund_and_the_payment_at_once_never_pay_for_a_unit_that_went_back(
    shop: Shop, office: Office, owed: Owed, first: str
) -> None:
    made, _, done = owed
    batch = office.approve(office.draft())
    ended: dict[str, object] = {}
    gate = threading.Barrier(2)

    def run(name: str, act: Callable[[], object]) -> None:
        gate.wait()
        try:
            ended[name] = act()
        except DomainError as error:
            ended[name] = error

    acts: dict[str, Callable[[], object]] = {
        "refund": lambda: shop.counter.refund(done, PRICE),
        "send": lambda: office.send(batch),
    }
    order = sorted(acts, key=lambda one: one != first)
    threads = [threading.Thread(target=run, args=(one, acts[one])) for one in order]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    (line,) = [one for one in office.lines(batch) if one.kind is LineKind.PERSON]
    if isinstance(ended["refund"], DifferenceOnItsWay):
        assert line.status is LineStatus.DUE and line.payment is not None
        assert borne(shop.core, made) == (GAP, 0)
    else:
        assert not isinstance(ended["refund"], DomainError), ended
        assert line.status is LineStatus.LEFT_OUT
        assert borne(shop.core, made) == (0, 0)
        office.answer(batch)
        assert borne(shop.core, made) == (0, 0)
    shop.counter.clean()
