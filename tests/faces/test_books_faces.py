"""The shop's books over its pages: search, day end, files, comparisons, disputes on both faces."""

from __future__ import annotations

import io
import re
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from merchant_portal.app import create_app
from merchant_portal.pages import matchings
from tests.faces.admin_desk import CHINESE, Desk, send
from tests.make import JIANGCHENG, World
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.clock import day_of
from voucher_service.merchants import service as merchants
from voucher_service.merchants.service import holding
from voucher_service.redemption import service as redemption
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    """The merchant face."""
    return create_app(core)


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """满100减20, enough for all tests here."""
    return world.offer(world.plan(quota=100))


@pytest.fixture
def shop(world: World) -> tuple[Actor, Actor]:
    """A shop's cashier and its manager."""
    cashier = world.cashier()
    place = merchants.desk(world.core, actor=cashier).till.shop_id
    made = merchants.create_cashier(
        world.core,
        actor=SYSTEM,
        shop=place,
        username=f"m-{str(cashier.id)[-8:]}",
        password="demo-only-manager",
        display_name="店长",
        role=Role.MANAGER,
        demo=True,
    )
    return cashier, Actor(ActorKind.CASHIER, made.id, frozenset({Role.MANAGER}), JIANGCHENG)


def browser(app: Flask, world: World, who: Actor, language: str = "zh-CN") -> FlaskClient:
    """A signed-in browser without scripts."""
    assert who.id is not None
    made = app.test_client()
    made.set_cookie(Face.MERCHANT.cookie, issue(world.core, Face.MERCHANT, who.id).access_token)
    made.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return made


def upload(client: FlaskClient, content: bytes, **fields: str) -> TestResponse:
    """Send a till's file."""
    page = client.get("/books/matchings").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    file: dict[str, Any] = {"file": (io.BytesIO(content), "收银 11-22.csv")}
    return client.post("/books/matchings", data=hidden | fields | file)


def test_a_cashier_looks_up_orders_and_sums_up_the_day_but_takes_no_file(
    app: Flask, world: World, offer: Offer, shop: tuple[Actor, Actor]
) -> None:
    cashier, manager = shop
    world.redeem(world.claim(offer), cashier, reference="B-1")
    world.redeem(world.claim(offer), manager, reference="B-2", order_fen=20_000)
    mine = browser(app, world, cashier)
    assert "B-1" in mine.get("/books").text and "B-2" in mine.get("/books").text
    found = mine.get("/books?reference=B-2&amount=200").text
    assert "B-2" in found and "B-1" not in found
    assert "没有查到" in mine.get("/books?reference=B-3").text
    wrong = mine.get("/books?amount=viel&digits=x")
    assert (
        wrong.status_code == 422 and 'id="e-amount"' in wrong.text and 'id="e-digits"' in wrong.text
    )
    assert "/books/lines/" not in wrong.text and "没有查到" not in wrong.text
    line = re.search(r'href="(/books/lines/[^"]+)"', found)
    assert line and "¥180.00" in mine.get(line[1]).text
    summed = mine.get("/books/day-end").text
    assert "¥328.00" in summed and "店长" in summed and "满100减20" in summed
    assert "平台还没付给本店" in summed and "¥40.00" in summed
    assert mine.get("/books/statement.csv").status_code == 403
    assert mine.get("/books/matchings").status_code == 403
    assert mine.get("/disputes").status_code == 403


def test_a_manager_takes_the_statement_along(
    app: Flask, world: World, offer: Offer, shop: tuple[Actor, Actor]
) -> None:
    world.redeem(world.claim(offer), shop[0], reference="C-1")
    client = browser(app, world, shop[1])
    answer = client.get("/books/statement.xlsx")
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert (
        sheet is not None and sheet["A2"].value == "C-1" and sheet["D1"].value == "订单金额（元）"
    )
    assert "C-1" in client.get("/books/statement.csv").data.decode("utf-8-sig")
    assert client.get("/books/statement.pdf").status_code == 404
    nothing = client.get("/books/statement.csv?first=2020-01-01&last=2020-01-02")
    assert nothing.data.decode("utf-8-sig").count("\n") == 2
    for wrong in ("amount=abc", "first=2026-11-22&last=2026-11-01", "digits=x", "status=x"):
        for format_ in ("xlsx", "csv"):
            refused = client.get(f"/books/statement.{format_}?{wrong}")
            assert refused.status_code == 422 and "Content-Disposition" not in refused.headers
            assert "field-error" in refused.text and "C-1" not in refused.text


def test_an_order_that_came_to_nothing_shows_no_sums(
    app: Flask, world: World, offer: Offer, shop: tuple[Actor, Actor]
) -> None:
    world.redeem(world.claim(offer), shop[0], reference="G-1", order_fen=17_700)
    redemption.reverse(world.core, actor=shop[0], reference="G-1", reason="误操作", key=uuid4().hex)
    client = browser(app, world, shop[1])
    page = client.get("/books").text
    assert "G-1" in page and "<b>已冲正</b>" in page and "¥177.00" not in page
    day = client.get("/today").text
    assert "已冲正" in day and "¥177.00" not in day
    line = re.search(r'href="(/books/lines/[^"]+)"', page)
    assert line
    shown = client.get(line[1]).text
    assert "没有用掉券" in shown and "顾客付" not in shown and "还没结算" not in shown
    wrong = client.get("/books/day-end?first=2026-11-22&last=2026-11-01")
    assert wrong.status_code == 422 and "平台还没付给本店" not in wrong.text


def test_the_day_end_says_that_payments_are_held(
    app: Flask, world: World, offer: Offer, shop: tuple[Actor, Actor]
) -> None:
    client = browser(app, world, shop[0])
    assert "货款暂缓支付" not in client.get("/books/day-end").text
    holding.hold_payments(
        world.core,
        actor=world.staff(Role.FINANCE),
        merchant=merchants.desk(world.core, actor=shop[0]).till.merchant_id,
        reason="核查中",
    )
    assert "货款暂缓支付" in client.get("/books/day-end").text


def test_a_dispute_is_about_something_of_the_shops_own(
    app: Flask, world: World, offer: Offer, shop: tuple[Actor, Actor]
) -> None:
    client = browser(app, world, shop[1])
    theirs = world.redeem(world.claim(offer), world.cashier()).value
    for asked in (
        "",
        "?subject=redemption",
        "?subject=x&about=X-1",
        f"?subject=redemption&subject_id={theirs.id}&about=X-1",
    ):
        page = client.get(f"/disputes/new{asked}")
        assert page.status_code == 200 and "先找到不对的那一笔" in page.text
        assert 'action="/disputes"' not in page.text and ">X-1<" not in page.text
    mine = world.redeem(world.claim(offer), shop[0], reference="H-1").value
    ask = f"/disputes/new?subject=redemption&subject_id={mine.id}&about=X-1"
    shown = client.get(ask).text
    assert ">H-1<" in shown and ">X-1<" not in shown and '<option value="">' in shown
    assert " selected" not in shown
    unsure = send(client, ask, "/disputes", reason="", text="金额不对啊")
    assert unsure.status_code == 422 and 'id="e-reason"' in unsure.text and "H-1" in unsure.text


@pytest.mark.parametrize("decision", ["dispute.accepted", "dispute.rejected"])
def test_a_decision_is_read_and_closed_by_the_shop(
    app: Flask, desk: Desk, world: World, offer: Offer, shop: tuple[Actor, Actor], decision: str
) -> None:
    client = browser(app, world, shop[1])
    ask = "/disputes/new?subject=settlement"
    opened = send(client, ask, "/disputes", reason="unpaid", text="十月的还没到账")
    mine = opened.headers["Location"]
    assert 'value="dispute.closed"' not in client.get(mine).text
    office = desk.browser(world.staff(Role.FINANCE, area=JIANGCHENG))
    assert send(office, mine, mine, text="查过了", event=decision).status_code == 303
    assert "平台答复了 1 件异议" in client.get("/books").text
    assert 'value="dispute.closed"' in client.get(mine).text
    assert send(client, mine, mine, text="知道了", event="dispute.closed").status_code == 303
    assert "平台答复了" not in client.get("/books").text and "已结案" in client.get(mine).text


def test_a_tills_file_is_compared_and_a_difference_disputed_to_the_end(
    app: Flask, desk: Desk, world: World, offer: Offer, shop: tuple[Actor, Actor]
) -> None:
    cashier, manager = shop
    world.redeem(world.claim(offer), cashier, reference="D-1")
    world.redeem(world.claim(offer), cashier, reference="D-2")
    client = browser(app, world, manager)
    day = day_of(world.now()).isoformat()
    content = f"订单号,日期,订单金额\nD-1,{day},128\nD-2,{day},129\nD-9,{day},50\n"
    made = upload(client, content.encode("gb18030"))
    assert made.status_code == 303
    result = client.get(made.headers["Location"]).text
    for words in ("2 笔没对上", "对上了 1 笔", "D-2", "D-9", "订单金额", "收银 11-22.csv"):
        assert words in result
    matched = client.get(f"{made.headers['Location']}?finding=matched").text
    assert "D-1" in matched and "D-9" not in matched
    lines = client.get(f"{made.headers['Location']}/lines.csv").data.decode("utf-8-sig")
    assert lines.count("\n") == 4 and "金额不一样" in lines
    assert client.get(f"{made.headers['Location']}/lines.xlsx").status_code == 200

    ask = re.search(r'D-2.*?href="(/disputes/new\?[^"]*)"', result, re.S)
    assert ask
    page = ask[1].replace("&amp;", "&")
    empty = send(client, page, "/disputes", reason="amount")
    assert empty.status_code == 422 and 'id="e-text"' in empty.text
    said = {"reason": "amount", "text": "小票是 129 元", "wanted": "20"}
    opened = send(client, page, "/disputes", **said)
    assert opened.status_code == 303
    again = send(client, page, "/disputes", **said)
    assert again.status_code == 409 and "已经提过异议" in again.text
    mine = opened.headers["Location"]
    assert "小票是 129 元" in client.get(mine).text and "等平台答复" in client.get(mine).text

    reviewer = desk.browser(world.staff(Role.REVIEWER, area=JIANGCHENG))
    assert mine in reviewer.get("/disputes").text
    answered = send(reviewer, mine, mine, text="请传小票照片", event="dispute.answered")
    assert answered.status_code == 303
    assert "平台答复了 1 件异议" in client.get("/books").text
    assert "等门店回复" in client.get(mine).text and "请传小票照片" in client.get(mine).text
    assert send(client, mine, mine, text="已寄到窗口", event="dispute.replied").status_code == 303
    assert send(client, mine, mine, text="x", event="dispute.replied").status_code == 422
    assert send(reviewer, mine, mine, text="核对无误", event="dispute.accepted").status_code == 303
    assert send(reviewer, mine, mine, text="已改账", event="dispute.closed").status_code == 303
    ended = client.get(mine).text
    assert "已结案" in ended and "核对无误" in ended and "<textarea" not in ended
    assert mine in reviewer.get("/disputes?state=closed").text
    auditor = desk.browser(world.staff(Role.AUDITOR))
    assert auditor.get(mine).status_code == 200 and "<textarea" not in auditor.get(mine).text
    elsewhere = desk.browser(world.staff(Role.REVIEWER, area="441781"))
    assert elsewhere.get(mine).status_code == 404


def test_a_file_that_cannot_be_read_says_which_line_and_keeps_nothing(
    app: Flask, world: World, shop: tuple[Actor, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser(app, world, shop[1])
    bad = upload(client, "订单号,金额\nE-1,viel\n".encode())
    assert bad.status_code == 422 and "第 2 行" in bad.text and "“金额”" in bad.text
    assert "这个文件是空的" in upload(client, b"").text
    with monkeypatch.context() as smaller:
        smaller.setattr(matchings, "FILE_LIMIT_BYTES", 1_000)
        large = upload(client, b"x" * 70_000, first="2026-11-01")
        assert large.status_code == 422 and "超过 5 MB" in large.text
        assert 'value="2026-11-01"' in large.text
    wrong = upload(client, b"reference,amount\nA,1\n", first="2026-11-22", last="2026-11-01")
    assert wrong.status_code == 422 and 'id="e-last"' in wrong.text
    assert "还没有比对过" in client.get("/books/matchings").text


def test_what_is_owed_can_be_disputed_and_withdrawn(
    app: Flask, world: World, offer: Offer, shop: tuple[Actor, Actor]
) -> None:
    world.redeem(world.claim(offer), shop[0])
    client = browser(app, world, shop[1])
    page = client.get("/books/day-end").text
    assert 'href="/disputes/new?subject=settlement"' in page
    said = {"reason": "unpaid", "text": "十月的还没到账"}
    opened = send(client, "/disputes/new?subject=settlement", "/disputes", **said)
    mine = opened.headers["Location"]
    assert send(client, mine, mine, text="到账了", event="dispute.withdrawn").status_code == 303
    assert "已结案" in client.get("/disputes").text


def test_the_books_speak_english(
    app: Flask, desk: Desk, world: World, offer: Offer, shop: tuple[Actor, Actor]
) -> None:
    world.redeem(world.claim(offer), shop[1], reference="F-1")
    client = browser(app, world, shop[1], "en")
    made = upload(client, b"reference,amount\nF-1,1\nF-2,1\n").headers["Location"]
    ask = "/disputes/new?subject=settlement"
    opened = send(client, ask, "/disputes", reason="other", text="see you")
    mine = opened.headers["Location"]
    line = re.search(r'href="(/books/lines/[^"]+)"', client.get("/books").text)
    assert line
    pages = [
        client.get(path)
        for path in ("/books", line[1], "/books/day-end", "/books/matchings", made, ask)
    ]
    pages += [client.get("/disputes"), client.get(mine), upload(client, b"reference,amount\n,x\n")]
    office = desk.browser(world.staff(Role.FINANCE), "en")
    pages += [office.get("/disputes"), office.get(mine)]
    files = client.get("/books/statement.csv").data + client.get(f"{made}/lines.csv").data
    given = "中文|惠利金秋 第一场|满100减20|商户 \\d+|门店 \\d+|店长|收银 11-22|收银员|城区"
    for text in [page.text for page in pages] + [files.decode("utf-8-sig", "ignore")]:
        assert CHINESE.findall(re.sub(given, "", text)) == []
