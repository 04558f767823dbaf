"""Invented people for tests: no two in a process have a number in common.

Drawn anew for each test, some were alike now and then: four hundred have 80,000 pairs, and there
are a hundred million mobiles.
"""

from __future__ import annotations

from random import Random
from threading import Lock

from voucher_service.identity.model import SyntheticPerson
from voucher_service.replay.strangers import strangers

_lock, _known, _strangers = Lock(), set[str](), strangers(Random("newcomers"))


def newcomers(count: int, *, born_in: str = "") -> list[SyntheticPerson]:
    """So many people whom no test has met; `born_in` is a division that their numbers begin with.

    Whoever is born elsewhere is passed over for good.
    """
    found: list[SyntheticPerson] = []
    with _lock:
        while len(found) < count:
            one = next(_strangers)
            numbers = {one.mobile, one.id_number}
            if one.id_number.startswith(born_in) and _known.isdisjoint(numbers):
                _known.update(numbers)
                found.append(one)
    return found


def newcomer(*, born_in: str = "") -> SyntheticPerson:
    """One of them."""
    return newcomers(1, born_in=born_in)[0]
