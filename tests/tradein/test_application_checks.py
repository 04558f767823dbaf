"""What the machine finds in an application before people look: each finding by a near miss."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from voucher_service.kernel.money import Money
from voucher_service.tradein.applications import recording
from voucher_service.tradein.applications.checks import Filing, Found, check, same_name
from voucher_service.tradein.applications.model import Bought, Card, GivenUp, Vehicle, case_of
from voucher_service.tradein.policy import Energy, Scheme
from voucher_service.tradein.quote import quote
from voucher_service.tradein.shelf import shelf

NAME = "欧阳秀英"
RIGHT = Filing(
    scheme=Scheme.CAR_SCRAP,
    bought=Bought(
        vin="LSVAA418XE2100001",
        plate="粤QD12345",
        energy=Energy.NEV,
        vehicle=Vehicle.SMALL,
        seats=9,
        invoice="26442000000012345678",
        area="441702",
        buyer=NAME,
        price=Money.of_yuan(113_000),
        tax=Money.of_yuan(13_000),
        invoiced_on=date(2026, 1, 1),
        registered_on=date(2026, 12, 31),
        listed=True,
    ),
    given_up=GivenUp(
        vin="LSVAA4187E2100005",
        plate="粤QA1234",
        energy=Energy.PETROL,
        registered_on=date(2013, 6, 30),
        owned_since=date(2025, 1, 8),
        owner=NAME,
        paper="441700123456",
        parted_on=date(2026, 1, 1),
        closed_on=date(2026, 1, 1),
    ),
    card=Card(NAME, "6228480000000000000", "农业银行"),
    name=NAME,
    on=date(2027, 1, 10),
)


def found(filing: Filing) -> dict[Found, bool]:
    """What is found, and whether it is against the application."""
    said = quote(shelf(), case_of(filing.scheme, filing.bought, filing.given_up))
    return {one.what: one.against for one in check(filing, said)}


def new(**changes: Any) -> Filing:
    """The same with another new car."""
    return replace(RIGHT, bought=replace(RIGHT.bought, **changes))


def old(**changes: Any) -> Filing:
    """The same with another old car."""
    return replace(RIGHT, given_up=replace(RIGHT.given_up, **changes))


def test_nothing_is_found_on_the_last_days_that_the_rules_allow() -> None:
    assert found(RIGHT) == {}


@pytest.mark.parametrize(
    ("filing", "what"),
    [
        (new(energy=Energy.PETROL, engine_ml=2_001, plate="粤QD1234"), Found.INELIGIBLE),
        (old(registered_on=date(2013, 7, 1)), Found.INELIGIBLE),
        (old(owned_since=date(2025, 1, 9)), Found.INELIGIBLE),
        (new(vin=RIGHT.given_up.vin), Found.SAME_CAR),
        (new(registered_on=date(2027, 1, 1)), Found.REGISTRATION_OUTSIDE),
        (old(parted_on=date(2025, 12, 31)), Found.PARTING_OUTSIDE),
        (replace(RIGHT, on=date(2027, 1, 11)), Found.FILED_LATE),
        (replace(RIGHT, on=date(2026, 12, 30)), Found.IN_FUTURE),
        (new(tax=Money.of_yuan(113_000)), Found.TAX_OVER_PRICE),
        (new(vehicle=Vehicle.OTHER), Found.VEHICLE_EXCLUDED),
        (new(seats=10), Found.VEHICLE_EXCLUDED),
        (new(listed=False), Found.NOT_IN_CATALOGUE),
        (new(plate="桂AD12345"), Found.OTHER_PROVINCE),
    ],
)
def test_what_the_rules_do_not_pay_is_against_it(filing: Filing, what: Found) -> None:
    assert found(filing) == {what: True}


@pytest.mark.parametrize(
    ("filing", "what"),
    [
        (new(vin="LSVAA4182E2100001"), Found.NEW_VIN_DIGIT),
        (old(vin="LSVAA4182E2100005"), Found.OLD_VIN_DIGIT),
        (replace(RIGHT, old_subsidised=True), Found.OLD_CAR_SUBSIDISED),
        (new(plate="粤QA1234"), Found.PLATE_KIND),
        (new(invoiced_on=date(2026, 5, 2), registered_on=date(2026, 5, 1)), Found.OUT_OF_ORDER),
        (old(parted_on=date(2026, 1, 2)), Found.OUT_OF_ORDER),
        (new(tax=Money.of_yuan(12_998)), Found.TAX_UNUSUAL),
        (new(buyer="欧阳秀"), Found.BUYER_DIFFERS),
        (old(owner="欧阳修英"), Found.OWNER_DIFFERS),
        (replace(RIGHT, card=replace(RIGHT.card, holder="欧阳")), Found.HOLDER_DIFFERS),
        (replace(RIGHT, card=replace(RIGHT.card, number="6228480000000000001")), Found.CARD_DIGIT),
    ],
)
def test_what_may_be_a_slip_is_left_to_a_person(filing: Filing, what: Found) -> None:
    assert found(filing) == {what: False}


def test_what_is_against_comes_first() -> None:
    both = new(seats=10, buyer="别人")
    assert list(found(both).items()) == [
        (Found.VEHICLE_EXCLUDED, True),
        (Found.BUYER_DIFFERS, False),
    ]


def test_tax_may_be_that_of_a_small_taxpayer_and_a_yuan_off() -> None:
    assert found(new(price=Money.of_yuan(103_000), tax=Money.of_yuan(3_000))) == {}
    assert found(new(tax=Money(1_299_950))) == {}


def test_the_province_was_not_asked_for_in_2025() -> None:
    days = {"invoiced_on": date(2025, 3, 1), "registered_on": date(2025, 3, 2)}
    bought = replace(RIGHT.bought, plate="桂AD12345", **days)
    gone = {"parted_on": date(2025, 3, 1), "closed_on": date(2025, 3, 1)}
    given_up = replace(RIGHT.given_up, registered_on=date(2012, 6, 30), **gone)
    then = replace(RIGHT, bought=bought, given_up=given_up, on=date(2026, 1, 10))
    assert found(then) == {}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("阿依古丽·买买提", "阿依古丽 买买提", True),
        ("阿依古丽·买买提", "阿依古丽•买买提", True),
        ("ＷＡＮＧ", "wang", True),
        ("林秀英", "林秀瑛", False),
    ],
)
def test_names_are_one_whatever_the_dot_and_the_width(one: str, other: str, same: bool) -> None:
    assert same_name(one, other) is same


def test_a_stored_decision_holds_all_that_it_was_computed_from() -> None:
    case = case_of(RIGHT.scheme, RIGHT.bought, RIGHT.given_up)
    said = quote(shelf(), case)
    told = recording.as_json(case, said)
    assert recording.case_from(told) == case
    assert recording.lines_from(told) == said.lines
