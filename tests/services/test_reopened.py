"""What is handed in says the same in every format, and stands beside published retail sales."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, datetime, timedelta

import openpyxl  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner

from tests.conftest import World
from tests.services import reopened
from voucher_service.cli import main
from voucher_service.cli import retail as cli
from voucher_service.i18n import DEFAULT
from voucher_service.infra.core import with_clock
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import InvalidInput, NotAllowed
from voucher_service.kernel.money import Money
from voucher_service.proof import service as proof
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import deliver, leverage, retail
from voucher_service.reports.figures import Figures
from voucher_service.reports.groups import Basis, GroupBy

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


@pytest.fixture(scope="module")
def slug(world: World) -> str:
    """A programme with one order of 128.50 yuan, 20 of them by voucher, that is counted."""
    campaign = world.draft()
    world.redeem(world.claim(world.offer(campaign=campaign)), order_fen=12_850)
    reconciliation.run(world.core, programme=campaign.programme.slug)
    return campaign.programme.slug


def test_every_format_read_by_others_says_what_the_books_say(world: World, slug: str) -> None:
    assert list(reopened.differing(world.core, slug, reopened.readers(programs=False))) == []
    found = leverage.report(world.core, programme=slug)
    (kind,) = found.instruments
    assert (kind.key, kind.used, kind.spent) == ("threshold", Money(2_000), Money(12_850))
    assert kind.cost(DEFAULT).startswith("–（")


@pytest.mark.parametrize("name", ["=1+1", "\uff1d1+1", "+cmd|' /C calc'!A0", "@x", "-2+3", "\t=1"])
def test_no_name_is_ever_a_formula(world: World, slug: str, name: str) -> None:
    found, named = leverage.report(world.core, programme=slug), {"zh-CN": name, "en": name}
    report = replace(
        found,
        rows=tuple(replace(row, labels=named) for row in found.rows),
        instruments=tuple(replace(one, labels=named) for one in found.instruments),
        programme=replace(found.programme, name=name),
    )
    book = openpyxl.load_workbook(io.BytesIO(deliver.written(report, "xlsx", DEFAULT)))
    cells = [cell for page in book.worksheets for row in page.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert [cell.value for cell in cells].count(name) == 3
    with zipfile.ZipFile(io.BytesIO(deliver.written(report, "zip", DEFAULT))) as archive:
        files = [archive.read(one) for one in archive.namelist()]
    files.append(deliver.written(report, "csv", DEFAULT))
    texts = [cell for one in files for line in lines(one) for cell in line]
    assert texts.count(f"'{name}") == 6
    assert [cell for cell in texts if cell.startswith(tuple("=+-@\t"))] == []


def test_days_are_dates_and_every_table_has_a_file(world: World, slug: str) -> None:
    report = leverage.report(world.core, programme=slug, group_by=GroupBy.DAY)
    book = openpyxl.load_workbook(io.BytesIO(deliver.written(report, "xlsx", DEFAULT)))
    assert isinstance(book["分组"]["A2"].value, datetime)
    packed = deliver.written(report, "zip", DEFAULT)
    assert packed == deliver.written(report, "zip", DEFAULT)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        (_, kind, note), (names, *sources) = (
            lines(archive.read(f"{one}.csv")) for one in ("instruments", "sentences")
        )
    assert kind[0] == "满减券"
    assert note[0].endswith("不能相加。")
    (issued,) = (one for one in sources if "totals.issued_fen" in one)
    told = dict(zip(names, issued, strict=True))
    assert (told["数字"], told["精确值（金额以分计）"]) == ("¥20.00", "2000")
    assert told["取数"].startswith("/api/v1/reports/leverage?")
    assert told["账目指纹"]


def lines(content: bytes) -> list[list[str]]:
    """The cells of a CSV file."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


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


def test_what_is_spent_after_the_programme_is_not_compared_with_its_days(world: World) -> None:
    campaign = world.draft(programme=world.programme(days=1))
    offer = world.offer(world.plan(limit=2), campaign=campaign)
    now, of = world.redeem(world.claim(offer)), campaign.programme
    told(world, programme=of.slug, first=of.opens_on, last=of.closes_on)
    after = World(with_clock(world.core, Clock(world.now() + timedelta(days=3))))
    after.redeem(world.claim(offer), order_fen=50_000)
    reconciliation.run(world.core, programme=of.slug)
    for basis in Basis:
        found = leverage.report(world.core, programme=of.slug, basis=basis)
        assert found.totals.figures.leveraged == now.value.order_amount + Money(50_000)
        assert found.meanwhile.leveraged == now.value.order_amount


def test_only_finance_of_the_city_enters_what_can_be_true(world: World) -> None:
    for who in (world.staff(Role.PLANNER), world.staff(Role.FINANCE, area="441702")):
        with pytest.raises(NotAllowed):
            told(world, actor=who)
    for wrong in (
        {"last": date(2000, 1, 1)},
        {"published_on": date(2000, 1, 1)},
        {"source": "  "},
        {"sales": Money(10**18)},
        {"growth_bps": 10**10},
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
    assert "[invalid_input]\nsales: Retail sales must be above 0" in run(
        *enter, "0", "--as", finance
    )
    assert "[invalid_input]\nsales: Retail sales must be above 0" in run(
        *enter, "1e20", "--as", finance
    )
    fallen = (*days, "--growth", "-100", "--source", "统计月报", "--sales", "1", "--as", finance)
    assert "[invalid_input]\ngrowth: Growth must be above" in run("enter", *fallen)
    assert run("list") == "nothing was entered\n"
    assert "¥37,359,000,000.00, 1.1% (统计月报" in run(*enter, "373.59", "--as", finance)
    assert "统计月报" in run("list")


def test_a_file_is_sealed_by_a_head_of_all_that_was_written_before(world: World, slug: str) -> None:
    def made() -> dict[str, object]:
        answer = deliver.leverage(
            world.core,
            programme=slug,
            group_by="area",
            basis="period",
            format_="json",
            locale=DEFAULT,
        )
        sealed: dict[str, object] = json.loads(answer)["sealed"]
        return sealed

    before = made()
    assert before["size"]
    assert made() == before
    assert proof.health(world.core).behind == timedelta()
    world.staff(Role.FINANCE)
    assert made() != before
