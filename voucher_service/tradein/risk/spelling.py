"""Spellings under which numbers are compared, so that a near copy meets its original. Pure."""

from __future__ import annotations

import re

from ..identifiers import vin

# What is mistaken for one another on a label, by a person or a machine, in either direction.
_ALIKE = str.maketrans("OQDILSZBG", "000115286")
_SERIAL_LEAST = 6


def serial_alike(serial: str) -> str | None:
    """One spelling for all that look alike: no marks, no leading zeros; None when too little is
    left to say anything.
    """
    plain = re.sub(r"[^0-9A-Z]", "", serial.upper()).translate(_ALIKE).lstrip("0")
    return plain if len(plain) >= _SERIAL_LEAST else None


def vin_alike(number: str) -> str:
    """One spelling for VINs that look alike or whose last six stand in another order.

    The check digit is left out. Cars of one model share it when their running numbers have the
    same digits: only a wrong check digit tells a copy from a neighbour.
    """
    plain = number.upper().translate(_ALIKE)
    return plain[:8] + plain[9:11] + "".join(sorted(plain[11:]))


def vin_model(number: str) -> str:
    """Maker and model of a vehicle: the first eight signs (GB 16735)."""
    return number[:8]


def vin_doubtful(number: str) -> bool:
    """Whether its check digit is missing or wrong."""
    return vin(number).doubtful


def close_invoices(one: str | None, other: str | None) -> bool:
    """Whether two invoice numbers were given out close to each other.

    Fully digital numbers (20 digits) are counted for a province, so that minutes lie between
    neighbours; older ones are counted for a roll.
    """
    if one is None or other is None or one == other or len(one) != len(other):
        return False
    far = 200 if len(one) == 20 else 3
    return abs(int(one) - int(other)) <= far
