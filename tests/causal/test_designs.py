"""What the books and a file give each design: who stood where in a queue, orders, areas."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.causal import panels
from tests.make import JIANGCHENG, World
from voucher_service.allocation.model import SoldOut
from voucher_service.campaigns.model import Offer, OfferKind, RefundRule
from voucher_service.causal import bunching, counting, service, weeks, words
from voucher_service.causal.model import Counted, Design, Verdict
from voucher_service.causal.outcomes import Kind, OutcomeFile, OutcomeFileInvalid
from voucher_service.causal.service import Estimate, estimating, sampling
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import CashierId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.reports import causal
from voucher_service.vouchers import refusals
from voucher_service.vouchers import service as vouchers

QUOTA = 5


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    return World(core)


@pytest.fixture(scope="module")
def finance(city: World) -> Actor:
    return city.staff(Role.FINANCE)


def imported(
    city: World, finance: Actor, offer: Offer, kind: Kind, rows: panels.Rows
) -> tuple[OutcomeFile, list[Estimate]]:
    file = panels.written(offer, kind, rows)
    made = service.import_file(city.core, actor=finance, stream=file)
    estimating.compute(city.core, offer=offer.id)
    return made, service.of_offer(city.core, actor=finance, offer=offer.id)


def test_a_queue_is_ranked_from_its_last_slot(city: World, finance: Actor) -> None:
    opens = city.now() + timedelta(minutes=10)
    draft = city.draft()
    offer = city.offer(city.plan(quota=QUOTA, opens_at=opens), campaign=draft)
    comers = city.residents(2 * QUOTA)
    for one in comers:
        service.agree(city.core, actor=one)
    later = World(with_clock(city.core, Clock(opens)))
    for one in comers[:QUOTA]:
        later.redeem(later.claim(offer, one))
    for one in comers[QUOTA:]:
        with pytest.raises(SoldOut):
            later.claim(offer, one)
    refusals.flush(city.core)
    told = service.keys(
        city.core, actor=finance, offer=offer.id, provider="unionpay", salt=b"a provider's salt"
    )
    keys = [key for key, _ in told]
    file, found = imported(city, finance, offer, Kind.PANEL, panels.panel(offer, {}, keys))
    begins, ends = weeks.valid(offer)
    with city.core.transaction() as session:
        people = counting.people(session, file, Design.CUTOFF, begins, ends)
    assert [rank for rank, *_ in people] == list(range(1 - QUOTA, QUOTA + 1))
    assert [redeemed for *_, redeemed in people] == [2_000] * QUOTA + [0] * QUOTA
    assert {(one.design, one.verdict, one.unit) for one in found} == {
        (Design.CUTOFF, Verdict.TOO_SMALL, Counted.ENTRANTS)
    }
    assert "500" in words.sentence(found[0], "en")


def test_who_was_refused_and_tried_again_stays_outside(city: World, finance: Actor) -> None:
    opens = city.now() + timedelta(minutes=10)
    plan = replace(city.plan(quota=2, opens_at=opens), refund_rule=RefundRule.RESTORED)
    offer = city.offer(plan, campaign=city.draft())
    first, second, again = comers = city.residents(3)
    for one in comers:
        service.agree(city.core, actor=one)
    clock, till = Clock(opens), city.cashier()
    there = World(with_clock(city.core, clock))
    given, _ = there.claim(offer, first), there.claim(offer, second)
    with pytest.raises(SoldOut):
        there.claim(offer, again)
    refusals.flush(city.core)
    order = there.redeem(given, till).value
    redemption.refund(
        there.core,
        actor=till,
        redemption=order.id,
        amount=order.order_amount,
        reason="顾客退货",
        key=uuid4().hex,
    )
    clock.set(opens + timedelta(minutes=5))
    vouchers.prepare_gate(there.core, offer=offer.id, refill=True)
    there.claim(offer, again)
    with city.core.transaction() as session:
        rows = session.execute(text(counting.ENTRANTS["cutoff"]), {"offer": offer.id}).all()
    inside = {row.resident_id for row in rows if row.rank <= 0}
    assert inside == {first.id, second.id}
    assert [row.resident_id for row in rows if row.rank > 0] == [again.id]


def test_orders_of_tills_are_classed_by_amount_and_tied_to_what_was_redeemed(
    city: World, finance: Actor
) -> None:
    offer, till = city.offer(), city.cashier()
    redemption = city.redeem(city.claim(offer), till).value
    opens, ends = weeks.valid(offer)
    today = opens + timedelta(days=1)
    rows = [(redemption.shop_id, today, f"S{n}", 10_000 + 40 * n) for n in range(8)]
    file, (found,) = imported(city, finance, offer, Kind.ORDERS, rows)
    assert (found.design, found.verdict) == (Design.BUNCHING, Verdict.TOO_SMALL)
    assert (found.have, found.needed, found.unit) == (1, bunching.FEWEST, Counted.SHOPS)
    assert not found.invented
    with city.core.transaction() as session:
        classes = counting.order_classes(session, file.id, opens=opens, ends=ends, step=200)
    assert classes == [(redemption.shop_id, 50, 3), (redemption.shop_id, 51, 5)]


def test_areas_with_redemptions_stand_against_areas_without(city: World, finance: Actor) -> None:
    offer = city.offer()
    city.redeem(city.claim(offer), city.cashier(area=JIANGCHENG))
    areas = (JIANGCHENG, "441704", "441721")
    rows = [
        (area, monday, "dining", 1_000, 30_000_000, 9_000)
        for area in areas
        for monday in panels.mondays(offer)
    ]
    file, found = imported(city, finance, offer, Kind.AREAS, rows)
    assert {(one.design, one.verdict, one.have) for one in found} == {
        (Design.AREAS, Verdict.TOO_SMALL, 3)
    }
    with city.core.transaction() as session:
        about, now = (session, file.id, offer.programme_id), city.now()
        later = now + timedelta(minutes=1)
        told = counting.area_weeks(*about, since=now - timedelta(hours=1), until=later)
        other = counting.area_weeks(*about, since=later, until=later + timedelta(weeks=4))
    redeemed = {area: int(back) for area, _, _, _, back in told}
    assert {int(back) for *_, back in other} == {0}, "another campaign's weeks"
    first = panels.mondays(offer)[0]
    late = panels.written(offer, Kind.AREAS, [row for row in rows if row[1] != first])
    with pytest.raises(OutcomeFileInvalid):
        service.import_file(city.core, actor=finance, stream=late)
    assert redeemed == {JIANGCHENG: 2_000, "441704": 0, "441721": 0}


@pytest.mark.parametrize("kind", [Kind.ORDERS, Kind.AREAS])
def test_invented_files_are_about_the_shops_and_areas_of_the_books(
    city: World, finance: Actor, kind: Kind
) -> None:
    offer, till = city.offer(), city.cashier(area=JIANGCHENG)
    city.redeem(city.claim(offer), till)
    file = "\n".join(sampling.invented(city.core, offer=offer.id, kind=kind, effect=3.0, seed=1))
    service.import_file(city.core, actor=finance, stream=io.BytesIO(file.encode()))
    estimating.compute(city.core, offer=offer.id)
    found = service.of_offer(city.core, actor=finance, offer=offer.id)
    assert {one.invented for one in found} == {True}
    assert "没有结果数据" in causal.sentence(found, "zh-CN")


def test_orders_say_nothing_of_an_offer_without_a_threshold(city: World, finance: Actor) -> None:
    plan = city.plan()
    rate = replace(plan, kind=OfferKind.PERCENT_CAPPED, rate_bps=2_000, threshold=Money(5))
    offer, shop = city.offer(rate), city.cashier()
    with city.core.transaction() as session:
        where = merchants.till(session, cashier=CashierId(shop.id)).shop_id  # type: ignore[arg-type]
    rows = [(where, weeks.valid(offer)[0], "S1", 10_000)]
    with pytest.raises(OutcomeFileInvalid) as caught:
        imported(city, finance, offer, Kind.ORDERS, rows)
    assert "没有满减门槛" in caught.value.extra["lines"][0]["text"]
