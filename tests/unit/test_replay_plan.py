"""A plan meets its totals exactly, whatever the seed, and keeps every rule of its offers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from voucher_service.kernel.clock import day_of
from voucher_service.replay import feasible, plan, programme
from voucher_service.replay.model import Programme
from voucher_service.replay.plan import Plan
from voucher_service.replay.scaling import Infeasible

FILE = Path(__file__).resolve().parents[2] / "config" / "programmes" / "yangjiang-2023.toml"
PROGRAMME = programme.load(FILE)
VOUCHERS = PROGRAMME.vouchers


def with_vouchers(of: Programme = PROGRAMME, **values: object) -> Programme:
    """The programme with some of its vouchers' assumptions changed."""
    return replace(of, vouchers=replace(of.vouchers, **values))


OTHER = with_vouchers(
    published=replace(VOUCHERS.published, issued_fen=1_000_000_000, leveraged_fen=6_200_000_000),
)


def planned(scale: str, seed: int, of: Programme = PROGRAMME) -> Plan:
    return plan.make(of, feasible.check(of, Fraction(scale)), seed)


def with_rate(bps: int, of: Programme = PROGRAMME) -> Programme:
    return with_vouchers(of, redemption_bps=bps)


def test_at_scale_1_the_targets_are_the_published_figures() -> None:
    targets = feasible.check(PROGRAMME, Fraction(1))
    assert targets.issued.target_fen == VOUCHERS.published.issued_fen
    assert targets.leveraged.target_fen == VOUCHERS.published.leveraged_fen
    assert 350_000 <= targets.vouchers <= 500_000
    assert targets.redeemed_thresholds_fen == 5 * targets.redeemed_fen


@pytest.mark.parametrize("scale", ["0.001", "0.003", "0.01", "0.1", "1", "2"])
@pytest.mark.parametrize("of", [PROGRAMME, OTHER])
def test_lots_add_up_to_their_cells_and_cells_to_the_totals(of: Programme, scale: str) -> None:
    targets = feasible.check(of, Fraction(scale))
    for cell in targets.cells:
        assert sum(lot.quota * lot.face_fen for lot in cell.lots) == cell.issued_fen
        assert abs(cell.rounding_fen) < of.vouchers.divisor_fen
        assert all(lot.redeemed <= lot.quota for lot in cell.lots)
    assert sum(cell.issued_fen for cell in targets.cells) == targets.issued.target_fen
    assert sum(cell.leveraged_fen for cell in targets.cells) == targets.leveraged.target_fen
    assert abs(targets.issued.rounding_fen) * 2 <= of.vouchers.divisor_fen
    assert abs(targets.leveraged.rounding_fen) * 2 <= 1


def test_the_rounding_is_told_for_the_whole_and_for_each_campaign_and_area() -> None:
    targets = feasible.check(PROGRAMME, Fraction("0.0123"))
    lines = list(feasible.rounding_lines(targets))
    assert len(lines) == 2 + len(targets.cells) + 2 * len(targets.fields)
    assert lines[-4:-2] == ["cars units: 4.2066 -> 4", "cars subsidy: 12275.40 -> 12000.00"]
    assert lines[0] == "issued: 219321.3000 -> 219320.00 (-1.3000)"
    assert lines[1] == "leveraged: 1136913.6000 -> 1136913.60 (+0.0000)"
    assert lines[2].startswith("new-year 441702: 7895.5668 -> 7900.00 (+4.4332)")


@pytest.mark.parametrize("of", [PROGRAMME, OTHER])
def test_every_seed_gives_other_orders_and_the_same_totals(of: Programme) -> None:
    seen: set[tuple[int, ...]] = set()
    for seed in range(12):
        made = planned("0.004", seed, of)
        amounts = [each.order_amount_fen for o in made.offers for each in made.redemptions(o)]
        issued = sum(len(b.residents) * o.lot.face_fen for o in made.offers for b in made.claims(o))
        assert issued == made.targets.issued.target_fen
        assert sum(amounts) == made.targets.leveraged.target_fen
        seen.add(tuple(amounts))
    assert len(seen) == 12


def test_only_the_two_published_figures_changed_gives_the_other_ratio(tmp_path: Path) -> None:
    text = FILE.read_text().replace("1_783_100_000", "1_000_000_000")
    changed = tmp_path / "changed.toml"
    changed.write_text(text.replace("9_243_200_000", "6_200_000_000"))
    targets = feasible.check(programme.load(changed), Fraction(1))
    assert Fraction(targets.leveraged.target_fen, targets.issued.target_fen) == Fraction("6.2")


def test_the_same_seed_gives_the_same_plan() -> None:
    one, two = planned("0.002", 5), planned("0.002", 5)
    assert one.campaigns == two.campaigns and one.shops == two.shops
    for offer in one.offers:
        assert list(one.claims(offer)) == list(two.claims(offer))
        assert list(one.redemptions(offer)) == list(two.redemptions(offer))


def test_claims_fill_each_release_inside_its_window_and_within_the_limit() -> None:
    limited = replace(VOUCHERS.claims, per_resident_limit=2)
    twice = with_vouchers(claims=limited)
    for of in (PROGRAMME, twice):
        made = planned("0.01", 4, of)
        for offer in made.offers:
            batches = list(made.claims(offer))
            filled: Counter[int] = Counter()
            holders: Counter[int] = Counter()
            assert [each.at for each in batches] == sorted(each.at for each in batches)
            for batch in batches:
                release = offer.releases[batch.release]
                assert release.opens_at <= batch.at < release.closes_at
                assert batch.first == filled.total()
                filled[batch.release] += len(batch.residents)
                holders.update(batch.residents)
            assert [filled[n] for n in range(len(offer.releases))] == [
                release.quota for release in offer.releases
            ]
            assert filled.total() == offer.lot.quota
            assert max(holders.values()) <= offer.per_resident_limit
            assert set(holders) <= set(made.targets.residents[offer.area])


def test_releases_open_at_ten_in_shanghai_and_the_last_closes_with_the_campaign() -> None:
    made = planned("1", 4)
    for campaign in made.campaigns:
        for offer in campaign.offers:
            assert {each.opens_at.isoformat()[10:] for each in offer.releases} == {
                "T10:00:00+08:00"
            }
            assert day_of(offer.releases[0].opens_at) == campaign.opens_on
            last = offer.releases[-1].closes_at - timedelta(microseconds=1)
            assert day_of(last) == campaign.closes_on


def test_redemptions_follow_their_claims_inside_validity_hours_scope_and_range() -> None:
    made = planned("0.01", 4)
    hours = {trade.code: trade.hours for trade in PROGRAMME.assumed.trades}
    wait = timedelta(minutes=VOUCHERS.redemption_times.least_minutes)
    for offer in made.offers:
        claimed = [batch.at for batch in made.claims(offer) for _ in batch.residents]
        spent = list(made.redemptions(offer))
        assert len(spent) == len({each.claim for each in spent}) == offer.lot.redeemed
        assert [each.at for each in spent] == sorted(each.at for each in spent)
        for each in spent:
            shop = made.shops[each.shop]
            assert shop.area == offer.area and shop.trade in offer.trades
            assert claimed[each.claim] + wait <= each.at
            days = (day_of(each.at) - day_of(claimed[each.claim])).days
            assert days < offer.valid_days
            assert hours[shop.trade][each.at.hour] > 0
            assert offer.lot.least_fen <= each.order_amount_fen <= offer.lot.most_fen
            assert each.order_amount_fen >= offer.lot.threshold_fen


def test_the_city_and_the_county_pay_exactly_what_is_issued() -> None:
    made = planned("0.0123", 4)
    for campaign in made.campaigns:
        assert sum(each.amount_fen for each in campaign.budgets) == campaign.cell.issued_fen
        assert sum(each.share_bps for each in campaign.budgets) == 10_000
        assert {each.funder.area for each in campaign.budgets} == {"441700", campaign.area}
        assert len({offer.slug for offer in made.offers}) == len(list(made.offers))


@pytest.mark.parametrize(("rate", "scale"), [(2_000, "1"), (2_000, "0.01"), (4_100, "0.1")])
def test_a_rate_too_low_is_refused_before_anything_and_told_the_rates_that_fit(
    rate: int, scale: str
) -> None:
    with pytest.raises(Infeasible) as refused:
        feasible.check(with_rate(rate), Fraction(scale))
    assert "a redemption rate from 41." in str(refused.value)
    assert "to 100.00 % would fit" in str(refused.value)


def test_a_rate_too_high_is_told_the_rates_that_fit_and_they_do() -> None:
    low = replace(VOUCHERS.published, leveraged_fen=4_000_000_000)
    small = with_vouchers(published=low)
    with pytest.raises(
        Infeasible, match=r"from (\d+\.\d\d) % to (\d+\.\d\d) % would fit"
    ) as refused:
        feasible.check(small, Fraction("0.01"))
    words = str(refused.value).split()
    at = words.index("from")
    lowest, highest = (int(words[at + step].replace(".", "")) for step in (1, 4))
    for bps in (lowest, highest):
        targets = feasible.check(with_rate(bps, small), Fraction("0.01"))
        made = plan.make(small, targets, 1)
        reached = sum(r.order_amount_fen for o in made.offers for r in made.redemptions(o))
        assert reached == targets.leveraged.target_fen
    for bps in (lowest - 1, highest + 1):
        with pytest.raises(Infeasible):
            feasible.check(with_rate(bps, small), Fraction("0.01"))


def test_a_total_no_rate_can_reach_is_told_so() -> None:
    beyond = replace(VOUCHERS.published, leveraged_fen=99_000_000_000)
    with pytest.raises(Infeasible, match="no redemption rate would fit"):
        feasible.check(with_vouchers(published=beyond), Fraction(1))


def test_too_few_residents_are_told_how_many_would_fit() -> None:
    areas = tuple(replace(area, residents=500) for area in PROGRAMME.assumed.areas)
    few = replace(PROGRAMME, assumed=replace(PROGRAMME.assumed, areas=areas))
    with pytest.raises(Infeasible, match=r"at least [0-9,]+ residents would fit"):
        feasible.check(few, Fraction(1))


@pytest.mark.parametrize("scale", [Fraction(0), Fraction(-1), Fraction(1, 10**8)])
def test_a_scale_that_issues_nothing_is_refused(scale: Fraction) -> None:
    with pytest.raises(Infeasible):
        feasible.check(PROGRAMME, scale)
