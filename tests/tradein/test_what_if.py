"""A draft of a policy over past decisions: sums, who gains and loses, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.tradein.rise import owed, year
from voucher_service.cli import main
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.kernel.money import Money
from voucher_service.settings import CONFIG
from voucher_service.tradein import rule_words, shelf
from voucher_service.tradein.revision import Past
from voucher_service.tradein.revisions.effects import BANDS_YUAN, By, Effects, Tally, band

RAISED = shelf.policy("car_scrap-2024-07")
AREAS = ("441702", "441781", "")


def ran(draft: str = RAISED.id, **changes: object) -> Effects:
    tally = Tally(replace(shelf.policy(draft), **changes))  # type: ignore[arg-type]
    for number, (one, _) in enumerate(year()):
        area = AREAS[number % len(AREAS)]
        tally.add(Past(one, ResidentId(new_id()), area, datetime(2024, 12, 1, tzinfo=UTC)))
    return tally.effects()


def test_a_draft_costs_what_the_rules_owe_and_every_way_adds_up() -> None:
    found = ran()
    before = {one.id: one.subsidy.fen for one, _ in year()}
    after = {one.id: owed(one.case, raised=True) for one, _ in year()}
    assert found.total.decisions == len(before)
    assert found.total.before.fen == sum(before.values())
    assert found.total.after.fen == sum(after.values())
    assert found.total.gained == sum(after[id] > before[id] for id in before) > 0
    assert found.total.lost == sum(after[id] < before[id] for id in before)
    for way, parts in found.by.items():
        for name in ("decisions", "before", "after", "gained", "lost"):
            values = [getattr(one, name) for one in parts.values()]
            total = Money.total(values) if isinstance(values[0], Money) else sum(values)
            assert total == getattr(found.total, name), (way, name)
    energies = Counter(str(one.case.new.energy) for one, _ in year() if one.case.new)
    assert {key: one.decisions for key, one in found.by[By.ENERGY].items()} == energies
    assert set(found.by[By.AREA]) == set(AREAS)


def test_the_days_of_purchase_of_a_draft_do_not_count_its_places_do() -> None:
    later = replace(RAISED, first=RAISED.first.replace(year=2030))
    assert ran(first=later.first, last=later.last.replace(year=2030)) == ran()
    elsewhere = ran(areas=("441900",))
    assert elsewhere.total.change == Money(0)
    assert elsewhere.total.gained == elsewhere.total.lost == 0


def test_a_price_lies_in_the_band_that_starts_at_or_below_it() -> None:
    for low, high in zip(BANDS_YUAN, (*BANDS_YUAN[1:], 10**7), strict=True):
        assert band(Money.of_yuan(low)) == low
        assert band(Money.of_yuan(high) - Money(1)) == low


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_every_policy_is_told_in_words_and_says_what_was_not_published(locale: str) -> None:
    for one in shelf.shelf():
        told = rule_words.rules(one, locale)
        assert len(told) == len(one.rules)
        assert all(goods and pays for goods, pays in told)
        assert one.published or one.assumed is not None
        if one.assumed is not None:
            assert one.assumed.spelt(locale) in rule_words.conditions(one, locale)


def test_the_command_lists_the_shelf_and_names_what_is_wrong_in_a_draft(tmp_path: Path) -> None:
    listed = CliRunner().invoke(main, ["policy", "list", "--lang", "en"])
    assert listed.exit_code == 0
    assert all(one.id in listed.output for one in shelf.shelf())
    draft = tmp_path / "draft.toml"
    good = (CONFIG / "policies" / "car_scrap-2026.toml").read_text("utf-8")
    draft.write_text(good.replace("cap_fen", "cap"), "utf-8")
    days = ["--from", "2025-01-01", "--to", "2025-12-31"]
    refused = CliRunner().invoke(main, ["policy", "what-if", str(draft), *days])
    assert refused.exit_code == 1
    assert "cap_fen" in refused.output
