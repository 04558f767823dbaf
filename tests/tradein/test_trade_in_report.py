"""Trade-in in the leverage report: net of refunds, by every grouping, and never in the ratios."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import openpyxl  # type: ignore[import-untyped]
import pytest
from sqlalchemy import text

from tests.tradein.counter import Counter, known_goods
from tests.tradein.town import MONDAY, open_town
from voucher_service.infra.core import Core
from voucher_service.kernel.money import ZERO, Money
from voucher_service.pledges import service as pledges
from voucher_service.reconciliation import service as reconciliation
from voucher_service.redemption.model import OtherDiscount, Payer
from voucher_service.reports import export, leverage
from voucher_service.reports.figures import Figures
from voucher_service.reports.groups import Basis, GroupBy
from voucher_service.reports.leverage import LeverageReport
from voucher_service.reports.trade_in import Subsidies

BANK, LISTED = Money(5_000), Money(320_000)
# 3,000 yuan for 450 of subsidy, and one whose price went down from 3,000 to 2,000.
STANDS = Subsidies(
    units=2,
    applications=0,
    subsidy=Money(45_000 + 30_000),
    turnover=Money(300_000 + 200_000),
    refunded=Money(300_000 + 100_000),
    merchant=Money(20_000),
    bank=BANK,
)


@pytest.fixture(scope="module")
def counter(core: Core) -> Iterator[Counter]:
    """Three phones sold on a Monday: one stands, one went back, one went down in price."""
    with pytest.MonkeyPatch.context() as patch:
        town = open_town(core, patch)
        known_goods(town)
        made = Counter(town, town.pool())
        gave = (OtherDiscount(Payer.BANK, BANK),)
        made.sell(discounts=gave, list_price=LISTED)
        back = made.sell(discounts=gave, list_price=LISTED)
        lowered = made.sell()
        later = Counter(town.at(timedelta(days=1)), made.pool)
        later.till = made.till
        later.refund(back, 300_000)
        later.refund(lowered, 100_000)
        reconciliation.run(town.core, programme=slug(made))
        yield made


def slug(counter: Counter) -> str:
    with counter.town.core.transaction() as session:
        found = session.execute(
            text("SELECT slug FROM programme WHERE id = :id"),
            {"id": counter.pool.offer.programme_id},
        )
        return str(found.scalar_one())


def report(counter: Counter, group_by: GroupBy = GroupBy.AREA, **asked: object) -> LeverageReport:
    return leverage.report(counter.town.core, programme=slug(counter), group_by=group_by, **asked)


def test_what_was_refunded_is_off_and_the_vouchers_know_nothing_of_it(counter: Counter) -> None:
    found = report(counter)
    assert found.trade_in.totals == STANDS
    assert found.totals.figures == Figures()
    assert found.rows == ()


@pytest.mark.parametrize("basis", Basis)
@pytest.mark.parametrize("group_by", GroupBy)
def test_rows_add_up_to_the_totals_under_every_grouping(
    counter: Counter, group_by: GroupBy, basis: Basis
) -> None:
    found = report(counter, group_by, basis=basis).trade_in
    assert sum((one.figures for one in found.rows), Subsidies()) == replace(
        STANDS,
        units=None if group_by is GroupBy.FUNDER else 2,
        applications=None if group_by is GroupBy.FUNDER else 0,
    )
    assert sum((one.figures for one in found.categories), Subsidies()) == STANDS
    assert [one.labels["en"] for one in found.categories] == ["Phone"]


def test_a_sale_counts_on_its_day_and_a_refund_on_its_own(counter: Counter) -> None:
    monday = MONDAY.date()
    sold = report(counter, GroupBy.DAY, to=monday).trade_in.totals
    assert (sold.turnover, sold.refunded, sold.bank) == (Money(900_000), ZERO, BANK + BANK)
    after = report(counter, GroupBy.DAY, from_=monday + timedelta(days=1)).trade_in.totals
    assert (after.turnover, after.subsidy) == (Money(-400_000), Money(-60_000))
    cohort = report(counter, GroupBy.DAY, basis=Basis.COHORT, to=monday).trade_in.totals
    assert cohort == STANDS


def test_who_paid_is_told_with_what_funders_had_pledged(counter: Counter) -> None:
    government, merchant, bank = report(counter).trade_in.payers
    assert (government.payer, government.delivered) == ("government", STANDS.subsidy)
    assert government.pledged == counter.pool.offer.face_value * counter.pool.offer.quota
    assert (merchant.payer, merchant.pledged, merchant.delivered) == (
        "merchant",
        None,
        STANDS.merchant,
    )
    assert (bank.payer, bank.pledged, bank.delivered) == ("bank", None, BANK)


def test_a_second_run_gives_the_same_figures(counter: Counter) -> None:
    before = report(counter).trade_in
    reconciliation.run(counter.town.core, programme=slug(counter))
    assert report(counter).trade_in == before


def test_a_sale_wakes_the_reconciliation_of_its_programme(counter: Counter) -> None:
    _, newest = reconciliation.changed(counter.town.core, since=0)
    assert slug(counter) in reconciliation.changed(counter.town.core, since=0)[0]
    assert slug(counter) not in reconciliation.changed(counter.town.core, since=newest)[0]


def test_json_has_the_section_with_its_groups(counter: Counter) -> None:
    found = leverage.as_json(report(counter), "en")["trade_in"]
    assert (found["units"], found["applications"]) == (2, 0)
    assert (found["subsidy_fen"], found["turnover_fen"]) == (75_000, 500_000)
    (row,) = found["rows"]
    assert (row["label"], row["turnover_fen"]) == ("Jiangcheng", 500_000)
    assert [one["payer"] for one in found["payers"]] == ["government", "merchant", "bank"]


def test_files_carry_it_beside_the_vouchers(counter: Counter) -> None:
    out = io.BytesIO()
    export.csv(report(counter), out, "zh-CN")
    row, total = csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig")))
    for line, name in ((row, "江城区"), (total, "合计")):
        assert (line["地区"], line["拉动消费（元）"]) == (name, "0.00")
        assert line["以旧换新：卖出台数"] == "2"
        assert line["以旧换新：成交额（元）"] == "5000.00"
    book = io.BytesIO()
    export.xlsx(report(counter), book, "en")
    names = [sheet.title for sheet in openpyxl.load_workbook(book).worksheets]
    own = ["Net leverage", "Year-end sentences", "Definitions"]
    parts = ["Trade-in", "Trade-in categories", "Who paid"]
    assert names == ["Leverage report", *parts, "Instruments", *own]


def test_what_a_bank_and_a_platform_promised_stands_beside_what_they_gave(
    counter: Counter,
) -> None:
    world = counter.town.world
    for payer, name, yuan in (("bank", "样行", 900), ("platform", "样平台", 50)):
        asked = pledges.propose(
            world.core,
            actor=world.planner,
            programme=slug(counter),
            payer=Payer(payer),
            name=name,
            amount=Money.of_yuan(yuan),
            pledged_on=MONDAY.date(),
            document="承诺书",
        )
        world.approve(asked)
    _, _, bank, platform = report(counter).trade_in.payers
    assert (bank.pledged, bank.delivered) == (Money.of_yuan(900), BANK)
    assert (platform.payer, platform.pledged, platform.delivered) == (
        "platform",
        Money.of_yuan(50),
        ZERO,
    )
