"""Credit codes, names of businesses, trades and divisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.infra import areas
from voucher_service.merchants import model
from voucher_service.merchants.model import BusinessNameInvalid, SizeClass, Trade, UsccInvalid

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91441900MA0000015D"])
def test_known_credit_codes_pass_in_any_spelling(code: str) -> None:
    assert model.uscc(f" {code.lower()[:8]} {code[8:]}") == code


@given(st.text(ALPHABET, min_size=17, max_size=17))
def test_exactly_one_check_character_fits(body: str) -> None:
    fitting = []
    for char in ALPHABET:
        try:
            fitting.append(model.uscc(body + char))
        except UsccInvalid:
            continue
    assert len(fitting) == 1


@pytest.mark.parametrize(
    "code", ["", "91350100M000100Y4", "91350100M000100Y44", "I1350100M000100Y43"]
)
def test_a_mistyped_credit_code_is_refused(code: str) -> None:
    with pytest.raises(UsccInvalid):
        model.uscc(code)


@pytest.mark.parametrize("name", ["", "  ", "店" * 81, "店\n", "店😀", "店\u200b铺", "\ud800店"])
def test_what_no_business_is_called_is_refused(name: str) -> None:
    with pytest.raises(BusinessNameInvalid):
        model.business_name(name)


def test_businesses_keep_their_signs() -> None:
    assert model.business_name(" 漠阳味道（东门店）·A&B 88 ") == "漠阳味道（东门店）·A&B 88"


def test_every_trade_and_size_has_a_name_in_both_languages() -> None:
    for word in (*Trade, *SizeClass):
        assert word.label("zh-CN") != word.label("en") != ""


def test_a_city_holds_its_counties_and_towns() -> None:
    assert areas.children("4417") == ["441702", "441704", "441721", "441781"]
    assert len(areas.children("441900")) == 36
    assert areas.within("441702", "4417")
    assert areas.within("441900003", "441900")
    assert areas.within("441702", "")
    assert not areas.within("441700", "441702")
    assert not areas.within("441702", "441900")


def test_a_renamed_division_counts_as_the_one_of_today() -> None:
    assert areas.current("441723") == "441704"
    assert areas.name("441723", "zh-CN") == "阳东区"


def test_divisions_have_names_in_both_languages() -> None:
    assert (areas.name("441702", "zh-CN"), areas.name("441702", "en")) == ("江城区", "Jiangcheng")
    assert areas.name("110105", "en") == "110105"
    assert not areas.known("110105")
