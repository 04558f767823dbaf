"""Outcome data over HTTP and at the desk: imported or refused whole, and drawn in the report."""

from __future__ import annotations

import csv
import io
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from tests.causal import panels
from tests.faces.admin_desk import Desk, refused, send
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.causal import weeks
from voucher_service.causal.outcomes import Kind
from voucher_service.infra import areas
from voucher_service.jobs import runtime
from voucher_service.kernel.actor import Actor, Role
from voucher_service.reconciliation import service as reconciliation

AREAS, ISSUING, PEOPLE = 12, 6, 10


@pytest.fixture(scope="module")
def finance(desk: Desk) -> Actor:
    return desk.world.staff(Role.FINANCE)


@pytest.fixture(scope="module")
def offer(desk: Desk) -> Offer:
    """Redeemed once in each of six towns, and in six others never."""
    made = desk.world.offer()
    for area in towns()[:ISSUING]:
        till = desk.world.cashier(area=area)
        desk.world.redeem(desk.world.claim(made), till)
    return made


def towns() -> list[str]:
    return list(areas.children("441900"))[:AREAS]


def lines(offer: Offer) -> panels.Rows:
    """Every yuan redeemed made about three more, in the week of the opening."""
    opens, _ = weeks.valid(offer)
    rows: list[tuple[Any, ...]] = []
    for number, town in enumerate(towns()):
        for week, monday in enumerate(panels.mondays(offer)):
            usual = 300_000 + 40 * ((number * 31 + week * 17) % 23)
            more = 3 * 2_000 if monday == opens and number < ISSUING else 0
            rows.append((town, monday, "dining", PEOPLE, usual + more, 90))
    return rows


def test_an_import_gives_an_estimate_in_every_form_of_the_report(
    desk: Desk, finance: Actor, offer: Offer
) -> None:
    file = panels.written(offer, Kind.AREAS, lines(offer)).getvalue().decode()
    made = desk.post(finance, "/outcomes", {"file": file})
    assert made.status_code == 201, made.json
    assert (made.json["kind"], made.json["lines"]) == ("areas", len(lines(offer)))
    refused(desk.post(finance, "/outcomes", {"file": file}), 409, "outcome_file_repeated")
    assert [one["id"] for one in desk.get(finance, "/outcomes").json["items"]] == [made.json["id"]]
    assert runtime.do(desk.core, f"estimate:{offer.id}")
    known = campaigns.programmes(desk.core)
    slug = next(one.slug for one in known if one.id == offer.programme_id)
    reconciliation.run(desk.core, programme=slug)
    report = desk.get(finance, f"/reports/leverage?programme={slug}")
    told = report.json["causal"]
    assert told["measurable"]
    effect = next(one for one in told["estimates"] if one["window"] == "during")["effect"]
    assert effect["low"] < 3 < effect["high"]
    cost = told["cost_per_extra_yuan"]
    assert report.json["cost_per_extra_yuan"] == cost["point"]
    assert cost["low"] < 1 / 3 < cost["high"]
    page = desk.browser(finance).get(f"/reports/leverage?programme={slug}")
    assert page.status_code == 200
    assert "每核销 1 元券" in page.text
    assert 'id="t-causal"' in page.text
    assert '<circle class="f2"' in page.text
    english = desk.browser(finance, "en").get(f"/reports/leverage?programme={slug}")
    assert "Each yuan of vouchers redeemed" in english.text
    book = desk.get(finance, f"/reports/leverage.xlsx?programme={slug}")
    sheets = openpyxl.load_workbook(BytesIO(book.data))
    assert sheets["净拉动"]["E2"].value == pytest.approx(
        round(told["estimates"][0]["effect"]["point"], 4)
    )
    listed = desk.browser(finance).get("/outcomes").text
    assert offer.title in listed
    assert "发券地区与没发券的地区 · 有效期内" in listed
    text = desk.get(finance, f"/reports/leverage.csv?programme={slug}").data.decode("utf-8-sig")
    *groups, total = csv.DictReader(io.StringIO(text))
    first = told["estimates"][0]["effect"]
    assert float(total["净拉动 ÷ 核销"]) == pytest.approx(first["point"])
    assert {one["净拉动 ÷ 核销"] for one in groups} == {""}
    county = desk.world.staff(Role.FINANCE, area="441702")
    theirs = desk.get(county, f"/reports/leverage?programme={slug}&group_by=area").json["causal"]
    assert theirs["estimates"] == []


def test_a_file_with_faults_is_refused_at_the_desk_with_its_lines(
    desk: Desk, finance: Actor, offer: Offer
) -> None:
    client = desk.browser(finance)
    bad = panels.written(offer, Kind.AREAS, lines(offer), total_fen=1).getvalue()
    answer = send(client, "/outcomes", "/outcomes", file=(BytesIO(bad), "areas.csv"))
    assert answer.status_code == 422
    assert "第 10 行" in answer.text
    assert "文件说合计 1 分，各行相加是" in answer.text
    empty = send(client, "/outcomes", "/outcomes", file=(BytesIO(b""), "areas.csv"))
    assert empty.status_code == 422
    called = desk.post(finance, "/outcomes", {"file": bad.decode()})
    refused(called, 422, "outcome_file_invalid")
    assert called.json["lines"][0]["line"] == 10


def test_only_finance_imports_and_the_page_says_what_to_ask_for(desk: Desk, offer: Offer) -> None:
    planner = desk.world.planner
    refused(desk.post(planner, "/outcomes", {"file": "x"}), 403, "not_allowed")
    page = desk.browser(planner).get("/outcomes")
    assert "由财务导入。" in page.text
    assert "至少 30 家店" in page.text
    slug = desk.world.programme().slug
    report = desk.browser(planner).get(f"/reports/leverage?programme={slug}")
    assert "净拉动不能估计：没有结果数据。" in report.text
