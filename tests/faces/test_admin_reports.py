"""Funders and reports of the admin API: the same figures in every form, and a county's part."""

from __future__ import annotations

from io import BytesIO
from uuid import uuid4

import openpyxl
import pytest
from sqlalchemy import text

from tests.faces.admin_desk import Desk, refused, token_of
from tests.make import JIANGCHENG, World
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.reconciliation import service as reconciliation

YANGCHUN = "441781"


@pytest.fixture(scope="module")
def finance(world: World) -> Actor:
    return world.staff(Role.FINANCE)


def test_funders_are_entered_once(desk: Desk, world: World) -> None:
    code = f"f-{uuid4().hex[:6]}"
    body = {"code": code, "name": "阳西县财政局", "level": "county", "area": "441721"}
    first = desk.post(world.planner, "/funders", body)
    again = desk.post(world.planner, "/funders", body)
    assert (first.status_code, again.json["id"]) == (201, first.json["id"])
    listed = desk.get(world.approver, "/funders?limit=200").json["items"]
    assert code in [one["code"] for one in listed]


def test_reports_tell_the_same_figures_as_json_excel_and_csv(
    desk: Desk, world: World, finance: Actor
) -> None:
    campaign = world.draft()
    offer = world.offer(campaign=campaign)
    first, _ = world.claim(offer), world.claim(offer)
    world.redeem(first, order_fen=12_850)
    slug = campaign.programme.slug
    asked = desk.post(finance, "/reconciliations", {"programme": slug})
    assert (asked.status_code, asked.json["jobs"]) == (202, [f"reconcile:{slug}"])
    reconciliation.run(desk.core, programme=slug)
    query = f"?programme={slug}&group_by=area"
    report = desk.get(finance, f"/reports/leverage{query}").json
    totals = report["totals"]
    assert (totals["issued_fen"], totals["redeemed_fen"]) == (4_000, 2_000)
    assert (totals["leveraged_fen"], totals["net_leveraged_fen"]) == (12_850, 10_850)
    assert totals["ratio_on_issued"] == 3.2125
    assert totals["floor_on_redeemed"] == 5.0
    assert sum(row["leveraged_fen"] for row in report["rows"]) == 12_850
    book = desk.get(finance, f"/reports/leverage.xlsx{query}")
    sheet = openpyxl.load_workbook(BytesIO(book.data)).worksheets[1]
    assert 128.5 in {cell.value for row in sheet.iter_rows() for cell in row}
    table = desk.get(finance, f"/reports/leverage.csv{query}")
    assert "128.50" in table.data.decode("utf-8-sig")
    assert f'filename="leverage-{slug}-area.csv"' in table.headers["Content-Disposition"]


def test_reports_refuse_unknown_programmes_and_wrong_questions(
    desk: Desk, world: World, finance: Actor
) -> None:
    slug = world.programme().slug
    refused(desk.get(finance, "/reports/leverage"), 422, "invalid_input")
    unknown = desk.get(finance, "/reports/leverage?programme=nothing-here")
    refused(unknown, 404, "not_found")
    path = f"/reports/leverage?programme={slug}"
    refused(desk.get(finance, f"{path}&group_by=mood"), 422, "invalid_input")
    refused(desk.get(finance, f"{path}&basis=gut"), 422, "invalid_input")
    backwards = desk.get(finance, f"{path}&from=2026-09-30&to=2026-09-01")
    assert refused(backwards, 422, "invalid_input")["errors"] == {"to": "最后一天不能早于第一天。"}
    shown = desk.browser(finance).get(f"{path}&from=2026-09-30&to=2026-09-01")
    assert (shown.status_code, "最后一天不能早于第一天。" in shown.text) == (422, True)
    refused(desk.post(finance, "/reconciliations", {"programme": "nothing-here"}), 404, "not_found")


def test_finance_is_told_what_is_wrong_with_a_published_figure(
    desk: Desk, world: World, finance: Actor
) -> None:
    typed = {"programme": world.programme().slug, "sales": "373.59", "growth": "1.1"}
    typed |= {"first": "2023-01-01", "last": "2023-09-30", "source": "统计月报"}
    for language, said in (
        ("zh-CN", "公布日不能早于最后一天。"),
        ("en", "The day of publication cannot be before the last day."),
    ):
        browser = desk.browser(finance, language)
        hidden = {"csrf_token": token_of(browser, "/reports/retail-sales")}
        early = typed | hidden | {"published_on": "2023-09-01"}
        page = browser.post("/reports/retail-sales", data=early)
        assert (page.status_code, said in page.text) == (422, True)


def test_a_county_reads_only_its_own_rows(desk: Desk, world: World) -> None:
    programme = world.programme()
    for area in (JIANGCHENG, YANGCHUN):
        world.claim(world.offer(campaign=world.draft(programme=programme, area=area)))
    reconciliation.run(desk.core, programme=programme.slug)
    county = world.staff(Role.FINANCE, area=JIANGCHENG)
    path = f"/reports/leverage?programme={programme.slug}"
    for group_by in ("area", "campaign"):
        report = desk.get(county, f"{path}&group_by={group_by}").json
        assert len(report["rows"]) == 1
        assert report["totals"]["issued_fen"] == 2_000
    refused(desk.get(county, f"{path}&group_by=day"), 403, "not_allowed")
    whole = desk.get(world.approver, f"{path}&group_by=area").json
    assert whole["totals"]["issued_fen"] == 4_000


def test_trade_in_stands_beside_the_vouchers_and_a_county_reads_its_own_part(
    desk: Desk, world: World
) -> None:
    programme = world.programme()
    campaign = world.draft(programme=programme)
    cell = {"programme": programme.id, "campaign": campaign.id, "day": day_of(world.now())}
    with desk.core.transaction() as session:
        for area, units, fen in ((JIANGCHENG, 2, 500_000), (YANGCHUN, 1, 300_000)):
            session.execute(_CELL, {**cell, "area": area, "units": units, "fen": fen})
    path = f"/reports/leverage?programme={programme.slug}&group_by=area"
    whole = desk.get(world.approver, path).json
    assert whole["totals"]["leveraged_fen"] == 0
    assert (whole["trade_in"]["units"], whole["trade_in"]["turnover_fen"]) == (3, 800_000)
    assert [one["label"] for one in whole["trade_in"]["categories"]] == ["手机"]
    mine = desk.get(world.staff(Role.FINANCE, area=JIANGCHENG), path).json["trade_in"]
    assert (mine["units"], mine["turnover_fen"], len(mine["rows"])) == (2, 500_000, 1)
    assert (mine["categories"], mine["payers"]) == ([], [])
    browser = desk.browser(world.approver)
    page = browser.get(path).text
    assert "单列，不进上面的任何比值" in page
    assert "8,000" in page
    english = browser.get(path, headers={"Accept-Language": "en"}).text
    assert "not part of any ratio above" in english


_CELL = text("""
    INSERT INTO trade_in_rollup (programme_id, campaign_id, offer_id, day, claim_day, category,
        area, trade, merchant_size, units, applications, subsidy_fen, turnover_fen, refunded_fen,
        invoiced_fen, merchant_fen, bank_fen, platform_fen)
    VALUES (:programme, :campaign, :campaign, :day, :day, 'phone', :area, 'digital', 'small',
        :units, 0, :fen / 10, :fen, 0, 0, 0, 0, 0)""")


def test_the_board_shows_today_on_the_map_and_a_county_only_its_own(
    desk: Desk, world: World
) -> None:
    programme = world.programme()
    offer = world.offer(campaign=world.draft(programme=programme, area=JIANGCHENG))
    world.redeem(world.claim(offer), order_fen=12_850)
    world.claim(world.offer(campaign=world.draft(programme=programme)))
    reconciliation.run(desk.core, programme=programme.slug)
    path = f"/board?programme={programme.slug}"
    page = desk.browser(world.approver).get(path).text
    for words in ("江城区", "阳春市", "今天发放", "128.5", "不在图上：阳江市，发放 "):
        assert words in page
    wall = desk.browser(world.approver).get(f"{path}&wall=yes", headers={"Accept-Language": "en"})
    assert "Too few days to forecast yet" in wall.text
    county = desk.browser(world.staff(Role.FINANCE, area=YANGCHUN)).get(path).text
    assert "今天发放" not in county
