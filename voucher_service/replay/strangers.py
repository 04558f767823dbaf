"""Invented residents and shops of no programme: for demonstrations, development tokens, tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from voucher_service.identity.model import SyntheticPerson
from voucher_service.infra import areas

from .people import (
    GIVEN,
    SURNAMES,
    credit_check_character,
    id_check_character,
    organisation_check_character,
)

_AREAS = areas.children("441700")
_FIRST_BIRTHDAY = date(1955, 1, 1)
_BIRTHDAYS = 18_000  # days from the first birthday: all adults
_MOBILE_SEGMENT = "153"
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def strangers(rng: Random) -> Iterator[SyntheticPerson]:
    """One invented adult after another. Two may have the same mobile or number by chance."""
    while True:
        born = _FIRST_BIRTHDAY + timedelta(days=rng.randrange(_BIRTHDAYS))
        first17 = f"{rng.choice(_AREAS)}{born:%Y%m%d}{rng.randrange(1000):03d}"
        yield SyntheticPerson(
            mobile=f"{_MOBILE_SEGMENT}{rng.randrange(10**8):08d}",
            name=rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=2)),
            id_number=first17 + id_check_character(first17),
        )


def credit_code(rng: Random) -> str:
    """An invented unified social credit code that checks (GB 32100)."""
    body = "".join(rng.choices(_CREDIT_ALPHABET, k=8))
    organisation = body + organisation_check_character(body)
    first17 = f"92{_AREAS[0]}{organisation}"
    return first17 + credit_check_character(first17)
