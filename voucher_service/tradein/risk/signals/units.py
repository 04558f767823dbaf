"""One unit sold twice, or not new: serial numbers, IMEIs, activation. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from voucher_service.kernel.clock import day_of

from ..facts import SaleFacts
from ..findings import Finding, Kind, Weight
from ..ties import Near, Tie

_MARKS = re.compile(r"[^0-9A-Z]")
# What nobody can tell apart on a label; other pairs that look alike are told apart by most.
_SAME_LOOK = str.maketrans("OQIL", "0011")
# Shorter numbers of two brands agree by chance: they are counted from one up.
_LONG = 8
_RUNNING = 5


def signals(sale: SaleFacts, near: Near) -> Iterator[Finding]:
    """Everything about the unit itself."""
    yield from _serial(sale, near)
    yield from _device(sale, near)
    if sale.activated_on is not None and sale.activated_on < day_of(sale.at):
        told = {"activated_on": sale.activated_on.isoformat()}
        yield Finding(Kind.ACTIVATED_BEFORE, Weight(80), told=told)


def _serial(sale: SaleFacts, near: Near) -> Iterator[Finding]:
    for other in _earlier(sale, near.sales(Tie.SERIAL)):
        told = {"serial": sale.serial, "other": other.serial}
        yield Finding(Kind.SAME_SERIAL, Weight(95), (other.id,), told)
    for other in _earlier(sale, near.sales(Tie.SERIAL_ALIKE)):
        same_brand = other.brand.casefold() == sale.brand.casefold()
        if same_brand and other.serial == sale.serial:
            continue
        told = {"serial": sale.serial, "other": other.serial}
        weight = _alike(sale.serial, other.serial, same_brand=same_brand)
        yield Finding(Kind.NEAR_SERIAL, weight, (other.id,), told)


def _alike(one: str, other: str, *, same_brand: bool) -> Weight:
    """How much a near spelling weighs, by what makes it near."""
    bare, other_bare = (_MARKS.sub("", text.upper()).lstrip("0") for text in (one, other))
    if not same_brand and (len(bare) < _LONG or bare.isdigit()):
        return Weight(5)
    if bare == other_bare:
        return Weight(85 if same_brand else 60)
    if not same_brand:
        return Weight(15)
    if bare.translate(_SAME_LOOK).lstrip("0") == other_bare.translate(_SAME_LOOK).lstrip("0"):
        return Weight(75)
    if len(bare) != len(other_bare):
        return Weight(15)
    places = [at for at, pair in enumerate(zip(bare, other_bare, strict=True)) if len({*pair}) > 1]
    if any(_within_digits(bare, at) for at in places):
        return Weight(60)
    # Running numbers that use letters too hold both signs of a pair near their end.
    return Weight(15 if places[0] >= len(bare) - _RUNNING else 60)


def _within_digits(number: str, at: int) -> bool:
    """Whether two digits stand on either side: a letter there is a digit that was misspelt."""
    before, after = number[max(0, at - 2) : at], number[at + 1 : at + 3]
    return len(before + after) >= 3 and (before + after).isdigit()


def _device(sale: SaleFacts, near: Near) -> Iterator[Finding]:
    for other in _earlier(sale, near.sales(Tie.IMEI)):
        imei = next(one for one in sale.imeis if one in other.imeis)
        yield Finding(Kind.SAME_DEVICE, Weight(95), (other.id,), {"imei": imei})


def _earlier(sale: SaleFacts, others: list[SaleFacts]) -> list[SaleFacts]:
    """The first one has its unit rightly: whoever comes after it is asked."""
    return [one for one in others if (one.at, one.id) < (sale.at, sale.id)]
