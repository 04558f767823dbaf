"""Sums in Chinese capitals: the examples of the rules, and every sum read back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.kernel.money import Money
from voucher_service.printing.capitals import capitals

# Of the rules on filling in bills and of §52; where they allow two forms, ours has the fewer 零.
PRINTED = {
    "0.00": "零元整",
    "0.05": "伍分",
    "0.50": "伍角整",
    "10.00": "壹拾元整",
    "325.04": "叁佰贰拾伍元零肆分",
    "1409.50": "壹仟肆佰零玖元伍角整",
    "1680.32": "壹仟陆佰捌拾元叁角贰分",
    "6007.14": "陆仟零柒元壹角肆分",
    "16409.02": "壹万陆仟肆佰零玖元零贰分",
    "100500.00": "壹拾万零伍佰元整",
    "107000.53": "壹拾万柒仟元伍角叁分",
    "100000001.00": "壹亿零壹元整",
    "100010000.00": "壹亿零壹万元整",
    "1000000000000.00": "壹万亿元整",
}
_DIGITS = {digit: value for value, digit in enumerate("零壹贰叁肆伍陆柒捌玖")}
_PLACES = {"拾": 10, "佰": 100, "仟": 1_000}


def of(yuan: str) -> Money:
    return Money(int(yuan.replace(".", "")))


@pytest.mark.parametrize(("yuan", "written"), PRINTED.items())
def test_the_examples_of_the_rules(yuan: str, written: str) -> None:
    assert capitals(of(yuan)) == f"人民币{written}"


def test_a_negative_sum_says_so() -> None:
    assert capitals(of("-1.10")) == "人民币负壹元壹角整"


def test_what_no_form_has_room_for_is_refused() -> None:
    with pytest.raises(ValueError, match="room"):
        capitals(Money(10**18))


@given(st.integers(0, 10**18 - 1) | st.integers(0, 10**9))
def test_every_sum_is_read_back_as_what_it_was(fen: int) -> None:
    assert read(capitals(Money(fen))) == fen


@given(st.integers(0, 10**18 - 1) | st.integers(0, 10**7).map(lambda one: one * 10_000_000))
def test_zeros_and_the_end_are_as_the_rules_want_them(fen: int) -> None:
    text = capitals(Money(fen)).removeprefix("人民币")
    assert "零零" not in text
    assert "零万" not in text
    assert "零亿" not in text
    assert text.endswith("整") == (fen % 10 == 0)
    assert text.endswith("分") == (fen % 10 != 0)
    assert fen == 0 or not text.startswith("零")


def read(text: str) -> int:
    """The sum in fen, by a reading of its own: digits add up, places and 万 and 亿 multiply."""
    found = re.fullmatch(r"人民币(?:(.*)元)?零?(?:(.)角)?(?:(.)分)?整?", text)
    assert found is not None, text
    yuan, jiao, fen = found.groups()
    return _whole(yuan or "") * 100 + _DIGITS[jiao or "零"] * 10 + _DIGITS[fen or "零"]


def _whole(text: str) -> int:
    for name, size in (("亿", 10**8), ("万", 10**4)):
        # The last 亿 divides; 万亿 before it belongs to what stands in front.
        high, divided, low = text.rpartition(name)
        if divided:
            return _whole(high) * size + _whole(low)
    total, digit = 0, 0
    for one in text:
        if one in _PLACES:
            total, digit = total + digit * _PLACES[one], 0
        else:
            digit = _DIGITS[one]
    return total + digit
