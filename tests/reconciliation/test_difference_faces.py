"""A finance officer imports a bill at the desk, sees what differs, and proposes what closes it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from tests.faces.admin_desk import CHINESE, Desk, main_of, send
from tests.make import World
from tests.reconciliation.conftest import Channel
from tests.reconciliation.samples import written
from tests.services.giving_back import mark, refund
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import new_id
from voucher_service.redemption.model import Phase

Make = Callable[[], Channel]


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.fixture
def differing(channel: Make) -> Channel:
    """One order alike, one that the channel does not know, one line that we do not know."""
    here = channel()
    here.order()
    here.order(paid=False)
    here.lines.append(here.line(here.reference(), 700))
    return here


def imported(desk: Desk, here: Channel) -> dict[str, Any]:
    """The file as the API answers it."""
    content = written("wechat", here.lines).decode()
    body = {"format": "wechat", "file_name": "bill.csv", "content": content}
    answer = desk.post(here.finance, "/channel-files", body)
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json or {}
    return found


def test_a_call_imports_lists_and_proposes(desk: Desk, differing: Channel) -> None:
    made = imported(desk, differing)
    assert (made["open"], made["counts"]["matched"], made["theirs_fen"]) == (2, 1, 11_500)
    assert "2 处对账差异没结案" in desk.browser(differing.finance).get("/").text
    listed = (desk.get(differing.finance, f"/differences?file_id={made['id']}").json or {})["items"]
    ours = next(one for one in listed if one["finding"] == "only_ours")
    assert (ours["holds"], ours["ours"]["paid_fen"], ours["theirs"]) == (True, 10_800, None)
    path = f"/differences/{ours['id']}"
    refused = desk.post(differing.finance, f"{path}/explain", {"text": "没事"})
    assert (refused.status_code, (refused.json or {})["code"]) == (409, "difference_holds_money")
    noted = desk.post(differing.finance, f"{path}/notes", {"text": "问过商户"})
    assert [one["text"] for one in (noted.json or {})["notes"]] == ["问过商户"]
    asked = {"amount_fen": 12_800, "reason": "渠道没有这笔款"}
    proposed = desk.post(differing.finance, f"{path}/propose", asked)
    assert proposed.status_code == 202
    approval = (proposed.json or {})["approval_id"]
    assert desk.post(differing.world.approver, f"/approvals/{approval}/approve").status_code == 200
    closed = desk.get(differing.finance, path).json or {}
    assert (closed["status"], closed["correction_fen"]) == ("corrected", 12_800)


def test_a_broken_file_is_refused_with_its_lines(desk: Desk, differing: Channel) -> None:
    content = written("wechat", differing.lines).decode().replace("SUCCESS", "PERHAPS", 1)
    body = {"format": "wechat", "file_name": "bill.csv", "content": content}
    answer = desk.post(differing.finance, "/channel-files", body)
    assert answer.status_code == 422
    (wrong,) = (answer.json or {})["lines"]
    assert wrong["line"] == 2
    assert "PERHAPS" in wrong["text"] and "{" not in wrong["text"]


def test_both_files_have_every_line_and_totals_that_tie(desk: Desk, differing: Channel) -> None:
    made = imported(desk, differing)
    path = f"/channel-files/{made['id']}/lines"
    text = desk.get(differing.finance, f"{path}.csv").get_data().decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(text)))
    assert [row[0] for row in table[1:4]] == ["对上了", "对方有，平台没有", "平台有，对方没有"]
    sums = {row[0]: row for row in table[4:]}
    assert sums["平台：这些订单的补贴"][1] == "两边一样"
    assert sums["平台：这些订单的补贴"][7] == sums["账本：这些订单的补贴"][7] == "40.00"
    content = desk.get(differing.finance, f"{path}.xlsx").get_data()
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert [str(cell.value) for cell in sheet["A"]] == [row[0] for row in table]


def test_the_pages_say_it_in_both_languages(desk: Desk, differing: Channel) -> None:
    browser = desk.browser(differing.finance)
    file = (io.BytesIO(written("wechat", differing.lines)), "bill.csv")
    led = send(
        browser, "/channel-files", "/channel-files", format="wechat-2023", file=file, uscc=""
    )
    assert led.status_code == 303, led.text
    made = led.headers["Location"]
    assert "没对上" in browser.get(made).text
    called = {"zh": "微信支付交易账单（全部）", "en": "WeChat Pay trade bill (all)"}
    for language, name in called.items():
        reader = desk.browser(differing.finance, language)
        assert name in main_of(reader.get(made).text)
        assert main_of(reader.get("/channel-files").text).count(name) >= 2  # the list, the form
    listed = browser.get("/differences").text
    ones = re.findall(r'href="(/differences/[0-9a-f-]{36})"', listed)
    holding = next(one for one in ones if "怎么处理" in browser.get(one).text)
    sent = send(
        browser,
        holding,
        f"{holding}/propose",
        way="correct",
        amount="128.00",
        reason="渠道没有这笔款",
    )
    assert sent.status_code == 303, sent.text
    approver = desk.browser(differing.world.approver)
    assert "两边各是什么" in approver.get(sent.headers["Location"]).text
    english = desk.browser(differing.finance, "en")
    for path in ("/channel-files", made, "/differences", *ones):
        said = main_of(english.get(path).text).replace("渠道没有这笔款", "")
        assert CHINESE.findall(said) == []


def test_a_clerk_sets_which_file_is_expected_and_ends_it(desk: Desk, differing: Channel) -> None:
    browser, place = desk.browser(differing.finance), "/channel-files/expected"
    today = day_of(differing.now())
    typed = {"format": "alipay-2019", "hour": "24", "first_day": str(today)}
    refused = send(browser, place, place, **typed)
    assert (refused.status_code, "要在 0 到 23 之间" in refused.text) == (422, True)
    assert send(browser, place, place, **typed | {"hour": "9"}).status_code == 303
    again = send(browser, place, place, **typed | {"hour": "9"})
    assert (again.status_code, "已经设定了每天要来" in again.text) == (409, True)
    (one,) = re.findall(rf'href="({place}/[0-9a-f-]{{36}})"', browser.get(place).text)
    assert one in browser.get("/channel-files").text
    english = desk.browser(differing.finance, "en")
    for path in (place, one):
        assert CHINESE.findall(main_of(english.get(path).text)) == []
    late = send(browser, one, f"{one}/end", last_day="2030-01-01")
    assert (late.status_code, "最后一天要在第一天到昨天之间" in late.text) == (422, True)
    assert send(browser, one, f"{one}/end", last_day="").status_code == 303
    listed = desk.get(differing.finance, "/channel-files/expected").json or {}
    assert [(o["channel"], o["last_day"], o["missing"]) for o in listed["items"]] == [
        ("alipay", str(today), [])
    ]


def test_the_differences_of_one_file_stay_its_own_from_page_to_page(
    desk: Desk, differing: Channel
) -> None:
    made = imported(desk, differing)
    page = desk.browser(differing.finance).get(f"/differences?file_id={made['id']}&limit=1")
    links = re.findall(r'href="(/differences\?[^"]+)"', page.text)
    assert len(links) > 5
    assert any("cursor=" in one for one in links)
    assert [one for one in links if f"file_id={made['id']}" not in one] == []


def test_a_wrong_file_is_answered_on_the_page_with_its_line(desk: Desk, differing: Channel) -> None:
    browser = desk.browser(differing.finance)
    content = written("wechat", differing.lines).replace(b"SUCCESS", b"PERHAPS", 1)
    file = (io.BytesIO(content), "bill.csv")
    told = send(browser, "/channel-files", "/channel-files", format="wechat-2023", file=file)
    assert (told.status_code, "第 2 行" in told.text, "PERHAPS" in told.text) == (422, True, True)
    nothing = send(browser, "/channel-files", "/channel-files", format="wechat-2023")
    assert (nothing.status_code, "请先选一个文件" in nothing.text) == (422, True)
    till = send(
        browser,
        "/channel-files",
        "/channel-files",
        format="till-2026",
        file=(io.BytesIO(b"x"), "till.csv"),
    )
    assert (till.status_code, "收银流水要选一家门店" in till.text) == (422, True)
    of_nobody = {"format": "wechat-2023", "uscc": "91441700MA00000000"}
    whose = send(
        browser, "/channel-files", "/channel-files", file=(io.BytesIO(b"x"), "x.csv"), **of_nobody
    )
    assert (whose.status_code, "没有这个统一社会信用代码的商户" in whose.text) == (422, True)


def test_an_order_that_the_shop_gave_back_itself_is_not_offered_again(
    desk: Desk, channel: Make
) -> None:
    here = channel()
    ghost = here.order(paid=False)
    here.order()
    made = imported(desk, here)
    (one,) = (desk.get(here.finance, f"/differences?file_id={made['id']}").json or {})["items"]
    browser, path = desk.browser(here.finance), f"/differences/{one['id']}"
    assert 'value="128"' in browser.get(path).text
    refund(here.world, here.cashier, ghost, 10_000)
    assert 'value="28"' in browser.get(path).text
    refund(here.world, here.cashier, ghost, 2_800)
    shown = main_of(browser.get(path).text)
    assert "已经全部退回" in shown and "更正：退回" not in shown
    sent = send(browser, path, f"{path}/propose", way="accept", reason="门店已经退了")
    assert sent.status_code == 303, sent.text


def test_a_difference_about_a_paid_order_does_not_say_that_it_waits(
    desk: Desk, channel: Make
) -> None:
    here = channel()
    ghost = here.order(paid=False)
    here.order()
    made = imported(desk, here)
    (one,) = (desk.get(here.finance, f"/differences?file_id={made['id']}").json or {})["items"]
    browser, path = desk.browser(here.finance), f"/differences/{one['id']}"
    assert "这笔不结算" in browser.get(path).text
    mark(here.core, [ghost], Phase.BATCHED)
    mark(here.core, [ghost], Phase.PAID)
    shown = browser.get(path).text
    assert "这笔不结算" not in shown and "已付给商户" in shown
    assert "已付给商户" in browser.get("/differences").text


def test_an_order_that_was_refused_leaves_nothing_to_give_back(desk: Desk, channel: Make) -> None:
    here = channel()
    gone = here.order()
    with here.core.transaction() as session:
        session.execute(
            text(
                "UPDATE redemption SET status = 'refused', order_amount_fen = NULL,"
                " refunded_fen = NULL WHERE id = :id"
            ),
            {"id": gone.id},
        )
    made = imported(desk, here)
    (one,) = (desk.get(here.finance, f"/differences?file_id={made['id']}").json or {})["items"]
    assert one["finding"] == "undone"
    answer = desk.browser(here.finance).get(f"/differences/{one['id']}")
    assert answer.status_code == 200 and "更正：退回" not in answer.text


@pytest.mark.parametrize(("format", "whose"), [("wechat", "merchant_id"), ("till", "shop_id")])
def test_a_file_of_nobody_that_we_know_is_neither_taken_nor_expected(
    desk: Desk, differing: Channel, format: str, whose: str
) -> None:
    about = {"format": format, whose: str(new_id())}
    content = written(format, differing.lines).decode()
    file = about | {"file_name": "bill.csv", "content": content}
    taken = desk.post(differing.finance, "/channel-files", file)
    day = {"hour": 9, "first_day": str(day_of(differing.now()))}
    expected = desk.post(differing.finance, "/channel-files/expected", about | day)
    assert [one.status_code for one in (taken, expected)] == [404, 404]
