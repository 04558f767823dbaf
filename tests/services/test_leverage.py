"""The leverage report: groups, bases, ratios, and the files to hand in."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from sqlalchemy import text

from admin.figures import ruler
from tests.make import World
from tests.printing.reading import pages
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Campaign, Offer
from voucher_service.i18n import formats
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import InvalidInput, NoSuchThing
from voucher_service.kernel.money import Money
from voucher_service.merchants.model import SizeClass, Trade
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import causal, export, layout, leverage, paper, printed, sentences
from voucher_service.reports.figures import AMOUNTS, Figures, Ratios, quotient
from voucher_service.reports.groups import Basis, Group, GroupBy
from voucher_service.reports.leverage import LeverageReport, Row
from voucher_service.reports.trade_in import Subsidies

FIRST = date(2026, 9, 23)
SECOND = date(2026, 9, 24)
CITY, COUNTY, FAR_COUNTY = "441700", "441702", "441781"
CONTRACT = {
    "key",
    "label",
    *(f"{name}_fen" for name in ("released", "issued", "redeemed", "leveraged", "refunded")),
    "net_leveraged_fen",
    *(f"{name}_on_{whole}" for name in ("ratio", "floor") for whole in ("issued", "redeemed")),
}


def funded(world: World, campaign: Campaign, lines: dict[str, int], face: int, quota: int) -> Offer:
    plan = world.plan(face=face, threshold=5 * face, quota=quota, valid_days=30)
    made = campaigns.create_offer(world.core, actor=world.planner, campaign=campaign.id, plan=plan)
    for funder, share_bps in lines.items():
        world.line(campaign.id, Money.of_yuan(face * quota), funder=funder, share_bps=share_bps)
    world.publish(campaign.id)
    return world.reload(made.value.id)


@pytest.fixture(scope="module")
def played(core: Core) -> tuple[Core, str]:
    """Two campaigns; five vouchers claimed on one day, three of them redeemed on two days.

    City: face 20 of 100, paid 2 : 1 by city and province; three claimed, one redeemed in each of
    two counties.
    County: face 50 of 250, two claimed, one redeemed.
    """
    clock = Clock(datetime(2026, 9, 23, 4, 0, tzinfo=UTC))
    own = with_clock(core, clock)
    world = World(own)
    programme = world.programme()
    one = world.draft(programme=programme)
    city = funded(world, one, {"city": 6_667, "province": 3_333}, 20, 10)
    two = world.draft(programme=programme, area=COUNTY)
    county = funded(world, two, {"county": 10_000}, 50, 4)
    wide = [world.claim(city) for _ in range(3)]
    near = [world.claim(county) for _ in range(2)]
    diner = world.cashier(area=COUNTY, trade=Trade.DINING, size=SizeClass.SMALL)
    shop = world.cashier(area=FAR_COUNTY, trade=Trade.RETAIL, size=SizeClass.ABOVE_QUOTA)
    world.redeem(wide[0], diner, order_fen=10_001, payment_reference="a")
    clock.set(clock.at + timedelta(days=1) if clock.at else world.now())
    world.redeem(wide[1], shop, order_fen=15_000)
    world.redeem(near[0], diner, order_fen=30_000, payment_reference="b")
    with own.transaction() as session:
        session.execute(
            text("UPDATE campaign SET name = '=HYPERLINK(1)' WHERE id = :id"), {"id": two.id}
        )
        session.execute(
            text("UPDATE programme SET synthetic = true WHERE id = :id"), {"id": programme.id}
        )
    reconciliation.run(own, programme=programme.slug)
    return own, programme.slug


def rows(
    played: tuple[Core, str], group_by: GroupBy, basis: Basis = Basis.PERIOD
) -> dict[str | None, Row]:
    core, slug = played
    return {
        row.key: row
        for row in leverage.report(core, programme=slug, group_by=group_by, basis=basis).rows
    }


@pytest.fixture
def report(played: tuple[Core, str]) -> LeverageReport:
    core, slug = played
    return leverage.report(core, programme=slug)


def test_totals_carry_every_ratio_with_its_denominator(report: LeverageReport) -> None:
    figures, ratios = report.totals.figures, report.totals.ratios
    assert (figures.issued, figures.redeemed) == (Money(16_000), Money(9_000))
    assert (figures.leveraged, figures.released) == (Money(55_001), Money(40_000))
    assert ratios.on_issued == Decimal("3.4376")
    assert ratios.on_redeemed == Decimal("6.1112")
    assert ratios.floor_on_issued == Decimal("2.8125")
    assert ratios.floor_on_redeemed == Decimal("5.0000")
    assert ratios.redemption_rate == Decimal("0.5625")
    assert ratios.evidenced == Decimal("0.7273")


@pytest.mark.parametrize("basis", Basis)
@pytest.mark.parametrize("group_by", GroupBy)
def test_rows_add_up_to_the_same_totals_under_every_grouping(
    played: tuple[Core, str], report: LeverageReport, group_by: GroupBy, basis: Basis
) -> None:
    core, slug = played
    found = leverage.report(core, programme=slug, group_by=group_by, basis=basis)
    assert found.totals == report.totals
    total = sum((row.figures for row in found.rows), Figures())
    assert [getattr(total, name) for name in AMOUNTS] == [
        getattr(report.totals.figures, name) for name in AMOUNTS
    ]


def test_a_funder_bears_its_share_of_every_amount(played: tuple[Core, str]) -> None:
    found = rows(played, GroupBy.FUNDER)
    assert {key: row.figures.leveraged.fen for key, row in found.items()} == {
        "city": 16_668,
        "county": 30_000,
        "province": 8_333,
    }
    assert found["city"].figures.vouchers_issued is None


def test_an_area_has_what_it_issued_beside_what_its_shops_took(played: tuple[Core, str]) -> None:
    found = rows(played, GroupBy.AREA)
    assert {
        key: (row.figures.issued.fen, row.figures.redeemed.fen) for key, row in found.items()
    } == {
        CITY: (6_000, 0),
        COUNTY: (10_000, 7_000),
        FAR_COUNTY: (0, 2_000),
    }
    assert found[FAR_COUNTY].ratios.on_issued is None
    assert found[FAR_COUNTY].labels == {"zh-CN": "阳春市", "en": "Yangchun"}


@pytest.mark.parametrize("group_by", [GroupBy.TRADE, GroupBy.MERCHANT_SIZE])
def test_no_voucher_is_issued_to_a_trade_or_a_size(
    played: tuple[Core, str], group_by: GroupBy
) -> None:
    found = rows(played, group_by)
    assert list(found)[-1] is None
    assert found[None].figures.issued == Money(16_000)
    for row in found.values():
        ratios = row.ratios
        assert (ratios.on_issued, ratios.floor_on_issued, ratios.redemption_rate) == (None,) * 3
        assert (ratios.on_redeemed is None) == (row.key is None)


def test_a_day_has_ratios_only_by_the_day_of_the_claim(played: tuple[Core, str]) -> None:
    period = rows(played, GroupBy.DAY)
    assert {key: row.figures.leveraged.fen for key, row in period.items()} == {
        FIRST.isoformat(): 10_001,
        SECOND.isoformat(): 45_000,
    }
    for row in period.values():
        assert (
            row.ratios.on_issued is row.ratios.on_redeemed is row.ratios.floor_on_redeemed is None
        )
    (cohort,) = rows(played, GroupBy.DAY, Basis.COHORT).values()
    assert (cohort.key, cohort.ratios.on_issued) == (FIRST.isoformat(), Decimal("3.4376"))


def test_days_are_cut_by_the_basis_that_was_asked_for(played: tuple[Core, str]) -> None:
    core, slug = played
    period = leverage.report(core, programme=slug, from_=FIRST, to=FIRST)
    assert period.totals.figures.leveraged == Money(10_001)
    cohort = leverage.report(core, programme=slug, basis=Basis.COHORT, from_=FIRST, to=FIRST)
    assert cohort.totals.figures.leveraged == Money(55_001)
    later = leverage.report(core, programme=slug, from_=SECOND)
    assert (later.totals.figures.issued, later.totals.ratios.on_issued) == (Money(0), None)


def test_days_the_wrong_way_round_and_unknown_programmes_are_refused(
    played: tuple[Core, str],
) -> None:
    core, slug = played
    with pytest.raises(InvalidInput):
        leverage.report(core, programme=slug, from_=SECOND, to=FIRST)
    with pytest.raises(NoSuchThing):
        leverage.report(core, programme="nothing")


def test_a_programme_that_was_never_reconciled_has_no_instant_and_no_figures(world: World) -> None:
    found = leverage.report(world.core, programme=world.programme().slug)
    assert (found.as_of, found.rows, found.totals.figures) == (None, (), Figures())
    assert leverage.as_json(found)["as_of"] is None


def test_the_json_has_the_fields_of_the_contract(report: LeverageReport) -> None:
    found = json.loads(json.dumps(leverage.as_json(report, "en")))
    assert found["as_of"] == "2026-09-24T12:00:00+08:00"
    assert (found["basis"], found["synthetic"]) == ("period", True)
    for name in ("units", "applications", "subsidy_fen", "turnover_fen"):
        assert found["trade_in"][name] == 0
    assert found["definitions"]["redemption_rate"] == "Redeemed ÷ issued."
    for row in (*found["rows"], found["totals"]):
        assert set(row) >= CONTRACT
        assert row["net_leveraged_fen"] == row["leveraged_fen"] - row["redeemed_fen"]
    assert (found["totals"]["label"], found["totals"]["ratio_on_issued"]) == ("Total", 3.4376)


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_excel_shows_the_same_figures_and_no_formula(report: LeverageReport, locale: str) -> None:
    out = io.BytesIO()
    export.xlsx(report, out, locale)
    book = openpyxl.load_workbook(io.BytesIO(out.getvalue()))
    about, figures, _, _, said, definitions = book.worksheets
    assert about.max_row > 10
    assert "550.01" in str(said["A3"].value)
    assert {one.freeze_panes for one in book.worksheets} == {"B2"}
    cells = [cell for row in figures.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)
    head = [cell.value for cell in figures[1]]
    last = dict(zip(head, [cell.value for cell in figures[figures.max_row]], strict=True))
    issued, leveraged = (
        ("发放", "拉动消费") if locale == "zh-CN" else ("Issued", "Leveraged spending")
    )
    yuan = "{}（元）" if locale == "zh-CN" else "{} (yuan)"
    assert last[yuan.format(issued)] == 160
    assert last[yuan.format(leveraged)] == 550.01
    assert "=HYPERLINK(1)" in [cell.value for cell in cells]
    assert definitions.max_row > 10


def test_csv_opens_in_excel_and_starts_no_formula(report: LeverageReport) -> None:
    out = io.BytesIO()
    export.csv(report, out, "zh-CN")
    assert out.getvalue().startswith(b"\xef\xbb\xbf")
    lines = list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"))))
    assert [line["活动"] for line in lines] == ["惠利金秋 第一场", "'=HYPERLINK(1)", "合计"]
    assert lines[-1]["拉动消费（元）"] == "550.01"
    assert {line["数据来源"] for line in lines} == {"回放数据：居民和订单是模拟的，不衡量效果"}


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        (
            "zh-CN",
            (
                "回放数据",
                "=HYPERLINK(1)",
                "¥550.01",
                "3.44",
                "56.3%",
                "发放和拉动消费",
                "每核销 1 元券",
            ),
        ),
        ("en", ("replayed", "=HYPERLINK(1)", "¥550.01", "3.44", "Issued and leveraged spending")),
    ],
)
def test_the_paper_says_the_same_in_letters_that_can_be_copied(
    report: LeverageReport, locale: str, words: tuple[str, ...]
) -> None:
    made = paper.pdf(report, locale)
    said = "".join(pages(made))
    assert [one for one in words if one not in said] == []
    assert paper.pdf(report, locale) == made


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_each_figure_of_the_year_end_sentences_stands_where_they_say(
    report: LeverageReport, locale: str
) -> None:
    answer = leverage.as_json(report, locale)
    known = set(answer["definitions"])
    figures = [figure for one in answer["sentences"] for figure in one["figures"]]
    assert len(figures) == 6
    for one in figures:
        parts = [resolved(answer, field) for field in one["field"].split(" + ")]
        assert sum(parts) == float(one["value"])
        assert one["definition"] in known
        assert one["written"] in "".join(said["text"] for said in answer["sentences"])


def test_the_year_end_sentences_are_in_the_words_of_bureaus(report: LeverageReport) -> None:
    cars = Subsidies(applications=342, subsidy=Money(99_800_00))
    units = Subsidies(units=5_699, turnover=Money(25_117_800_00))
    groups = tuple(Group(str(one), {}, one) for one in (cars, units))
    sold = replace(
        report,
        levels=frozenset({"city", "county"}),
        trade_in=replace(report.trade_in, categories=groups),
    )
    said = sentences.paragraph(sold, "zh-CN")
    assert said.startswith(
        "【合成回放，不是真实数据】市县两级共同发放消费券¥160.00，拉动消费¥550.01。"
    )
    assert "销售 5,699 台，直接拉动交易额2,511.8万元。" in said
    assert sentences.paragraph(replace(sold, levels=frozenset()), "en").startswith("[")
    assert "issued by the city and counties together" in sentences.paragraph(sold, "en")


def resolved(answer: Any, field: str) -> float:
    """What stands at a place like `trade_in.categories[0].units`."""
    for part in field.replace("[", ".").replace("]", "").split("."):
        answer = answer[int(part)] if part.isdigit() else answer[part]
    return float(answer)


@pytest.mark.parametrize("exact", ["5.125", "5.115", "1.005"])
def test_a_ratio_is_rounded_the_same_beside_an_estimate_as_in_the_table(exact: str) -> None:
    _, _, figure, _ = causal.Line("拉动比", "", float(exact)).written()
    assert figure == formats.ratio(Decimal(exact))


def test_what_lapsed_belongs_to_no_hour_and_ends_no_line(report: LeverageReport) -> None:
    hours = [replace(report.totals, key=key) for key in ("09", "17", None)]
    told = replace(report, group_by=GroupBy.HOUR, rows=tuple(hours))
    assert [row.key for row in layout.in_time(told)] == ["09", "17"]
    assert layout.in_time(replace(told, group_by=GroupBy.AREA)) == []


@pytest.mark.parametrize("group_by", GroupBy)
def test_every_grouping_has_its_paper(played: tuple[Core, str], group_by: GroupBy) -> None:
    core, slug = played
    found = leverage.report(core, programme=slug, group_by=group_by)
    assert "550.01" in "".join(pages(paper.pdf(found, "zh-CN")))


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("zh-CN", ("回放数据", "0.1", "¥550.01", "3.44", "56.3%")),
        ("en", ("replayed", "3.44", "¥550.01")),
    ],
)
def test_the_terminal_says_that_a_replay_is_a_replay(
    report: LeverageReport, locale: str, words: tuple[str, ...]
) -> None:
    console = Console(file=io.StringIO(), width=200)
    console.print(printed.leverage(report, locale))
    shown = console.file.getvalue() if isinstance(console.file, io.StringIO) else ""
    for word in words:
        assert word in shown


@given(st.integers(0, 10**13), st.integers(1, 10**13))
def test_a_ratio_is_rounded_half_up_from_the_exact_quotient(part: int, whole: int) -> None:
    exact = (Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    assert quotient(Money(part), Money(whole)) == exact


def test_days_with_more_refunds_than_orders_still_have_their_paper(report: LeverageReport) -> None:
    back = replace(
        report.totals,
        figures=Figures(issued=Money(500), leveraged=Money(-100), redeemed=Money(-20)),
        ratios=Ratios(on_issued=Decimal("-0.2"), on_redeemed=Decimal("-0.1")),
    )
    found = replace(report, rows=(back,), totals=back)
    assert {bar.length for bar in ruler(found).bars} == {0}
    assert formats.money(Money(-100)) in "".join(pages(paper.pdf(found, "zh-CN")))


def test_a_chart_draws_what_was_redeemed_where_nothing_is_issued_to_a_group(
    played: tuple[Core, str],
) -> None:
    core, slug = played
    by_trade, by_area = (
        layout.drawing(leverage.report(core, programme=slug, group_by=one))
        for one in (GroupBy.TRADE, GroupBy.AREA)
    )
    assert [one.name for one in by_trade.amounts] == ["redeemed", "leveraged"]
    assert [row.key for row in by_trade.rows] == ["dining", "retail"]
    assert [one.name for one in by_area.amounts] == ["issued", "leveraged"]
    assert by_area.top == Money(40_001)
