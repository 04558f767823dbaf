"""What is sold and applied for is looked at by itself, against everything before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import text

from tests.services.car_applicants import filled, new_car
from tests.services.sold import MONDAY, Street, picture
from tests.tradein.fraud.memory import Memory
from voucher_service.allocation import degraded
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Evidence
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import RedemptionId
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.review import service as review
from voucher_service.tradein.review.model import ProofKind
from voucher_service.tradein.risk import reading, service
from voucher_service.tradein.risk.assessing import assess
from voucher_service.tradein.risk.facts import Subject
from voucher_service.tradein.risk.findings import Kind
from voucher_service.tradein.risk.service import Look
from voucher_service.tradein.sales import service as sales
from voucher_service.tradein.sales.model import SaleStatus, Traces

LINKS = text("SELECT links FROM trade_in_sale WHERE redemption_id = ANY(:ids)")
SPELT = text("UPDATE trade_in_sale SET serial = :serial WHERE redemption_id = :id")


@pytest.fixture(scope="module")
def street(core: Core) -> Iterator[Street]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(degraded, "_AGAIN_SECONDS", 0.0)
        yield Street(with_clock(core, Clock(MONDAY)))


@pytest.fixture
def till(street: Street) -> Actor:
    return street.world.cashier()


def sold(street: Street, till: Actor, serial: str, minutes: int = 0) -> RedemptionId:
    """A phone with this serial number, sold so many minutes after noon."""
    later = street.at(MONDAY + timedelta(minutes=minutes))
    id = later.sell(till)
    with street.core.transaction() as session:
        session.execute(SPELT, {"serial": serial, "id": id})
    return id


def everything(core: Core) -> None:
    while service.assess_due(core):
        pass


def look(street: Street, id: UUID, kind: Subject = Subject.SALE) -> Look:
    with street.core.transaction() as session:
        return service.findings(session, kind=kind, id=id)


def kinds(street: Street, id: UUID, kind: Subject = Subject.SALE) -> list[Kind]:
    return [one.kind for one in look(street, id, kind).findings]


def test_a_sale_is_not_weighed_before_it_was_looked_at(street: Street, till: Actor) -> None:
    sale = sold(street, till, "WX70001")
    with street.core.transaction() as session:
        assert service.weights(session, kind=Subject.SALE, ids=[sale]) == {}
    assert look(street, sale).at is None
    everything(street.core)
    with street.core.transaction() as session:
        assert service.weights(session, kind=Subject.SALE, ids=[sale]) == {sale: 0}
    assert look(street, sale) == Look(MONDAY, look(street, sale).weight, ())


def test_a_number_that_looks_like_one_sold_before_is_found_and_says_which(
    street: Street, till: Actor
) -> None:
    first, again = sold(street, till, "KX20O1I7"), sold(street, till, "KX2-00117", 5)
    everything(street.core)
    found = look(street, again).findings
    assert [one.kind for one in found] == [Kind.NEAR_SERIAL]
    assert found[0].others == (first,)
    assert found[0].told == {"serial": "KX2-00117", "other": "KX20O1I7"}
    assert kinds(street, first) == []


def test_what_was_sent_back_may_be_sold_again(street: Street, till: Actor) -> None:
    first = sold(street, till, "RB-500417")
    everything(street.core)
    with street.core.transaction() as session:
        sales.undo(session, id=first, current=SaleStatus.SOLD)
    again = sold(street, till, "RB500417", 5)
    everything(street.core)
    assert kinds(street, again) == []


def test_a_photo_that_comes_again_is_found_when_it_is_handed_in_packed_again_too(
    street: Street, till: Actor
) -> None:
    shot = picture()
    photos = {"first": shot, "copy": shot, "alike": packed_again(shot), "honest": picture()}
    made = {name: sold(street, till, f"PH4417{n}X", n) for n, name in enumerate(photos)}
    review.open_due(street.core)
    everything(street.core)
    for name, data in photos.items():
        assert kinds(street, made[name]) == []
        street.hand_in(till, made[name], ProofKind.UNBOXING, data=data)
    everything(street.core)
    assert {name: kinds(street, id) for name, id in made.items()} == {
        "first": [],
        "copy": [Kind.SAME_PHOTO],
        "alike": [Kind.LIKE_PHOTO],
        "honest": [],
    }
    assert look(street, made["copy"]).weight > look(street, made["alike"]).weight >= 50


def packed_again(data: bytes) -> bytes:
    """As a messenger sends it on."""
    with Image.open(BytesIO(data)) as drawn:
        made = BytesIO()
        drawn.resize((90, 90)).save(made, "JPEG", quality=50)
    return made.getvalue()


def test_one_account_of_two_applicants_is_found_in_both_of_them(
    street: Street,
) -> None:
    core = street.world.core
    car = new_car("-")
    turned = car.vin[:15] + car.vin[:14:-1]
    turned = turned if turned != car.vin else car.vin[:-1] + ("1" if car.vin[-1] != "1" else "2")
    later = with_clock(core, Clock(MONDAY.replace(month=9, day=29)))
    ids = []
    for vin in (car.vin, turned):
        who = filled(
            later, street.world.resident(), new=replace(car, vin=vin, invoice=vin_digits(vin))
        )
        applications.submit(later, actor=who.actor, application=who.application)
        ids.append(who.application)
        later = with_clock(core, Clock(MONDAY.replace(month=9, day=29, hour=14)))
    everything(street.core)
    first, second = (kinds(street, id, Subject.APPLICATION) for id in ids)
    assert Kind.SHARED_LINK in first
    assert Kind.SHARED_LINK in second


def vin_digits(vin: str) -> str:
    """A number of an invoice, another for each car."""
    return f"{int.from_bytes(vin.encode()) % 10**20:020}"


def test_a_circle_of_straw_buyers_at_one_till_is_found_by_card_phone_and_device(
    street: Street, till: Actor
) -> None:
    told = ("tok_7081", "138 0013 8000", "松涛路 12 号，301 室")
    spelt = ("TOK-7081", "+86-138-0013-8000", "松涛路12号 ３０１室")
    straws = [
        replace(one, evidence=Evidence(device_id="one phone for all"))
        for one in street.world.residents(4)
    ]
    sold_to = [
        street.at(MONDAY + timedelta(days=1, minutes=2 * n)).sell(
            till, straw, traces=Traces(*(told if n % 2 else spelt))
        )
        for n, straw in enumerate(straws)
    ]
    honest = street.sell(till, traces=Traces("tok_1", "139 0000 0001", "东风路 1 号"))
    everything(street.core)
    for id in sold_to:
        found = {one.kind: one for one in look(street, id).findings}
        assert Kind.CIRCULAR in found
        assert found[Kind.CIRCULAR].told["persons"] == 4
        assert found[Kind.SHARED_LINK].told["link"] == "card"
    assert look(street, honest).findings == ()
    with street.core.transaction() as session:
        kept = session.execute(LINKS, {"ids": sold_to}).scalars().all()
    assert all(set(one) == {"card", "phone", "address"} for one in kept)
    assert "7081" not in str(kept)


def test_a_device_that_was_in_use_before_its_sale_is_found(street: Street, till: Actor) -> None:
    id = street.sell(till, activated_on=date(2026, 2, 20))
    fresh = street.sell(till, activated_on=date(2026, 3, 2))
    everything(street.core)
    assert kinds(street, id) == [Kind.ACTIVATED_BEFORE]
    assert kinds(street, fresh) == []


def test_a_look_that_was_cut_off_or_is_made_again_comes_to_the_same(
    street: Street, till: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [sold(street, till, f"0QX99{n % 3}O{n % 3}", n) for n in range(6)]
    with monkeypatch.context() as patch:
        patch.setattr(service, "assess", _cut_off)
        with pytest.raises(InterruptedError):
            service.assess_due(street.core)
    assert all(look(street, id).at is None for id in ids)
    monkeypatch.setattr(service, "BATCH", 2)
    everything(street.core)
    before = [look(street, id).findings for id in ids]
    assert sum(bool(found) for found in before) == 3
    with street.core.transaction() as session:
        for id in ids:
            service.look_again(session, kind=Subject.SALE, id=id)
    everything(street.core)
    assert [look(street, id).findings for id in ids] == before


def _cut_off(*_: object) -> None:
    raise InterruptedError


def test_postgresql_finds_the_neighbours_that_memory_finds(street: Street) -> None:
    everything(street.core)
    with street.core.transaction() as session:
        ids = session.execute(text("SELECT redemption_id FROM trade_in_sale")).scalars().all()
        facts = reading.facts(session, Subject.SALE, ids)
    found = {}
    for one in sorted(facts.values(), key=lambda one: (one.at, one.id)):
        memory = found.setdefault("memory", Memory())
        for made in assess([one], memory):
            found[made.facts.id] = made.findings
    assert len(facts) > 10
    assert {id: look(street, id).findings for id in facts} == {id: found[id] for id in facts}
