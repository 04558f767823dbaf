"""What is handed in says the same in every format, and stands beside published retail sales."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import date

import pytest
from click.testing import CliRunner

from tests.conftest import World
from tests.services import reopened
from voucher_service.cli import main
from voucher_service.cli import retail as cli
from voucher_service.i18n import DEFAULT
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import InvalidInput, NotAllowed
from voucher_service.kernel.money import Money
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import leverage, retail
from voucher_service.reports.figures import Figures

SALES = Money(3_735_900_000_000)
PUBLISHED = date(2030, 1, 20)


def told(world: World, **other: object) -> retail.Retail:
    """373.59亿元, 1.1 % more than the year before, for all days of a programme."""
    programme = world.programme()
    facts = {
        "actor": world.staff(Role.FINANCE),
        "programme": programme.slug,
        "first": programme.opens_on,
        "last": programme.closes_on,
        "sales": SALES,
        "growth_bps": 110,
        "source": "统计月报",
        "published_on": PUBLISHED,
    }
    return retail.enter(world.core, **(facts | other))  # type: ignore[arg-type]


def test_every_format_read_by_others_says_what_the_books_say(world: World) -> None:
    campaign = world.draft()
    offer = world.offer(campaign=campaign)
    world.redeem(world.claim(offer), order_fen=12_850)
    slug = campaign.programme.slug
    reconciliation.run(world.core, programme=slug)
    assert list(reopened.differing(world.core, slug, reopened.readers(programs=False))) == []
    found = leverage.report(world.core, programme=slug)
    (kind,) = found.instruments
    assert (kind.key, kind.used, kind.spent) == ("threshold", Money(2_000), Money(12_850))
    assert kind.cost(DEFAULT).startswith("–（")


def test_leveraged_spending_stands_beside_the_growth_of_the_same_days(world: World) -> None:
    found = told(world)
    assert found.growth == Money(40_647_774_481)
    figures = Figures(leveraged=Money(9_243_200_000), redeemed=Money(1_248_170_000))
    lines = dict(retail.facts(found, figures, (), DEFAULT))
    assert lines["占社零增量"].startswith("最多 22.7%")
    assert lines["占社零增量"].endswith("0.25%")
    assert lines["净拉动占社零增量"].startswith("–")
    assert "统计月报" in lines["社零数字"]
    shrunk = replace(found, growth_bps=-110)
    assert retail.facts(shrunk, figures, (), DEFAULT)[0][1] == "–（同期社零没有增长）"
    assert retail.facts(None, figures, (), DEFAULT)[0][1].startswith("–（这几天没有登记")


def test_only_the_same_days_are_compared_and_the_last_entry_stands(world: World) -> None:
    programme = world.programme()
    told(world, programme=programme.slug)
    told(world, programme=programme.slug, growth_bps=120)
    found = leverage.report(world.core, programme=programme.slug).retail
    assert found is not None
    assert found.growth_bps == 120
    some = leverage.report(world.core, programme=programme.slug, to=programme.opens_on)
    assert some.retail is None
    assert len(retail.entered(world.core, programme=programme.slug, limit=20)) == 2


def test_only_finance_of_the_city_enters_what_can_be_true(world: World) -> None:
    for who in (world.staff(Role.PLANNER), world.staff(Role.FINANCE, area="441702")):
        with pytest.raises(NotAllowed):
            told(world, actor=who)
    for wrong in (
        {"last": date(2000, 1, 1)},
        {"published_on": date(2000, 1, 1)},
        {"source": "  "},
    ):
        with pytest.raises(InvalidInput):
            told(world, **wrong)


def test_the_operator_enters_them_as_the_finance_officer_of_the_city(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*words: str) -> str:
        return CliRunner().invoke(main, ("retail-sales", *words, "--programme", slug)).output

    monkeypatch.setattr(cli, "attached", lambda _: nullcontext((world.core, None)))
    slug = world.programme().slug
    finance, planner = "cli-finance", "cli-planner"
    for role in (Role.FINANCE, Role.PLANNER):
        world.staff(role, username=f"cli-{role}")
    days = ("--from", "2023-01-01", "--to", "2023-09-30", "--published", "2023-10-20")
    enter = ("enter", *days, "--growth", "1.1", "--source", "统计月报", "--sales")
    assert "too many decimals" in run(*enter, "1.00000000001", "--as", finance)
    assert "not_allowed" in run(*enter, "373.59", "--as", planner)
    assert "nobody at work" in run(*enter, "373.59", "--as", "nobody")
    assert "[invalid_input, sales]" in run(*enter, "0", "--as", finance)
    assert run("list") == "nothing was entered\n"
    assert "¥37,359,000,000.00, 1.1% (统计月报" in run(*enter, "373.59", "--as", finance)
    assert "统计月报" in run("list")
