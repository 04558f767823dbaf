"""Fields of trade-in in a programme: exact totals at every scale, whatever the seed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.kernel.clock import end_of
from voucher_service.replay import feasible, plan, programme, units
from voucher_service.replay.fields import Total
from voucher_service.replay.plan import Plan
from voucher_service.replay.programme import ProgrammeInvalid
from voucher_service.replay.reachable import Reachable
from voucher_service.replay.scaling import Infeasible
from voucher_service.tradein import identifiers
from voucher_service.tradein.quote import quote
from voucher_service.tradein.shelf import shelf

FOLDER = Path(__file__).resolve().parents[2] / "config" / "programmes"
YANGJIANG = programme.load(FOLDER / "yangjiang-2023.toml")
DONGGUAN = programme.load(FOLDER / "dongguan-2026.toml")


def planned(of: programme.Programme, scale: str, seed: int = 1) -> Plan:
    return plan.make(of, feasible.check(of, Fraction(scale)), seed)


def test_the_published_cars_and_appliances_come_out_to_the_fen() -> None:
    cars, appliances = planned(YANGJIANG, "1").targets.fields
    assert (cars.units, cars.subsidy.target_fen) == (342, 99_800_000)
    assert (appliances.units, appliances.turnover.target_fen) == (5_699, 2_511_780_000)
    assert cars.field.published == {Total.UNITS, Total.SUBSIDY}
    assert appliances.field.published == {Total.UNITS, Total.TURNOVER}
    assert not cars.field.policy.published
    assert not appliances.field.policy.published


@pytest.mark.parametrize(
    ("scale", "seed"), [("0.001", 1), ("0.003", 2), ("0.01", 3), ("0.1", 4), ("1", 5)]
)
@pytest.mark.parametrize("of", [YANGJIANG, DONGGUAN])
def test_cases_add_up_to_their_targets_at_every_scale_and_seed(
    of: programme.Programme, scale: str, seed: int
) -> None:
    made = planned(of, scale, seed)
    for targets in made.targets.fields:
        cases = made.cases(targets)
        assert (
            len(cases)
            == targets.units
            == int(targets.field.units * Fraction(scale) + Fraction(1, 2))
        )
        if targets.subsidy is not None:
            assert sum(one.subsidy_fen for one in cases) == targets.subsidy.target_fen
        else:
            assert sum(one.price_fen for one in cases) == targets.turnover.target_fen
        assert len({one.resident for one in cases}) == len(cases)
        assert made.cases(targets) == cases


def test_a_scaled_count_goes_up_at_a_half() -> None:
    cars, _ = planned(YANGJIANG, "0.0015").targets.fields
    assert (cars.exact_units, cars.units) == (Fraction("0.513"), 1)
    assert planned(YANGJIANG, "0.001").targets.fields[0].units == 0


@pytest.mark.parametrize("of", [YANGJIANG, DONGGUAN])
def test_every_case_gets_what_the_policies_of_its_day_pay_and_ends_in_time(
    of: programme.Programme,
) -> None:
    made = planned(of, "0.1")
    for targets in made.targets.fields:
        field = targets.field
        for one in made.cases(targets):
            goods = field.goods[one.goods]
            told = plan.cases.subsidies.case(field, goods, one.price_fen, one.bought_on, one.area)
            assert (
                quote(shelf(), told, known_on=one.begins.date()).subsidy.fen == one.subsidy_fen > 0
            )
            assert goods.least_fen <= one.price_fen <= goods.most_fen
            assert one.begins <= one.checked <= one.ends < end_of(of.closes_on)
            assert field.opens_on <= one.bought_on <= one.registered_on <= one.ends.date()
            assert (one.shop is not None) == field.at_the_till
            if one.shop is not None:
                shop = made.shops[one.shop]
                assert (shop.area, shop.trade) == (one.area, field.trade)
                assert (one.ends.date() - one.begins.date()).days < field.valid_days


@pytest.mark.parametrize("of", [YANGJIANG, DONGGUAN])
def test_numbers_of_units_and_papers_check_and_none_is_there_twice(
    of: programme.Programme,
) -> None:
    made = planned(of, "0.1")
    seen: list[str] = []
    for targets in made.targets.fields:
        for one in made.cases(targets):
            if targets.field.at_the_till:
                item = units.item(targets.field, one)
                identifiers.gtin(str(item["gtin"]))
                seen.append(identifiers.serial(str(item["serial"])))
                seen += [identifiers.device(str(item["imei1"]))] if "imei1" in item else []
                continue
            new = units.bought(targets.field, one, "王一")
            old = units.given_up(targets.field, one, "王一")
            for car in (new, old) if old else (new,):
                assert not identifiers.vin(car.vin).doubtful
                identifiers.plate(car.plate)
                seen.append(car.vin)
            seen += [identifiers.invoice(new.invoice)] + ([old.paper] if old else [])
            assert not identifiers.card(units.card(one, "王一").number).doubtful
    assert len(seen) == len(set(seen))


def test_a_sum_that_no_tiers_add_up_to_is_refused_with_the_nearest() -> None:
    cars, appliances = YANGJIANG.trade_in
    odd = replace(YANGJIANG, trade_in=(replace(cars, subsidy_fen=99_850_000), appliances))
    with pytest.raises(Infeasible, match=r"998500\.00 yuan; the nearest that fits is 999000\.00"):
        feasible.check(odd, Fraction(1))


def test_more_units_than_residents_are_refused() -> None:
    cars, appliances = YANGJIANG.trade_in
    many = replace(appliances, units=70_000, turnover_fen=30_000_000_000)
    with pytest.raises(Infeasible, match="residents"):
        feasible.check(replace(YANGJIANG, trade_in=(cars, many)), Fraction(1))


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True),
    st.integers(0, 5),
    st.integers(0, 60),
)
def test_reachable_totals_are_those_that_trying_everything_finds(
    sums: list[int], count: int, total: int
) -> None:
    every = {sum(chosen) for chosen in product(sums, repeat=count)}
    reachable = Reachable(sums, count)
    nearest = reachable.nearest(total)
    assert nearest in every
    assert abs(nearest - total) == min(abs(one - total) for one in every)
    drawn = reachable.draw(Random(1), nearest, [1] * len(sums))
    assert (len(drawn), sum(drawn)) == (count, nearest)
    assert set(drawn) <= set(sums)
    if total not in every:
        with pytest.raises(ValueError, match="add up"):
            reachable.draw(Random(1), total, [1] * len(sums))


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('policy = "car_purchase-2023-yangjiang"', 'policy = "gold"', "trade_in[0].policy"),
        ('published = ["units", "subsidy"]', 'published = ["luck"]', "trade_in[0].published"),
        ("units = 342 ", "units = 0 ", "trade_in[0].units"),
        ("subsidy_fen = 99_800_000", "", "trade_in[0].turnover_fen"),
        ("turnover_fen = 2_511_780_000", "subsidy_fen = 1_000", "trade_in[1].subsidy_fen"),
        ('slug = "city", share_bps = 10_000', 'slug = "bank", share_bps = 10_000', "[0].funders"),
        ('slug = "city", share_bps = 10_000', 'slug = "city", share_bps = 9_999', "[0].funders"),
        ('trade = "appliances"', 'trade = "gold"', "trade_in[1].trade"),
        ('category = "car", energy = "nev"', 'category = "ship", energy = "nev"', "goods[2]"),
    ],
)
def test_a_wrong_field_is_refused_by_the_name_of_its_key(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    head, _, fields = (FOLDER / "yangjiang-2023.toml").read_text().partition("[[trade_in]]")
    assert old in fields
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(head + "[[trade_in]]" + fields.replace(old, new, 1))
    with pytest.raises(ProgrammeInvalid) as refused:
        programme.load(wrong)
    assert key in str(refused.value)
