"""Synthetic residents and merchants: valid numbers, unique, and the same for the same seed."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import islice
from pathlib import Path

import pytest

from voucher_service.replay import feasible, people, programme

FILE = Path(__file__).resolve().parents[2] / "config" / "programmes" / "yangjiang-2023.toml"
PROGRAMME = programme.load(FILE)


def ranges(scale: str) -> dict[str, range]:
    return dict(feasible.check(PROGRAMME, Fraction(scale)).residents)


@pytest.mark.parametrize("number", ["11010519491231002X", "441702199001010011"])
def test_the_check_character_of_known_id_numbers(number: str) -> None:
    assert people.id_check_character(number[:17]) == number[17]


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91441900MA0000015D"])
def test_the_check_character_of_known_credit_codes(code: str) -> None:
    assert people.credit_check_character(code[:17]) == code[17]


def test_the_check_character_of_a_known_organisation_code() -> None:
    assert people.organisation_check_character("D2143569") == "X"


def test_residents_are_adults_of_their_area_with_numbers_of_their_own() -> None:
    made = list(people.residents(PROGRAMME, ranges("0.1"), seed=3))
    assert [each.index for each in made] == list(range(len(made)))
    assert len({each.id_number for each in made}) == len(made)
    assert len({each.mobile for each in made}) == len(made)
    for each in made:
        assert each.id_number.startswith(each.area)
        assert people.id_check_character(each.id_number[:17]) == each.id_number[17]
        assert int(each.id_number[6:10]) <= PROGRAMME.opens_on.year - 18
        assert re.fullmatch(r"1[3-9]\d{9}", each.mobile)
        assert re.fullmatch(r"[\u4e00-\u9fff]{2,3}", each.name)


def test_the_same_seed_gives_the_same_residents_and_another_gives_others() -> None:
    one, two, other = (
        list(islice(people.residents(PROGRAMME, ranges("0.01"), seed), 100)) for seed in (1, 1, 2)
    )
    assert one == two
    assert not {each.id_number for each in one} & {each.id_number for each in other}


@pytest.mark.parametrize("scale", ["0.01", "1"])
def test_every_area_has_every_trade_and_every_merchant_a_valid_code(scale: str) -> None:
    merchants, shops = people.merchants(PROGRAMME, Fraction(scale), seed=3)
    places = {
        (area.code, t.code) for area in PROGRAMME.assumed.areas for t in PROGRAMME.assumed.trades
    }
    assert {(shop.area, shop.trade) for shop in shops} == places
    assert len({each.uscc for each in merchants}) == len(merchants)
    assert {shop.merchant for shop in shops} == {each.index for each in merchants}
    for each in merchants:
        assert re.fullmatch(r"91\d{6}[0-9A-HJ-NPQRTUWXY]{10}", each.uscc)
        assert people.credit_check_character(each.uscc[:17]) == each.uscc[17]
        assert people.organisation_check_character(each.uscc[8:16]) == each.uscc[16]
    for shop in shops:
        assert merchants[shop.merchant].uscc[2:8] == shop.area
        assert "·" in shop.name
