"""What the signals of risk find in one purchase among its neighbours, and what they leave alone."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tradein.fraud import numbers, pictures
from tests.tradein.fraud.memory import Memory
from tests.tradein.fraud.town import RULE
from voucher_service.goods import pricing
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.money import Money
from voucher_service.merchants.place import Position
from voucher_service.tradein.policy import Category, Energy, Scheme
from voucher_service.tradein.risk import likeness
from voucher_service.tradein.risk.assessing import Assessed, assess
from voucher_service.tradein.risk.facts import ApplicationFacts, Facts, Link, Photo, SaleFacts
from voucher_service.tradein.risk.findings import Finding, Kind, Weight
from voucher_service.tradein.risk.scoring import weigh
from voucher_service.tradein.risk.spelling import close_invoices, serial_alike
from voucher_service.tradein.risk.words import sentence

NOON = datetime(2026, 5, 6, 12, tzinfo=SHANGHAI)
MERCHANT, SHOP = UUID(int=7), UUID(int=8)
GTIN = "06901234567892"


def sale(**given: Any) -> SaleFacts:
    """An honest fridge at noon; each call is another one."""
    id = uuid4()
    usual: dict[str, Any] = {
        "id": id,
        "at": NOON,
        "resident": uuid4(),
        "merchant": MERCHANT,
        "shop": SHOP,
        "category": Category.REFRIGERATOR,
        "gtin": GTIN,
        "brand": "Alpha",
        "serial": f"QX{id.int % 10**12:012d}",
        "price": Money.of_yuan(3_000),
    }
    return SaleFacts(**usual | given)


def car(**given: Any) -> ApplicationFacts:
    """An honest application for a small car; each call is another one."""
    number = uuid4().int % 1_000_000
    usual: dict[str, Any] = {
        "id": uuid4(),
        "at": NOON,
        "resident": uuid4(),
        "scheme": Scheme.CAR_SCRAP,
        "new_vin": numbers.vin("LFV3A24G", number),
        "old_vin": numbers.vin("LSGPC52U", number),
        "energy": Energy.PETROL,
        "vehicle": "small",
        "seats": 5,
        "engine_ml": 1_498,
        "listed": False,
        "seats_most": 9,
        "engine_most_ml": 2_000,
        "catalogue": True,
    }
    return ApplicationFacts(**usual | given)


def photo(picture: Any, **given: Any) -> Photo:
    """A photo of a thing that holds this picture."""
    shot = pictures.shot(picture)
    usual = {"paper": "nameplate", "sha256": uuid4().hex, "thing": True}
    return Photo(**usual | {"likeness": shot.bits, "tiny": shot.tiny} | given)


def kinds(*subjects: Facts) -> dict[UUID, set[Kind]]:
    """What is found in each when they come in one after the other."""
    return {id: {one.kind for one in found.findings} for id, found in judged(*subjects).items()}


def judged(*subjects: Facts) -> dict[UUID, Assessed]:
    """The last word on each when they come in one after the other, a minute apart."""
    memory, found = Memory(), dict[UUID, Assessed]()
    for one in subjects:
        for assessed in assess([one], memory):
            found[assessed.facts.id] = assessed
    return found


def later(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_an_honest_sale_and_an_honest_application_have_nothing_to_find() -> None:
    assert not any(found.weight for found in judged(sale(), sale(at=later(5)), car()).values())


def test_a_serial_number_that_was_sold_before_is_found_at_the_second_sale_only() -> None:
    first = sale()
    again = sale(serial=first.serial, at=later(60))
    found = judged(first, again)
    assert found[first.id].findings == ()
    assert found[again.id].findings[0].kind is Kind.SAME_SERIAL
    assert found[again.id].findings[0].others == (first.id,)


@pytest.mark.parametrize("spelt", ["QXI0O0S8", "0QX10-00S8", "QX1000S8.", "QX100OS8"])
def test_a_serial_number_spelt_so_that_it_looks_alike_is_found(spelt: str) -> None:
    again = sale(serial=spelt, at=later(60))
    assert kinds(sale(serial="QX1000S8"), again)[again.id] == {Kind.NEAR_SERIAL}


def test_short_numbers_of_two_brands_may_agree() -> None:
    again = sale(serial="1234567", brand="Beta", at=later(60))
    assert judged(sale(serial="1234567"), again)[again.id].weight <= 5


def test_a_second_imei_that_was_the_first_of_another_phone_is_found() -> None:
    one, two, three = (numbers.imei(Random(n)) for n in range(3))
    again = sale(imeis=(three, one), at=later(60))
    assert kinds(sale(imeis=(one, two)), again)[again.id] == {Kind.SAME_DEVICE}


def test_a_device_that_was_activated_on_an_earlier_day_is_not_new() -> None:
    one = sale(activated_on=date(2026, 5, 5))
    assert kinds(one)[one.id] == {Kind.ACTIVATED_BEFORE}
    assert kinds(sale(activated_on=date(2026, 5, 6))).popitem()[1] == set()


def test_one_price_on_two_invoices_is_found_in_both_of_them() -> None:
    buyer, usual = uuid4(), Money.of_yuan(12_000)
    half = {"resident": buyer, "usual": usual, "price": Money.of_yuan(5_900)}
    first, second = sale(**half), sale(**half, at=later(3))
    assert kinds(first, second) == {first.id: {Kind.PRICE_SPLIT}, second.id: {Kind.PRICE_SPLIT}}


def test_three_air_conditioners_at_their_price_are_no_split_invoice() -> None:
    usual = {"resident": uuid4(), "category": Category.AIR_CONDITIONER}
    three = [
        sale(**usual, usual=Money.of_yuan(3_200), invoice=f"0440000014000001{n:02d}", at=later(n))
        for n in range(3)
    ]
    assert not any(found.weight for found in judged(*three).values())


def test_an_order_cut_into_many_buyers_is_found_in_the_first_of_them_too() -> None:
    run = [sale(invoice=f"0440000014000001{n:02d}", at=later(n)) for n in range(6)]
    assert all(found == {Kind.INVOICE_RUN} for found in kinds(*run).values())


def test_a_queue_of_strangers_with_minutes_between_them_is_no_order() -> None:
    queue = [sale(invoice=f"0440000014000001{n:02d}", at=later(4 * n)) for n in range(6)]
    assert not any(found.weight for found in judged(*queue).values())


def raised(percent: int, list_percent: int | None = None) -> Assessed:
    """A price so far above the lowest of the month before, from a list price so far above it."""
    low = Money.of_yuan(2_000)
    price = Money(low.fen * (100 + percent) // 100)
    listed = None if list_percent is None else Money(low.fen * (100 + list_percent) // 100)
    found = pricing.suspicions(pricing.Asked(price, listed), pricing.Lows(month=low), RULE)
    one = sale(price=price, list_price=listed, raised=found)
    return judged(one)[one.id]


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_more_a_price_was_raised_the_more_it_weighs(one: int, other: int) -> None:
    assert raised(min(one, other)).weight <= raised(max(one, other)).weight
    assert raised(0, one).weight == 0


def test_a_price_raised_and_cut_again_is_told_with_its_list_price() -> None:
    found = raised(10, 60).findings
    assert [one.kind for one in found] == [Kind.RAISED_THEN_CUT]
    assert found[0].told["list_fen"] == 320_000


def test_a_photo_is_known_again_when_it_was_packed_again_and_not_when_it_is_another_shot() -> None:
    by, original = Random(4), pictures.drawn(2, 77, 1)
    first = sale(photos=(photo(original),))
    copy = sale(photos=(photo(pictures.packed_again(original, by)),), at=later(60))
    other = sale(photos=(photo(pictures.drawn(2, 78, 2)),), at=later(90))
    found = judged(first, copy, other)
    assert [one.kind for one in found[copy.id].findings] == [Kind.LIKE_PHOTO]
    assert found[copy.id].findings[0].others == (first.id,)
    assert found[other.id].weight == 0


def test_two_shots_of_one_thing_weigh_less_when_their_cameras_say_two_times() -> None:
    original = pictures.drawn(2, 77, 1)
    first = sale(photos=(photo(original, taken_at=later(10)),))
    copy = sale(photos=(photo(original, taken_at=later(10)),), at=later(60))
    other = sale(photos=(photo(original, taken_at=later(70)),), at=later(60))
    assert judged(first, copy)[copy.id].weight >= 70
    assert judged(first, other)[other.id].weight < 20


def test_the_same_file_with_another_sale_is_found_and_an_identity_card_of_ones_own_is_not() -> None:
    resident = uuid4()
    card = Photo("id_front", "ab" * 32, thing=False)
    first, own = car(resident=resident, photos=(card,)), car(resident=resident, photos=(card,))
    assert not kinds(first, replace(own, at=later(9)))[own.id]
    strange = car(photos=(card,), at=later(9))
    assert kinds(first, strange)[strange.id] == {Kind.SAME_PHOTO}


def test_a_photo_from_before_the_sale_or_from_far_away_is_found() -> None:
    picture = pictures.drawn(1, 5, 5)
    far = photo(picture, taken_at=later(-3_000), position=Position(39.9, 116.4))
    one = sale(photos=(far,), place=Position(23.0, 113.7))
    assert kinds(one)[one.id] == {Kind.OLD_PHOTO, Kind.FAR_PHOTO}


def test_a_familys_phone_and_a_dormitorys_address_are_no_finding() -> None:
    links = {Link.PHONE: "mother", Link.ADDRESS: "dormitory"}
    family = [sale(links=links, gtin=f"{n}", category=list(Category)[n]) for n in range(4)]
    assert not any(found.weight for found in judged(*family).values())


def test_one_account_for_many_applicants_is_found_in_all_of_them() -> None:
    ring = [car(links={Link.ACCOUNT: "one"}, at=later(n)) for n in range(4)]
    assert all(found.weight >= 60 for found in judged(*ring).values())


def test_one_card_that_buys_for_many_at_one_merchant_goes_round() -> None:
    ring = [sale(links={Link.CARD: "one"}, at=later(90 * n)) for n in range(6)]
    assert all(Kind.CIRCULAR in found for found in kinds(*ring).values())


def test_a_vehicle_in_both_schemes_is_found_whichever_of_its_numbers_it_is() -> None:
    first = car()
    again = car(scheme=Scheme.CAR_REPLACE, new_vin=first.new_vin, at=later(5))
    given_up = car(scheme=Scheme.CAR_REPLACE, old_vin=first.old_vin, at=later(5))
    found = kinds(first, again, given_up)
    assert found[again.id] == found[given_up.id] == {Kind.SAME_VEHICLE}


def test_a_vin_with_two_signs_swapped_is_found_and_a_neighbour_with_a_right_one_is_not() -> None:
    first = car(new_vin=numbers.vin("LFV3A24G", 123_456))
    swapped = first.new_vin[:15] + "65"
    copied = car(new_vin=swapped, at=later(5))
    neighbour = car(new_vin=numbers.with_check_digit(swapped), at=later(9))
    found = kinds(first, copied, neighbour)
    assert found[copied.id] == {Kind.VEHICLE_ALIKE}
    assert Kind.VEHICLE_ALIKE not in kinds(first, neighbour)[neighbour.id]


def test_a_vin_made_right_is_found_by_a_letter_where_digits_stand() -> None:
    first = car(new_vin=numbers.vin("LFV3A24G", 123_458))
    copied = car(new_vin=numbers.with_check_digit(first.new_vin[:16] + "B"), at=later(5))
    assert kinds(first, copied)[copied.id] == {Kind.VEHICLE_ALIKE}


def test_a_dear_phone_cut_to_the_ceiling_with_the_rest_on_a_watch_is_found_in_both() -> None:
    buyer, ceiling = uuid4(), Money.of_yuan(6_000)
    phone = sale(
        resident=buyer, price=ceiling, ceiling=ceiling, usual=Money.of_yuan(7_200), gtin="phone"
    )
    usual = {"resident": buyer, "usual": Money.of_yuan(2_000), "ceiling": ceiling, "gtin": "watch"}
    rest = sale(**usual, price=Money.of_yuan(1_100), at=later(2))
    honest = sale(**usual, price=Money.of_yuan(1_900), at=later(2))
    assert all(Kind.PRICE_SPLIT in found for found in kinds(phone, rest).values())
    assert not any(Kind.PRICE_SPLIT in found for found in kinds(phone, honest).values())


@pytest.mark.parametrize(
    "wrong", [{"vehicle": "other"}, {"seats": 10}, {"engine_ml": 2_001}, {"energy": Energy.NEV}]
)
def test_a_vehicle_that_the_policy_leaves_out_is_found(wrong: dict[str, Any]) -> None:
    one = car(**wrong)
    assert kinds(one)[one.id] == {Kind.VEHICLE_INELIGIBLE}


def test_an_engine_typed_smaller_than_in_all_others_of_the_model_is_found() -> None:
    others = [car(engine_ml=2_398, engine_most_ml=None, at=later(n)) for n in range(6)]
    one = car(engine_ml=1_998, at=later(30))
    assert kinds(*others, one)[one.id] == {Kind.VEHICLE_UNLIKE_MODEL}


def test_findings_are_the_same_in_whichever_batches_subjects_come() -> None:
    buyer = {"resident": uuid4(), "usual": Money.of_yuan(12_000), "price": Money.of_yuan(6_000)}
    first = sale()
    all_of_them = [first, sale(serial=first.serial, at=later(1))]
    all_of_them += [sale(**buyer, at=later(2 + n)) for n in range(2)]
    together = assess(all_of_them, Memory())
    one_by_one = judged(*all_of_them)
    assert {one.facts.id: one.findings for one in together} == {
        id: one.findings for id, one in one_by_one.items()
    }


@given(st.lists(st.tuples(st.sampled_from(list(Kind)), st.integers(1, 100))))
def test_a_weight_stays_within_a_hundred_and_each_finding_adds_or_changes_nothing(
    given: list[tuple[Kind, int]],
) -> None:
    findings = [Finding(kind, Weight(weight)) for kind, weight in given]
    sums = [weigh(findings[:n]) for n in range(len(findings) + 1)]
    assert sums == sorted(sums)
    assert sums[0] == 0
    assert sums[-1] <= 100


@given(st.integers(0, 2**64 - 1), st.sets(st.integers(0, 63), max_size=likeness.FAR_BITS))
def test_no_picture_within_seven_bits_is_overlooked(bits: int, flipped: set[int]) -> None:
    other = bits
    for place in flipped:
        other ^= 1 << place
    assert set(likeness.kept_as(other)) & set(likeness.sought_as(bits))


@given(st.binary(min_size=256, max_size=256), st.binary(min_size=256, max_size=256))
def test_how_alike_two_pictures_are_is_the_same_from_both_sides(one: bytes, other: bytes) -> None:
    alike = likeness.correlation(one, other)
    assert alike == likeness.correlation(other, one)
    assert -10_001 <= alike <= 10_001


def test_short_serial_numbers_say_nothing_and_invoices_are_close_within_their_kind() -> None:
    assert serial_alike("00-12/3") is None
    assert close_invoices("044000000140000010", "044000000140000012")
    assert not close_invoices("044000000140000010", "044000000140000010")
    assert not close_invoices("26442000000000000001", "044000000140000012")


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_every_finding_is_told_as_a_sentence(locale: str) -> None:
    told = {
        "serial": "A", "other": "B", "imei": "1", "activated_on": "2026-05-05", "price_fen": 1,
        "other_fen": 2, "whole_fen": 3, "buyers": 4, "ceiling_fen": 5, "lowest_fen": 6,
        "percent": 7, "list_fen": 8, "paper": "nameplate", "days": 9, "kilometres": 10,
        "persons": 11, "link": "card", "count": 12, "vin": "V", "scheme": "car_scrap",
        "what": "seats",
    }  # fmt: skip
    for kind in Kind:
        text = sentence(Finding(kind, Weight(1), told=told), locale, papers={})
        assert "{" not in text
        assert bool(re.search("[一-鿿]", text)) == (locale == "zh-CN")
