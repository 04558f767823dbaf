"""Numbers of accounts and their holders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.merchants.accounts import (
    AccountKind,
    AccountNameDiffers,
    AccountNumberInvalid,
    account_number,
    check_holder,
)

CARD = "6228480000000000000"
LICENCE = {"licence_name": "阳江市海味（集团）有限公司", "operator": "林秀英"}


def test_a_card_is_read_as_people_type_it() -> None:
    assert account_number("6228 4800 0000 0000 000", AccountKind.PERSONAL) == CARD
    assert account_number("６２２８-4800 0000 0000 000", AccountKind.PERSONAL) == CARD


@given(place=st.integers(0, len(CARD) - 1), digit=st.sampled_from("0123456789"))
def test_one_wrong_digit_of_a_card_is_found(place: int, digit: str) -> None:
    wrong = CARD[:place] + digit + CARD[place + 1 :]
    if wrong == CARD:
        assert account_number(wrong, AccountKind.PERSONAL) == CARD
        return
    with pytest.raises(AccountNumberInvalid):
        account_number(wrong, AccountKind.PERSONAL)


@pytest.mark.parametrize("number", ["1234567", "1" * 31, "12345678A", "", "一二三四五六七八"])
def test_what_is_no_number_of_a_company_is_refused(number: str) -> None:
    with pytest.raises(AccountNumberInvalid):
        account_number(number, AccountKind.CORPORATE)


def test_brackets_and_blanks_of_a_name_make_no_difference() -> None:
    typed = "阳江市海味(集团) 有限公司"
    check_holder(AccountKind.CORPORATE, typed, uscc="91441900MA0000015D", **LICENCE)


@pytest.mark.parametrize(
    ("kind", "name", "uscc"),
    [
        (AccountKind.CORPORATE, "林秀英", "91441900MA0000015D"),
        (AccountKind.CORPORATE, "阳江市海味有限公司", "91441900MA0000015D"),
        (AccountKind.PERSONAL, "林秀英", "91441900MA0000015D"),
        (AccountKind.PERSONAL, "林秀", "92441900MA0000015D"),
    ],
)
def test_an_account_of_somebody_else_is_refused(kind: AccountKind, name: str, uscc: str) -> None:
    with pytest.raises(AccountNameDiffers):
        check_holder(kind, name, uscc=uscc, **LICENCE)


def test_without_a_known_operator_no_personal_card_passes() -> None:
    with pytest.raises(AccountNameDiffers):
        check_holder(
            AccountKind.PERSONAL, "", licence_name="店", uscc="92441900MA0000015D", operator=""
        )
