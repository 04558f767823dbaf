"""The rise of July 2024 worked out here from the rules alone, and 500 decisions of that year.

Scrapping a car paid 10,000 yuan for a new-energy car and 7,000 for one with an engine; from
24 July 20,000 and 15,000, also for what was bought since April; the rise asks for an old car
owned by 25 July. Which cars are too young did not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from uuid import UUID

from voucher_service.kernel.money import Money
from voucher_service.tradein.policy import Case, Category, Energy, NewCar, OldCar, Scheme
from voucher_service.tradein.revision import Decision

RISE, OWNED_BY = date(2024, 7, 24), date(2024, 7, 25)
REGISTERED_BY = {
    Energy.PETROL: date(2011, 6, 30),
    Energy.DIESEL: date(2013, 6, 30),
    Energy.NEV: date(2018, 4, 30),
}
BEFORE_RISE = RISE - timedelta(days=1)


def owed(case: Case, *, raised: bool) -> int:
    """The fen that the rules owe, worked out without the code under test."""
    new, old = case.new, case.old
    assert new and old and old.owned_since and new.engine_ml
    too_young = old.registered_on > REGISTERED_BY[old.energy]
    too_new = raised and old.owned_since > OWNED_BY
    too_large = new.energy is not Energy.NEV and new.engine_ml > 2_000
    if too_young or too_new or too_large:
        return 0
    nev, engine = (20_000, 15_000) if raised else (10_000, 7_000)
    yuan = nev if new.energy is Energy.NEV else engine
    return min(yuan * 100, case.price.fen)


def car(random: Random, on: date) -> Case:
    fuel = random.choice(list(Energy))
    registered = REGISTERED_BY[fuel] + timedelta(days=random.randint(-2_000, 200))
    owned = random.choice((registered, on, on - timedelta(days=random.randint(0, 90))))
    return Case(
        Scheme.CAR_SCRAP,
        Category.CAR,
        Money(random.choice((random.randint(500_000, 2_500_000), random.randint(1, 30_000_000)))),
        on,
        new=NewCar(random.choice(list(Energy)), random.choice((1_500, 2_000, 2_400))),
        old=OldCar(fuel, registered, max(registered, owned)),
    )


def decided(random: Random, number: int) -> tuple[Decision, date]:
    """A decision of 2024, and the day it was made: by the version known then."""
    on = date(2024, 4, 24) + timedelta(days=random.randint(0, 251))
    made_on = on + timedelta(days=random.randint(0, 40))
    case = car(random, on)
    id = "car_scrap-2024-07" if made_on >= RISE else "car_scrap-2024-04"
    fen = owed(case, raised=made_on >= RISE)
    return Decision(UUID(int=number), case, Money(fen), id), made_on


def year() -> Sequence[tuple[Decision, date]]:
    """The same 500 decisions in every run, with the day of each."""
    random = Random(20_240_724)
    return [decided(random, number) for number in range(500)]
