"""Numbers that look like those of the world: IMEIs, VINs, serial numbers, invoices."""

from __future__ import annotations

from random import Random

from stdnum import luhn

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
_VIN_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
_VALUES = dict(
    zip(
        "0123456789ABCDEFGHJKLMNPRSTUVWXYZ",
        (*range(10), *range(1, 9), *range(1, 6), 7, 9, *range(2, 10)),
        strict=True,
    )
)
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def imei(by: Random) -> str:
    """A device's number with its check digit."""
    digits = f"86{by.randrange(10**12):012d}"
    return digits + luhn.calc_check_digit(digits)


def vin(model: str, number: int, *, checked: bool = True) -> str:
    """A car by model (eight signs) and running number; without a check digit a zero stands."""
    signs = f"{model}0RA{number:06d}"
    return with_check_digit(signs) if checked else signs


def with_check_digit(signs: str) -> str:
    """The same car's number with the check digit that is right."""
    total = sum(_VALUES[sign] * by for sign, by in zip(signs, _WEIGHTS, strict=True))
    return f"{signs[:8]}{'0123456789X'[total % 11]}{signs[9:]}"


def vin_model(by: Random) -> str:
    """Maker and model of a car."""
    return "L" + "".join(by.choices(_VIN_LETTERS, k=7))


def serial(style: int, brand: int, number: int) -> str:
    """A serial number as makers write them, by the number of the unit.

    Digits after a prefix, letters and digits counted on in base 33, short digits only, digits in
    groups with marks between.
    """
    if style == 0:
        return f"SN{brand:02d}{26_000_000 + number:010d}"
    if style == 1:
        return f"{_base33(brand + 900):>03}{_base33(33**6 + number * 7):>07}"
    if style == 2:
        return f"{number % 10_000_000:07d}"
    return f"{brand:03d}-{number % 97:02d}.{100_000 + number:07d}"


def _base33(number: int) -> str:
    signs = ""
    while number:
        number, rest = divmod(number, 33)
        signs = _LETTERS[rest] + signs
    return signs


def digital_invoice(second: int, by: Random) -> str:
    """A fully digital invoice: counted for the whole province, some four in a second."""
    return f"2644{2}{second * 4 + by.randrange(4):015d}"


def paper_invoice(shop: int, number: int) -> str:
    """An invoice from a shop's roll."""
    return f"04400{shop:05d}14{number:08d}"
