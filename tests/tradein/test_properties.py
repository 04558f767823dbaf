"""What holds for every subsidy: the most it can be, and that a dearer purchase never gets less."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from voucher_service.kernel.money import Money
from voucher_service.tradein import shelf
from voucher_service.tradein.policy import Case, Category, Energy, NewCar, OldCar, Scheme
from voucher_service.tradein.quote import quote

Line = tuple[str, int, str]
# The published most and, where a share is paid, its percent: by scheme, year and what decides.
MOST_YUAN: dict[Line, tuple[int, int | None]] = {
    ("appliance", 2024, "1"): (2_000, 20),
    ("appliance", 2024, "2"): (2_000, 15),
    ("appliance", 2025, "1"): (2_000, 20),
    ("appliance", 2025, "2"): (2_000, 15),
    ("appliance", 2026, "1"): (1_500, 15),
    ("digital", 2025, ""): (500, 15),
    ("digital", 2026, ""): (500, 15),
    ("car_scrap", 2024, "nev"): (20_000, None),
    ("car_scrap", 2024, "fuel"): (15_000, None),
    ("car_scrap", 2025, "nev"): (20_000, None),
    ("car_scrap", 2025, "fuel"): (15_000, None),
    ("car_scrap", 2026, "nev"): (20_000, 12),
    ("car_scrap", 2026, "fuel"): (15_000, 10),
    ("car_replace", 2025, "nev"): (15_000, None),
    ("car_replace", 2025, "fuel"): (13_000, None),
    ("car_replace", 2026, "nev"): (15_000, 8),
    ("car_replace", 2026, "fuel"): (13_000, 6),
}
GATE = Money.of_yuan(6_000)
CARS = {Scheme.CAR_SCRAP, Scheme.CAR_REPLACE}
SOLD = {
    Scheme.APPLIANCE: st.sampled_from(
        sorted(set(Category) - {"phone", "tablet", "watch", "glasses", "car"})
    ),
    Scheme.DIGITAL: st.sampled_from(sorted({"phone", "tablet", "watch", "glasses"})),
    Scheme.CAR_SCRAP: st.just(Category.CAR),
    Scheme.CAR_REPLACE: st.just(Category.CAR),
}
PRICES = st.one_of(
    st.integers(1, GATE.fen), st.integers(1, 1_500_000), st.integers(4_000_000, 40_000_000)
).map(Money)
EARLY = st.dates(date(2008, 1, 1), date(2012, 12, 31))
OLD = st.builds(OldCar, st.sampled_from(Energy), EARLY, EARLY)
ENGINES = st.sampled_from((1_500, 2_000, 2_001))


@st.composite
def cases(draw: st.DrawFn, *lines: Line) -> Case:
    """Cases of these lines of the table, or of all: most are paid, some just not."""
    scheme, year, by = draw(st.sampled_from(lines or tuple(MOST_YUAN)))
    first = date(2024, 9, 1) if year == 2024 else date(year, 1, 1)
    case = Case(
        scheme=Scheme(scheme),
        category=Category(draw(SOLD[Scheme(scheme)])),
        price=draw(PRICES),
        on=draw(st.dates(first, date(year, 12, 31))),
        area=draw(st.sampled_from(("441900", "441900003", "441702"))),
    )
    if scheme in CARS:
        energies = {"nev": [Energy.NEV], "fuel": [Energy.PETROL, Energy.DIESEL]}[by]
        new = NewCar(draw(st.sampled_from(energies)), draw(ENGINES))
        return replace(case, new=new, old=draw(OLD))
    return replace(case, grade=draw(st.sampled_from((int(by), int(by), 3)))) if by else case


def paid(case: Case) -> Money:
    return quote(shelf.shelf(), case).subsidy


@pytest.mark.parametrize("line", MOST_YUAN, ids=str)
@settings(max_examples=80)
@given(data=st.data())
def test_a_subsidy_is_never_above_its_cap_nor_the_price_nor_its_share_by_a_yuan(
    line: Line, data: st.DataObject
) -> None:
    case = data.draw(cases(line))
    subsidy = paid(case)
    assert 0 <= subsidy.fen <= case.price.fen
    if not subsidy:
        return
    most, percent = MOST_YUAN[line]
    assert subsidy <= Money.of_yuan(most)
    if percent:
        share = Fraction(case.price.fen * percent, 100)
        assert subsidy.fen < share + 100
        exact = min(share, Fraction(most * 100), Fraction(case.price.fen))
        assert subsidy.fen > exact - 1, "less than a fen is lost"


@settings(max_examples=400)
@given(cases(), PRICES)
@example(
    Case(Scheme.DIGITAL, Category.PHONE, Money(333_333), date(2026, 3, 1)), Money(600_000)
)  # around the cap
def test_a_dearer_purchase_below_the_ceiling_never_gets_less(case: Case, other: Money) -> None:
    less, more = sorted((case.price, other))
    assume(case.scheme is not Scheme.DIGITAL or more <= GATE)
    assert paid(replace(case, price=less)) <= paid(replace(case, price=more))


@settings(max_examples=200)
@given(cases())
def test_an_answer_is_either_a_sum_with_its_steps_or_nothing_with_its_reasons(case: Case) -> None:
    answer = quote(shelf.shelf(), case)
    assert answer.eligible == bool(answer.lines) != bool(answer.reasons)
    assert answer.subsidy == (answer.lines[-1].amount if answer.lines else Money(0))
    if answer.policy:
        assert answer.subsidy <= answer.policy.most()
