"""Units sold with qualifications at a till, in one step or two, and all that undoes a sale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from uuid import uuid4

import pytest

from tests.tradein.counter import DUAL_GTIN, Counter, code_of, imei, known_goods, unit
from tests.tradein.town import open_town
from voucher_service.goods import service as goods
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind
from voucher_service.kernel.clock import day_of, end_of
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import (
    OtherDiscount,
    Payer,
    Phase,
    Recovery,
    Redemption,
    Status,
)
from voucher_service.redemption.refunds import Fate, UnitCameBack
from voucher_service.redemption.service import Ask
from voucher_service.tradein import service as tradein
from voucher_service.tradein.identifiers import GtinInvalid
from voucher_service.tradein.qualifications import Every
from voucher_service.tradein.qualifications import Status as Standing
from voucher_service.tradein.sales import service as sales
from voucher_service.tradein.sales.model import (
    PayerNotHolder,
    QualificationFrozen,
    QualificationUsed,
    Sale,
    SaleStatus,
    SubsidyShort,
    UnitSoldBefore,
)
from voucher_service.tradein.service import issuing, pools

SUBSIDY = Money(45_000)  # 15 % of 3,000 yuan


@pytest.fixture(scope="module")
def counter(core: Core) -> Iterator[Counter]:
    """A counter with a month's pool of phones and tablets, for all of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        town = open_town(core, patch)
        known_goods(town)
        yield Counter(town, town.pool(release_quota=1_000))


def sale_of(counter: Counter, done: Redemption) -> Sale:
    with counter.town.core.transaction() as session:
        return sales.sale(session, id=done.id)


def test_a_unit_is_frozen_paid_and_sold_and_the_money_moves_with_it(counter: Counter) -> None:
    all_of_it = sum(counter.money())
    claimed = counter.town.claim()
    frozen = counter.freeze(claimed, discounts=(OtherDiscount(Payer.BANK, Money(5_000)),))
    assert (frozen.status, frozen.discount, frozen.voucher_id) == (Status.FROZEN, SUBSIDY, None)
    assert (frozen.qualification_id, frozen.payable) == (claimed.id, Money(255_000))
    assert frozen.paid == Money(250_000)
    assert counter.money() == (all_of_it - SUBSIDY.fen, SUBSIDY.fen, 0)
    done = counter.commit(frozen)
    assert done.status is Status.COMMITTED
    assert counter.money() == (all_of_it - SUBSIDY.fen, 0, SUBSIDY.fen)
    assert counter.standing(claimed) == "used"
    sale = sale_of(counter, done)
    assert (sale.status, sale.subsidy, sale.policy_id) == (SaleStatus.SOLD, SUBSIDY, "digital-2026")
    counter.clean()


def test_one_step_sells_too(counter: Counter) -> None:
    claimed = counter.town.claim()
    done = counter.sell(claimed)
    assert done.sale is not None
    assert (done.status, done.sale.status) == (Status.COMMITTED, SaleStatus.SOLD)
    assert counter.standing(claimed) == "used"
    counter.clean()


@pytest.mark.parametrize("end", ["cancel", "lapse", "reverse", "release"])
def test_a_freeze_that_ends_without_a_sale_leaves_everything_as_it_was(
    counter: Counter, end: str
) -> None:
    before, claimed, item = counter.money(), counter.town.claim(), unit()
    frozen = counter.freeze(claimed, item)
    core = counter.town.core
    if end == "cancel":
        counter.cancel(frozen)
    elif end == "lapse":
        assert redemption.lapse_due(counter.town.at(timedelta(minutes=3)).core) == 1
    elif end == "reverse":
        counter.reverse(frozen)
    else:
        holder = Actor(ActorKind.RESIDENT, claimed.resident_id)
        redemption.release(core, actor=holder, redemption=frozen.id)
    assert counter.money() == before
    assert counter.standing(claimed) == "claimed"
    assert sale_of(counter, frozen).status is SaleStatus.UNDONE
    assert counter.sell(claimed, item).status is Status.COMMITTED
    counter.clean()


def test_a_reversal_is_as_if_nothing_had_been_sold(counter: Counter) -> None:
    before, claimed, item = counter.money(), counter.town.claim(), unit()
    counter.reverse(counter.sell(claimed, item))
    assert (counter.money(), counter.standing(claimed)) == (before, "claimed")
    counter.sell(claimed, item)
    counter.clean()


def test_a_unit_is_sold_once_for_ever_by_serial_and_by_either_imei(counter: Counter) -> None:
    sold = unit(imei2=imei())
    counter.sell(item=sold)
    for taken in (
        {"serial": sold["serial"].lower()},
        {"imei1": sold["imei2"]},
        {"imei2": sold["imei1"]},
    ):
        with pytest.raises(UnitSoldBefore):
            counter.sell(item=unit(**taken))
    counter.clean()


def test_a_used_qualification_says_when_and_where(counter: Counter) -> None:
    claimed = counter.town.claim()
    done = counter.sell(claimed)
    with pytest.raises(QualificationUsed) as refusal:
        counter.sell(claimed)
    assert refusal.value.extra["shop"] == done.shop_name


def test_a_frozen_qualification_says_until_when_and_waits_for_no_sweep(counter: Counter) -> None:
    claimed = counter.town.claim()
    frozen = counter.freeze(claimed)
    with pytest.raises(QualificationFrozen) as refusal:
        counter.freeze(claimed)
    assert refusal.value.params == {"frozen_until": frozen.freeze_expires_at}
    later = Counter(counter.town.at(timedelta(minutes=3)), counter.pool)
    assert later.freeze(claimed).status is Status.FROZEN


def test_one_frozen_before_midnight_of_its_last_day_can_be_paid_after(counter: Counter) -> None:
    claimed = counter.town.claim()
    last_minute = claimed.valid_until - counter.town.world.now() - timedelta(seconds=30)
    evening = Counter(counter.town.at(last_minute), counter.pool)
    frozen = evening.freeze(claimed)
    night = counter.town.at(last_minute + timedelta(minutes=1))
    tradein.lapse_due(night.core)
    done = redemption.commit(
        night.core, actor=evening.till, redemption=frozen.id, key=uuid4().hex
    ).value
    assert done.status is Status.COMMITTED


def test_a_full_refund_restores_the_qualification_for_three_days_at_least(
    counter: Counter,
) -> None:
    before, claimed, item = counter.money(), counter.town.claim(), unit()
    done = counter.sell(claimed, item)
    late = Counter(counter.town.at(timedelta(days=5)), counter.pool)
    late.till = counter.till
    given = late.refund(done, 300_000)
    assert (given.parts.subsidy, given.parts.cash) == (SUBSIDY, Money(255_000))
    assert given.qualification_status is Standing.CLAIMED
    assert given.valid_until == end_of(day_of(late.town.world.now()) + timedelta(days=2))
    assert late.standing(claimed) == "claimed"
    assert sale_of(counter, done).status is SaleStatus.UNDONE
    assert counter.money()[0] == before[0]
    late.sell(claimed, item)
    late.clean()


def test_after_its_pool_a_refunded_qualification_is_over(counter: Counter) -> None:
    claimed = counter.town.claim()
    done = counter.sell(claimed)
    late = Counter(counter.town.at(timedelta(days=40)), counter.pool)
    late.till = counter.till
    given = late.refund(done, 300_000)
    assert (given.fate, given.qualification_status) == (Fate.CLOSED, Standing.GIVEN_UP)
    assert late.standing(claimed) == "given_up"


def test_a_lowered_price_keeps_the_subsidy_of_the_lower_price(counter: Counter) -> None:
    claimed, item = counter.town.claim(), unit()
    done = counter.sell(claimed, item)
    given = counter.refund(done, 100_000)
    assert (given.parts.subsidy, given.parts.cash) == (Money(15_000), Money(85_000))
    sale = sale_of(counter, done)
    assert (sale.price, sale.subsidy, sale.case.price) == (
        Money(200_000),
        Money(30_000),
        Money(200_000),
    )
    assert (sale.status, counter.standing(claimed)) == (SaleStatus.SOLD, "used")
    with pytest.raises(UnitSoldBefore):
        counter.sell(item=item)
    counter.clean()
    rest = counter.refund(done, 200_000)
    assert (rest.parts.subsidy, counter.standing(claimed)) == (Money(30_000), "claimed")
    counter.clean()


def test_whoever_gets_more_than_half_of_the_price_back_gives_the_unit_back(
    counter: Counter,
) -> None:
    claimed = counter.town.claim()
    done = counter.sell(claimed)
    for fen in (299_999, 150_001):
        with pytest.raises(UnitCameBack) as refused:
            counter.refund(done, fen)
        assert refused.value.extra == {"most_fen": 150_000}
    counter.refund(done, 100_000)
    with pytest.raises(UnitCameBack) as refused:
        counter.refund(done, 50_001)
    assert refused.value.extra == {"most_fen": 50_000}
    counter.refund(done, 50_000)
    assert counter.standing(claimed) == "used"
    counter.refund(done, 150_000)
    assert counter.standing(claimed) == "claimed"
    counter.clean()


def at_once(*deeds: Callable[[], Redemption]) -> list[Redemption | DomainError]:
    """What becomes of deeds that begin together."""
    start = Barrier(len(deeds))

    def do(deed: Callable[[], Redemption]) -> Redemption | DomainError:
        start.wait()
        try:
            return deed()
        except DomainError as refusal:
            return refusal

    with ThreadPoolExecutor(len(deeds)) as crowd:
        return list(crowd.map(do, deeds))


def test_eight_tills_sell_one_unit_once(counter: Counter) -> None:
    before, item = counter.money(), unit()
    holders, tills = [counter.town.claim() for _ in range(8)], _tills(counter)
    ends = at_once(
        *(
            partial(counter.freeze, holder, item, till=till)
            for holder, till in zip(holders, tills, strict=True)
        )
    )
    won = [one for one in ends if isinstance(one, Redemption)]
    assert len(won) == 1
    assert {type(one) for one in ends} == {Redemption, UnitSoldBefore}
    assert counter.money()[:2] == (before[0] - SUBSIDY.fen, before[1] + SUBSIDY.fen)
    counter.clean()


def test_eight_tills_use_one_qualification_once(counter: Counter) -> None:
    before, mine = counter.money(), counter.town.claim()
    ends = at_once(*(partial(counter.freeze, mine, till=till) for till in _tills(counter)))
    assert sorted(type(one).__name__ for one in ends) == ["QualificationFrozen"] * 7 + [
        "Redemption"
    ]
    assert counter.money()[:2] == (before[0] - SUBSIDY.fen, before[1] + SUBSIDY.fen)
    counter.clean()


def _tills(counter: Counter) -> list[Actor]:
    return [counter.town.world.cashier() for _ in range(8)]


def test_orders_of_one_moment_share_a_batch_and_one_unit_is_still_sold_once(
    counter: Counter,
) -> None:
    item, tills = unit(), _tills(counter)[:4]
    units = [item, unit(price_fen=200_000), item, unit(gtin="6901234567893")]
    asks = [
        Ask(
            till, code_of(counter.town.world, counter.town.claim()), counter.order(one), uuid4().hex
        )
        for till, one in zip(tills, units, strict=True)
    ]
    first, second, again, wrong = redemption.redeem_many(counter.town.core, asks)
    assert isinstance(second, Outcome) and second.value.discount == Money(30_000)
    assert {type(first), type(again)} == {Outcome, UnitSoldBefore}
    assert isinstance(wrong, GtinInvalid)
    counter.clean()


def test_a_unit_that_was_paid_for_and_comes_back_is_owed_by_the_merchant(
    counter: Counter,
) -> None:
    core, done = counter.town.core, counter.sell()
    for phase in (Phase.BATCHED, Phase.PAID):
        with core.transaction() as session:
            due = redemption.mark_settled(
                session, ids=[done.id], phase=phase, now=core.now(session), actor=SYSTEM
            )
            assert due == {done.id: SUBSIDY}
    given = counter.refund(done, 300_000)
    assert given.recovery is Recovery.CLAW_BACK
    assert redemption.owed_here(core, actor=counter.till).receivable == SUBSIDY
    counter.clean()


def test_what_was_sold_is_in_the_history_of_prices(counter: Counter) -> None:
    cheap = unit(gtin=DUAL_GTIN, imei2=imei(), price_fen=123_400)
    done = counter.sell(item=cheap, list_price=Money(150_000))
    tomorrow = day_of(counter.town.world.now()) + timedelta(days=1)
    with counter.town.core.transaction() as session:
        lowest = goods.lowest_seen(session, gtin=f"0{DUAL_GTIN}", on=tomorrow, days=30)
        decided = list(sales.decisions(session, policies=["digital-2026"]))
    assert lowest == Money(123_400)
    mine = next(one for one in decided if one.id == done.id)
    assert (mine.subsidy, mine.case.price) == (Money(18_510), Money(123_400))
    assert sale_of(counter, done).list_price == Money(150_000)


def test_who_pays_and_receives_is_compared_with_the_holder_and_forgotten(
    counter: Counter,
) -> None:
    claimed = counter.town.claim()
    with counter.town.core.transaction() as session:
        name = identity.name_of(
            session, keyring=counter.town.core.keyring, resident=claimed.resident_id
        )
    with pytest.raises(PayerNotHolder) as refusal:
        counter.freeze(claimed, payer=name, receiver="某某人")
    assert refusal.value.extra == {"who": "receiver"}
    done = counter.freeze(claimed, payer=f" {name} ")
    sale = sale_of(counter, done)
    assert (sale.payer_matches, sale.receiver_matches) == (True, None)


# The last one: its town closes the pool of the others.
def test_a_holder_for_whom_money_is_short_keeps_theirs_and_stands_first_in_line(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if fewer lapsed than ever before: three are out for the money of one and a half."""
    town = open_town(core, monkeypatch)
    for one in (issuing, pools):
        monkeypatch.setattr(one, "places", lambda *_, **__: 3)
    pool = town.pool(every=Every.MONTH, release_quota=3, overbook_bps=10_000)
    counter, (first, short, _) = Counter(town, pool), [town.claim() for _ in range(3)]
    dear = unit(price_fen=400_000)
    spent = counter.freeze(first)
    other = town.world.resident()
    tradein.wait(town.core, actor=other, category=short.category)
    with pytest.raises(SubsidyShort) as refusal:
        counter.freeze(short, dear)
    assert refusal.value.extra == {"subsidy_fen": 50_000}
    mine = Actor(ActorKind.RESIDENT, short.resident_id)
    places = [tradein.waiting(town.core, actor=who)[0].place for who in (mine, other)]
    assert (counter.standing(short), places) == ("claimed", [1, 2])
    assert tradein.promote_due(town.core) == 0
    counter.cancel(spent)
    assert tradein.promote_due(town.core) == 1
    assert (tradein.waiting(town.core, actor=mine), counter.sell(short, dear).discount) == (
        [],
        Money(50_000),
    )
    counter.clean()
