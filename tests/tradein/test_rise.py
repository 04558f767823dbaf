"""The rise of July 2024 over decisions already made, against sums worked out here from the rules.

Scrapping a car paid 10,000 yuan for a new-energy car and 7,000 for one with an engine; from
24 July 20,000 and 15,000, also for what was bought since April; the rise asks for an old car
owned by 25 July. Which cars are too young did not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from uuid import UUID

import pytest

from voucher_service.kernel.money import Money
from voucher_service.tradein import shelf
from voucher_service.tradein.policy import Case, Category, Energy, NewCar, OldCar, Scheme
from voucher_service.tradein.quote import quote
from voucher_service.tradein.revision import Decision, revise

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


@pytest.fixture(scope="module")
def made() -> Sequence[tuple[Decision, date]]:
    random = Random(20_240_724)  # the same 500 in every run
    return [decided(random, number) for number in range(500)]


def test_every_decision_is_computed_again_by_the_version_it_was_made_under(
    made: Sequence[tuple[Decision, date]],
) -> None:
    for one, made_on in made:
        again = quote(shelf.shelf(), one.case, known_on=made_on)
        assert again.policy
        assert (again.subsidy, again.policy.id) == (one.subsidy, one.policy_id)


@pytest.mark.parametrize("raised", [True, False], ids=["raised", "taken back"])
def test_the_rise_lists_each_decision_that_changes_and_their_sum(
    made: Sequence[tuple[Decision, date]], raised: bool
) -> None:
    decisions = [one for one, _ in made]
    expected = [
        (one.id, owed(one.case, raised=raised) - one.subsidy.fen)
        for one in decisions
        if owed(one.case, raised=raised) != one.subsidy.fen
    ]
    known_on = None if raised else BEFORE_RISE
    revision = revise(decisions, shelf.shelf(), known_on=known_on)

    assert len(expected) > 50
    assert [(one.decision.id, one.change.fen) for one in revision.differences] == expected
    version = "car_scrap-2024-07" if raised else "car_scrap-2024-04"
    assert {one.policy_id for one in revision.differences} == {version}
    assert revision.change.fen == sum(fen for _, fen in expected)
    assert revision.before.fen == sum(one.subsidy.fen for one in decisions)
    assert revision.after.fen == sum(owed(one.case, raised=raised) for one in decisions)
    assert revision.gained == sum(fen > 0 for _, fen in expected)
    assert revision.lost == sum(fen < 0 for _, fen in expected)
    assert revision.by_category() == {"car": revision.change}


def test_the_rise_takes_from_nobody_and_pays_nobody_twice(
    made: Sequence[tuple[Decision, date]],
) -> None:
    decisions = [one for one, _ in made]
    revision = revise(decisions, shelf.shelf())
    assert revision.lost == 0
    late = {one.id for one, made_on in made if made_on >= RISE}
    assert late and not late & {one.decision.id for one in revision.differences}
    new = {one.decision.id: one for one in revision.differences}
    paid = [
        Decision(one.id, one.case, new[one.id].subsidy, "car_scrap-2024-07")
        if one.id in new
        else one
        for one in decisions
    ]
    assert revise(paid, shelf.shelf()).differences == ()
