"""The numbers that evidence carries, each in its one spelling: goods, devices, cars, invoices.

Pure. Check digits are judged by python-stdnum where it knows the number; the VIN's is ours. What a
rule leaves open (a missing check digit is legal there) is a doubt to look at, not a refusal.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from stdnum import imei, luhn

from voucher_service.goods import gtins
from voucher_service.kernel.errors import Unprocessable

# The library's, spelt here too: evidence finds every number in one place.
gtin, GtinInvalid = gtins.gtin, gtins.GtinInvalid
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_VIN_VALUES = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(rf"[{_PROVINCES}][A-HJ-NP-Z](?:[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9学警挂港澳])")
_PLATE_NEV = re.compile(
    rf"[{_PROVINCES}][A-HJ-NP-Z](?:[A-HJK][A-HJ-NP-Z0-9][0-9]{{4}}|[0-9]{{5}}[DF])"
)
_PLATE_LARGE = re.compile(r".[A-HJ-NP-Z][0-9]{5}[DF]")
_INVOICE = re.compile(r"[0-9]{20}")
_OLD_INVOICE = re.compile(r"(?:[0-9]{10}|[0-9]{12})-?[0-9]{8}")
_SERIAL = re.compile(r"[0-9A-Z][0-9A-Z./-]{3,39}")


class ImeiInvalid(Unprocessable):
    """Not the number of a mobile device: 15 digits whose last one checks."""

    code = "imei_invalid"


class SerialInvalid(Unprocessable):
    """Not a serial number: 4 to 40 letters and digits."""

    code = "serial_invalid"


class VinInvalid(Unprocessable):
    """Not the number of a vehicle: 17 letters and digits, without I, O and Q."""

    code = "vin_invalid"


class PlateInvalid(Unprocessable):
    """Not a number plate of the mainland."""

    code = "plate_invalid"


class InvoiceInvalid(Unprocessable):
    """Not the number of an invoice: 20 digits, or a code of 10 or 12 digits and 8 more."""

    code = "invoice_invalid"


class CardInvalid(Unprocessable):
    """Not the number of a bank card: 16 to 19 digits."""

    code = "card_invalid"


@dataclass(frozen=True, slots=True)
class Checked:
    """A number in its one spelling; `doubtful`: its check digit is missing or wrong."""

    number: str
    doubtful: bool = False


def device(text: str) -> str:
    """An IMEI of 15 digits (3GPP TS 23.003). Raises ImeiInvalid."""
    digits = _plain(text)
    # The library lets 14 and 16 digits pass, which carry no check digit.
    if len(digits) != 15 or not digits.isdigit() or not imei.is_valid(digits):
        raise ImeiInvalid
    return digits


def serial(text: str) -> str:
    """A maker's serial number in capitals without blanks. Raises SerialInvalid."""
    number = _plain(text)
    if not _SERIAL.fullmatch(number):
        raise SerialInvalid
    return number


def vin(text: str) -> Checked:
    """A vehicle's number (GB 16735, ISO 3779). Cars built for Europe may lack the check digit.

    Raises VinInvalid.
    """
    number = _plain(text)
    if not _VIN.fullmatch(number):
        raise VinInvalid
    total = sum(_VIN_VALUES[sign] * by for sign, by in zip(number, _VIN_WEIGHTS, strict=True))
    return Checked(number, number[8] != "0123456789X"[total % 11])


def plate(text: str) -> str:
    """A number plate, of a new-energy car too. Raises PlateInvalid."""
    number = _plain(text).replace("·", "").replace(".", "")
    if not _PLATE.fullmatch(number) and not _PLATE_NEV.fullmatch(number):
        raise PlateInvalid
    return number


def large_plate(plate: str) -> bool:
    """Whether a number plate is one of a large new-energy vehicle: five digits, then D or F."""
    return _PLATE_LARGE.fullmatch(plate) is not None


def invoice(text: str) -> str:
    """The number of an invoice: 20 digits of a fully digital one (数电票), else code and number.

    It has no check digit; the tax bureau's platform verifies it. Raises InvoiceInvalid.
    """
    number = _plain(text)
    if not _INVOICE.fullmatch(number) and not _OLD_INVOICE.fullmatch(number):
        raise InvoiceInvalid
    return number.replace("-", "")


def card(text: str) -> Checked:
    """A bank card's number; some account numbers carry no check digit. Raises CardInvalid."""
    digits = _plain(text)
    if not re.fullmatch(r"[0-9]{16,19}", digits):
        raise CardInvalid
    return Checked(digits, not luhn.is_valid(digits))


def _plain(text: str) -> str:
    """Half-width capitals without blanks."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())
