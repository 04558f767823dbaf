"""Goods over HTTP, at the desk and on the manager's phone."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from merchant_portal.app import create_app
from tests.faces.admin_desk import CHINESE, Desk, main_of, refused, send
from tests.faces.own_till import manager_of
from tests.make import World
from tests.services.goods_shelf import line, new_gtin, proposed, stocked, table, till_of
from voucher_service.goods import service as goods
from voucher_service.goods.gtins import printed
from voucher_service.goods.model import Seen
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.money import Money
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


@pytest.fixture(scope="module")
def merchant(core: Core) -> Flask:
    """The merchant face."""
    return create_app(core)


@pytest.fixture(scope="module")
def manager(world: World) -> Actor:
    """A manager."""
    return manager_of(world, world.cashier())


def phone(merchant: Flask, core: Core, actor: Actor, language: str = "zh-CN") -> FlaskClient:
    """A browser of somebody at a shop."""
    assert actor.id
    client = merchant.test_client()
    client.set_cookie("voucher_merchant", issue(core, Face.MERCHANT, actor.id).access_token)
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return client


def call(
    merchant: Flask, core: Core, actor: Actor, method: str, path: str, json: Any = None
) -> TestResponse:
    """A call of the merchant face."""
    assert actor.id
    bearer = f"Bearer {issue(core, Face.MERCHANT, actor.id).access_token}"
    return merchant.test_client().open(
        f"/api/v1{path}", method=method, json=json, headers={"Authorization": bearer}
    )


def sold(world: World, manager: Actor, gtin: str) -> None:
    """A unit sold at an old price, and one whose list price was raised."""
    till, today = till_of(world.core, manager), day_of(world.now())

    def unit(ago: int, yuan: int, listed: int | None = None) -> Seen:
        price, list_price = Money.of_yuan(yuan), None if listed is None else Money.of_yuan(listed)
        day = today - timedelta(days=ago)
        return Seen(till.shop_id, till.merchant_id, till.area, gtin, day, price, list_price)

    for one in (unit(9, 3_000), unit(1, 3_100, 3_600)):
        with world.core.transaction() as session:
            goods.observe(session, seen=[one])


def test_a_table_by_api_from_the_upload_to_the_library(desk: Desk, manager: Actor) -> None:
    planner, gtin = desk.world.planner, new_gtin()
    body = {"file_name": "九月.csv", "table": table([line(gtin, guide="3999")]).decode()}
    made = desk.post(planner, "/goods/changes", body)
    assert made.status_code == 201, made.json
    change = made.json
    assert (change["status"], change["fresh"], change["lines"]) == ("submitted", 1, 1)
    (one,) = desk.get(planner, f"/goods/changes/{change['id']}/differences").json["items"]
    assert (one["after"]["gtin"], one["before"]) == (gtin, None)
    refused(desk.get(planner, f"/goods/{gtin}"), 404, "not_found")
    (proposal,) = (
        one
        for one in desk.get(planner, "/approvals?state=waiting").json["items"]
        if one["object_id"] == change["id"]
    )
    assert proposal["payload"]["file_sha256"] == change["sha256"]
    desk.post(desk.world.approver, f"/approvals/{proposal['id']}/approve")
    (product,) = desk.get(planner, f"/goods/{printed(gtin)}").json["items"]
    assert (product["guide_price_fen"], product["grade"]) == (399_900, 1)
    (found,) = desk.get(planner, f"/goods?q={printed(gtin)}&category=refrigerator").json["items"]
    assert found == product
    sold(desk.world, manager, gtin)
    (history,) = desk.get(planner, f"/goods/{gtin}/prices").json["items"]
    assert (history["filed_price_fen"], history["lowest_of_month_fen"]) == (None, 300_000)
    (suspect,) = (
        one for one in desk.get(planner, "/goods/suspicions").json["items"] if one["gtin"] == gtin
    )
    (why,) = suspect["findings"]
    assert (why["reason"], why["over_fen"]) == ("raised_then_cut", 10_000)
    file = desk.get(planner, "/goods/library.csv")
    assert printed(gtin) in file.text


def test_a_wrong_table_is_refused_with_its_lines(desk: Desk) -> None:
    planner = desk.world.planner
    lines = [line(new_gtin()), line("6901234567893"), line(new_gtin(), grade=9)]
    body = {"file_name": "x.csv", "table": table(lines).decode()}
    told = refused(desk.post(planner, "/goods/changes", body), 422, "goods_file_invalid")
    assert [(one["line"], one["reason"]) for one in told["lines"]] == [(3, "gtin"), (4, "grade")]
    auditor = desk.world.staff(Role.AUDITOR)
    refused(desk.post(auditor, "/goods/changes", body), 403, "not_allowed")


def test_a_planner_uploads_a_table_and_an_approver_seals_it(desk: Desk) -> None:
    known, fresh = new_gtin(), new_gtin()
    stocked(desk.world, line(known, first="2026-01-01"))
    planner, approver = desk.browser(desk.world.planner), desk.browser(desk.world.approver)
    nothing = send(planner, "/goods/changes", "/goods/changes")
    assert nothing.status_code == 422 and "请先选一个文件" in nothing.text
    wrong = (io.BytesIO(table([line("1")])), "错.csv")
    answer = send(planner, "/goods/changes", "/goods/changes", table=wrong)
    assert answer.status_code == 422 and "第 2 行" in answer.text
    content = table([line(known, grade=2), line(fresh, guide="2999")])
    made = send(planner, "/goods/changes", "/goods/changes", table=(io.BytesIO(content), "新.csv"))
    assert made.status_code == 303, made.text
    page = planner.get(made.location).text
    assert "1 → <b>2</b>" in page and printed(fresh) in page
    proposal = re.findall(r'href="(/approvals/[^"]+)"', page)[0]
    reading = approver.get(proposal).text
    assert "1 → <b>2</b>" in reading and "新.csv" in reading
    assert send(approver, proposal, f"{proposal}/approve").status_code == 303
    assert "已经有结果了" in planner.get(made.location).text
    shown = planner.get(f"/goods/{printed(known)}").text
    assert shown.count("<h3>") == 2  # the version of today, and tomorrow's


def test_a_manager_files_one_price_and_a_table_of_them(
    merchant: Flask, world: World, manager: Actor
) -> None:
    core, one, other = world.core, new_gtin(), new_gtin()
    stocked(world, line(one, model="QX-1", guide="5000"), line(other, model="QX-2"))
    browser = phone(merchant, core, manager)
    found = browser.get(f"/prices?q={printed(one)}").text
    assert f'href="/prices/{printed(one)}"' in found and "还没备案" in found
    path = f"/prices/{printed(one)}"
    above = send_price(browser, path, "5001")
    assert above.status_code == 422 and "高于指导价 ¥5,000" in above.text
    assert send_price(browser, path, "4,999").status_code == 303
    assert "¥4,999.00" in browser.get(path).text
    wrong = f"商品条码,备案价\n{printed(other)},10\n{printed(new_gtin())},20\n"
    answer = send(browser, "/prices", "/prices/table", table=(io.BytesIO(wrong.encode()), "p.csv"))
    assert answer.status_code == 422 and "第 3 行" in answer.text
    right = f"商品条码,备案价\n{printed(other)},10\n"
    answer = send(browser, "/prices", "/prices/table", table=(io.BytesIO(right.encode()), "p.csv"))
    assert answer.status_code == 303
    assert "¥10.00" in browser.get("/prices").text


def send_price(browser: FlaskClient, path: str, price: str) -> TestResponse:
    """File a price on a product's page."""
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', browser.get(path).text))
    return browser.post(path, data=hidden | {"price": price})


def test_prices_by_api_count_from_tomorrow(merchant: Flask, world: World, manager: Actor) -> None:
    core, gtin = world.core, new_gtin()
    stocked(world, line(gtin))
    body = {"items": [{"gtin": printed(gtin), "price_fen": 399_900}]}
    made = call(merchant, core, manager, "POST", "/filed-prices", body)
    assert made.status_code == 201, made.json
    tomorrow = day_of(world.now()) + timedelta(days=1)
    (filed,) = made.json["items"]
    assert (filed["price_fen"], filed["valid_from"]) == (399_900, tomorrow.isoformat())
    again = call(merchant, core, manager, "POST", "/filed-prices", body)
    assert (again.status_code, again.json["items"]) == (201, [])
    (own,) = call(merchant, core, manager, "GET", f"/filed-prices?q={gtin}").json["items"]
    assert (own["now"], own["next"]["price_fen"]) == (None, 399_900)
    twice = {"items": body["items"] * 2}
    assert call(merchant, core, manager, "POST", "/filed-prices", twice).status_code == 422
    many = {"items": [*body["items"], {"gtin": printed(new_gtin()), "price_fen": 1}]}
    told = refused(
        call(merchant, core, manager, "POST", "/filed-prices", many), 422, "goods_file_invalid"
    )
    assert [(one["line"], one["reason"]) for one in told["lines"]] == [(2, "unknown")]


def test_english_pages_about_goods_are_english(
    desk: Desk, merchant: Flask, world: World, manager: Actor
) -> None:
    gtin = new_gtin()
    stocked(world, line(gtin, model="EN-1"))
    made, proposal = proposed(world.core, world.planner, line(gtin, model="EN-1", grade=2))
    sold(world, manager, gtin)
    planner = desk.browser(world.planner, "en")
    names = re.compile("澜山|商户 \\d+|门店 \\d+|九月|新")
    for path in (
        f"/goods?q={gtin}",
        f"/goods/{gtin}",
        "/goods/suspicions",
        "/goods/changes",
        f"/goods/changes/{made.id}",
        f"/approvals/{proposal.id}",
    ):
        text = names.sub("", main_of(planner.get(path).text))
        assert CHINESE.findall(text) == [], path
    shop = phone(merchant, world.core, manager, "en")
    for path in ("/prices", f"/prices?q={gtin}", f"/prices/{gtin}"):
        assert CHINESE.findall(names.sub("", main_of(shop.get(path).text))) == [], path
