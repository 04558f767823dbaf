"""Numbers of goods, devices, cars and invoices: one spelling each, and what can't be right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.kernel.errors import DomainError
from voucher_service.tradein import identifiers
from voucher_service.tradein.identifiers import (
    CardInvalid,
    Checked,
    GtinInvalid,
    ImeiInvalid,
    InvoiceInvalid,
    PlateInvalid,
    SerialInvalid,
    VinInvalid,
)


@pytest.mark.parametrize("number", ["1M8GDM9AXKP042788", "11111111111111111", "LFV3A24G3A3000001"])
def test_a_vehicle_number_whose_ninth_sign_checks_is_without_doubt(number: str) -> None:
    assert identifiers.vin(f" {number.lower()} ") == Checked(number)


def test_a_vehicle_number_without_a_check_digit_is_doubtful_and_not_refused() -> None:
    assert identifiers.vin("WVWZZZ1JZXW000001").doubtful


@given(st.integers(0, 16), st.sampled_from("0123456789ABCDEFGHJKLMNPRSTUVWXYZ"))
def test_one_wrong_sign_of_a_vehicle_number_is_doubted_unless_it_weighs_the_same(
    place: int, sign: str
) -> None:
    right = "1M8GDM9AXKP042788"
    wrong = right[:place] + sign + right[place + 1 :]
    values, weights = identifiers._VIN_VALUES, identifiers._VIN_WEIGHTS
    moved = (values[sign] - values[right[place]]) * weights[place] % 11
    assert identifiers.vin(wrong).doubtful == (moved != 0 or (place == 8 and sign != "X"))


def test_both_spellings_of_a_barcode_are_one_number() -> None:
    assert identifiers.gtin("6901234567892") == identifiers.gtin("06901234567892")


@pytest.mark.parametrize(
    "number", ["粤SD12345", "粤Q12345F", "粤Q12345", "粤S·A1234", "京A1234学", "粤Z1234港"]
)
def test_plates_of_every_kind_are_read(number: str) -> None:
    assert identifiers.plate(number)


def test_an_invoice_of_either_kind_is_read() -> None:
    assert identifiers.invoice("26442000000000000001") == "26442000000000000001"
    assert identifiers.invoice("044001900111 12345678") == "04400190011112345678"


def test_a_card_whose_last_digit_does_not_check_is_doubtful() -> None:
    assert identifiers.card("6228 4800 0000 0000 000") == Checked("6228480000000000000")
    assert identifiers.card("6228480000000000001").doubtful


@pytest.mark.parametrize(
    ("read", "text", "refused"),
    [
        (identifiers.gtin, "6901234567893", GtinInvalid),
        (identifiers.gtin, "690123456789", GtinInvalid),
        (identifiers.device, "490154203237519", ImeiInvalid),
        (identifiers.device, "49015420323751", ImeiInvalid),
        (identifiers.device, "4901542032375180", ImeiInvalid),
        (identifiers.serial, "AB", SerialInvalid),
        (identifiers.serial, "=1+1;DROP", SerialInvalid),
        (identifiers.vin, "1M8GDM9AXKP04278O", VinInvalid),
        (identifiers.plate, "粤SI1234", PlateInvalid),
        (identifiers.plate, "XS12345", PlateInvalid),
        (identifiers.invoice, "2644200000000000000", InvoiceInvalid),
        (identifiers.card, "622848", CardInvalid),
    ],
)
def test_what_cannot_be_such_a_number_is_refused(
    read: Callable[[str], object], text: str, refused: type[DomainError]
) -> None:
    with pytest.raises(refused):
        read(text)
