"""The settlement desk: a batch from its draft to the bank's answer, by page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from admin.pages import settlements as pages
from tests.conftest import NOON, fresh_database, settings_on
from tests.faces.admin_desk import CHINESE, Desk, main_of, send
from tests.faces.shop_browser import shop
from tests.make import World
from tests.settlement.offices import Office
from voucher_service.infra.core import build, with_clock
from voucher_service.infra.embedded.servers import Servers
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import Clock
from voucher_service.settlement import bank_file
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID
from voucher_service.settlement.model import Batch, Form, HoldReason

# What people and banks wrote, in whatever language a page is read.
_NAMES = "阳江|商户|中国银行|分行|“失败”|门店|出资方|惠利金秋|第一场"


@pytest.fixture
def office(servers: Servers, tmp_path: Path) -> Iterator[Office]:
    """An office whose sessions do not end with the clock it moves."""
    with fresh_database(servers) as url:
        core = build(settings_on(servers, url, tmp_path / "sms.jsonl"))
        yield Office(World(with_clock(core, Clock(NOON))), "")
        core.close()


@pytest.fixture
def desk(office: Office) -> Desk:
    return Desk(office.world)


def returned(office: Office, batch: Batch, verdict: str = PAID) -> tuple[io.BytesIO, str]:
    """The bank's file as it is uploaded."""
    answers = office.answers(batch, lambda _: verdict)
    return io.BytesIO(bank_file.write_answers(Form.CSV, batch.number, answers)), "back.csv"


def test_a_batch_is_paid_by_page_and_a_bounced_line_once_more(office: Office, desk: Desk) -> None:
    till = office.till()
    office.spend(till, 2)
    office.next_day()
    batch = office.draft()
    here = f"/settlements/{batch.id}"
    reviewer, payer = desk.browser(office.reviewer), desk.browser(office.payer)
    assert "商户核对到" in reviewer.get(here).text
    assert "今天没有等您的事" in reviewer.get("/").text
    assert reviewer.post(f"{here}/review").status_code in (400, 403)  # no form of the session
    office.world.core.clock.set(batch.statement_until)  # type: ignore[arg-type]
    assert f'href="{here}">去复核' in reviewer.get("/").text
    assert send(reviewer, here, f"{here}/review").status_code == 303
    assert "等待批准" in reviewer.get(here).text
    approval = office.look(batch.id).approval_id
    proposal = desk.browser(office.world.approver).get(f"/approvals/{approval}").text
    assert "¥40.00" in proposal and f'href="{here}"' in proposal
    assert str(batch.id) not in main_of(proposal)
    office.world.approve(approval)  # type: ignore[arg-type]
    assert here not in reviewer.get("/").text, "who reviewed does not pay"
    assert f'href="{here}">去付款' in payer.get("/").text
    refused = send(reviewer, here, f"{here}/send")
    assert refused.status_code == 403 and "没有办成" in refused.text
    assert send(payer, here, f"{here}/send").status_code == 303
    files = [payer.get(f"{here}/bank-file.csv").data for _ in range(2)]
    assert files[0] == files[1] and b"4417000012345678" in files[0]
    shown = payer.get(here).text
    assert "4417000012345678" not in shown and "银行还没回" in shown
    assert "还有 1 笔，¥40.00" in payer.get("/").text
    wrong = send(payer, here, f"{here}/bank-return", table=(io.BytesIO(b"a,b\n"), "x.csv"))
    assert wrong.status_code == 422 and "第 1 行" in wrong.text
    sent = send(payer, here, f"{here}/bank-return", table=returned(office, batch, BOUNCED))
    assert sent.status_code == 303
    page = payer.get(here).text
    assert "银行退票" in page and "账号户名不符" in page
    (retry,) = re.findall(r'action="(/settlements/payments/[^"]+)"', page)
    assert send(payer, here, retry).status_code == 303
    office.spend(till)
    office.next_day()
    again = office.settle()
    assert (again.retried.fen, again.paid_amount.fen, again.payments) == (4_000, 6_000, 2)
    signer = desk.browser(office.world.approver)
    proposal = signer.get(f"/approvals/{again.approval_id}")
    for answer in (payer.get(f"/settlements/{again.id}"), proposal):
        assert main_of(answer.text).count("退票重付") == 2, "the sum, and whom it pays"
    shown = main_of(payer.get(f"/settlements/{again.id}").text)
    assert "退票重付" in shown
    borne, paid = re.findall(r"¥[\d.]+", shown.split("哪一级出钱")[-1].split("合计")[1])[:2]
    assert (borne, paid) == ("¥20.00", "¥20.00")
    assert office.clean() == []


def test_every_payment_that_the_bank_sent_back_can_be_reached(
    office: Office, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_BOUNCED", 1)
    for _ in range(2):
        office.spend(office.till())
    office.next_day()
    batch = office.settle(lambda _: BOUNCED)
    browser, here = desk.browser(office.payer), f"/settlements/{batch.id}"
    first = browser.get(here).text
    (on,) = re.findall(r'href="([^"#]+)#h-back"', first)
    second = browser.get(on).text
    button = r'action="(/settlements/payments/[^"]+)"'
    (one,), (other,) = re.findall(button, first), re.findall(button, second)
    assert one != other
    assert "#h-back" not in second


def test_what_the_bank_sends_back_later_is_taken_by_page_and_everybody_reads_it(
    office: Office, desk: Desk
) -> None:
    till = office.till()
    office.spend(till, 2)
    office.next_day()
    batch = office.settle()
    office.next_day()
    payer, here = desk.browser(office.payer), f"/settlements/{batch.id}"
    assert "银行后来又退回了" in payer.get(here).text
    back = bank_file.write_answers(Form.CSV, batch.number, office.returns(batch))
    cut = (io.BytesIO(back[:-20]), "back.csv")
    wrong = send(payer, here, f"{here}/bank-return", table=cut)
    assert wrong.status_code == 422 and "<details open>" in wrong.text
    taken = send(payer, here, f"{here}/bank-return", table=(io.BytesIO(back), "back.csv"))
    assert taken.status_code == 303
    (line,) = office.lines(batch)
    pages = {here: "1 笔，¥40.00", f"/settlements/lines/{line.id}": "收款账户已销户"}
    for path, said in pages.items():
        shown = payer.get(path).text
        assert said in shown and "到账后退汇" in shown
    alarms = payer.get("/alarms").text
    assert "1 笔到账后被银行退回，还没有重付，共 ¥40.00" in alarms and f'href="{here}"' in alarms
    manager, english = shop(office, till), shop(office, till, "en")
    assert "被银行退了回来：收款账户已销户" in manager.get("/money").text
    assert "没有少您的钱" in manager.get(f"/money/{line.id}").text
    told = desk.browser(office.payer, "en")
    for browser, path in (
        *((told, path) for path in (*pages, "/settlements", "/alarms")),
        *((english, path) for path in ("/money", f"/money/{line.id}")),
    ):
        shown = main_of(browser.get(path).text).replace("收款账户已销户", "")
        assert "sent back" in shown.lower()
        assert CHINESE.findall(re.sub(_NAMES, "", shown)) == [], shown
    (retry,) = re.findall(r'action="(/settlements/payments/[^"]+)"', payer.get(here).text)
    assert send(payer, here, retry).status_code == 303
    office.next_day()
    assert office.settle().paid_amount.fen == 4_000
    assert "还没有重付" not in payer.get("/alarms").text


def test_what_came_back_after_it_was_paid_is_no_answer_that_is_awaited(
    office: Office, desk: Desk
) -> None:
    for count in (2, 3):
        office.spend(office.till(), count)
    office.next_day()
    batch = office.send(office.approve(office.draft()))
    one = next(one for one in office.answers(batch) if one.amount.fen == 4_000)
    content = bank_file.write_answers(Form.CSV, batch.number, [one])
    settlement.take_return(office.world.core, actor=office.payer, content=content)
    office.next_day()
    office.send_back(batch)
    payer, awaited = desk.browser(office.payer), "1 笔，¥60.00"
    assert f"还有 {awaited}" in payer.get("/").text
    assert awaited in payer.get(f"/settlements/{batch.id}").text.split("银行还没回")[1]


def test_what_waits_and_a_merchants_money_are_json_too(office: Office, desk: Desk) -> None:
    till, nowhere = office.till(), office.world.cashier()
    office.spend(till, 2)
    office.spend(nowhere, 3)
    office.next_day()
    batch = office.settle()
    office.spend(till)
    office.next_day()
    waiting = office.draft()

    def told(path: str) -> Any:
        return desk.get(office.payer, path).get_json()

    whose = str(office.merchant(nowhere))
    (one,) = told(f"/settlements/{waiting.id}/waiting")["items"]
    assert (one["reason"], one["count"], one["amount_fen"]) == ("no_account", 3, 6_000)
    assert [(m["merchant_id"], m["amount_fen"]) for m in one["merchants"]] == [(whose, 6_000)]
    here = f"/settlement-merchants/{office.merchant(till)}"
    payee = told(here)
    assert (payee["unpaid"]["amount_fen"], payee["advances"]) == (0, [])
    lines = told(f"{here}/lines")["items"]
    assert [(one["batch_id"], one["amount_fen"]) for one in lines] == [
        (str(waiting.id), 2_000),
        (str(batch.id), 4_000),
    ]


def test_what_is_dropped_says_why_and_is_paid_by_the_next_batch(office: Office, desk: Desk) -> None:
    office.spend(office.till())
    office.next_day()
    batch = office.draft()
    browser, here = desk.browser(office.payer), f"/settlements/{batch.id}"
    assert send(browser, here, f"{here}/drop", reason="").status_code == 422
    assert send(browser, here, f"{here}/drop", reason="重做一次").status_code == 303
    assert "已作废" in browser.get(here).text
    made = send(browser, "/settlements", "/settlements", day=office.yesterday.isoformat())
    assert made.status_code == 303 and made.location != here
    assert "¥20.00" in browser.get(made.location).text
    early = send(browser, "/settlements", "/settlements", day="2031-01-01")
    assert early.status_code == 422


def test_a_day_with_nothing_to_pay_says_what_waits_and_who_lets_it_go(
    office: Office, desk: Desk
) -> None:
    office.spend(office.world.cashier())
    office.next_day()
    browser = desk.browser(office.payer)
    told = send(browser, "/settlements", "/settlements", day=office.yesterday.isoformat())
    assert told.status_code == 409
    assert all(one in told.text for one in ("¥20 都暂缓着", "没有收款账户", "商户登记收款账户"))
    with office.world.core.transaction() as session:
        assert not settlement.due_at(session, day=office.yesterday, now=office.world.now())
    assert not settlement.batches(office.world.core, actor=office.payer, cursor=None, limit=1).items


def test_a_batch_that_came_back_whole_is_not_called_settled(office: Office, desk: Desk) -> None:
    office.spend(office.till())
    office.next_day()
    batch = office.settle(lambda _: BOUNCED)
    browser = desk.browser(office.payer)
    for path in ("/settlements", f"/settlements/{batch.id}"):
        page = main_of(browser.get(path).text)
        assert "全部退回" in page and "已结清" not in page
    told = desk.get(office.payer, f"/settlements/{batch.id}").json
    assert told and told["result"] == "all_back"


def test_finance_keeps_one_order_back_and_the_shop_reads_why(office: Office, desk: Desk) -> None:
    till = office.till()
    first, _ = office.spend(till, 2)
    office.next_day()
    browser, here = desk.browser(office.payer), f"/settlements/holds/{first.id}"
    assert send(browser, here, here, event="hold", reason="").status_code == 422
    assert send(browser, here, here, event="hold", reason="同一时刻两张小票").status_code == 303
    assert first.order_reference in browser.get("/settlements/holds").text
    page = shop(office, till).get("/money").text
    assert "风险核查" in page and "¥20.00" in page
    assert office.settle().total.fen == 2_000
    assert send(browser, here, here, event="release", reason="查清了").status_code == 303
    office.next_day()
    assert office.settle().total.fen == 2_000
    assert office.clean() == []


def test_a_drafted_batch_says_what_it_does_not_pay_and_why(office: Office, desk: Desk) -> None:
    till, nowhere = office.till(), office.world.cashier()
    held, later, *_ = office.spend(till, 4)
    office.spend(nowhere, 2)
    keep = partial(settlement.hold_back, office.world.core, actor=office.payer, note="两张小票")
    keep(redemption=held.id)
    office.next_day()
    batch = office.draft()
    keep(redemption=later.id)
    browser, here = desk.browser(office.payer), f"/settlements/{batch.id}"
    shown = browser.get(here).text
    assert 'href="/settlements/holds">风险核查' in shown
    told = main_of(shown).split("暂缓的，为什么")[-1].split("付给谁")[0]
    assert told.count("¥20.00") == 2 and "¥40.00" in told  # one out, one leaving; two nowhere to go
    assert "没有收款账户" in told and "复核时退出" in told
    english = main_of(desk.browser(office.payer, "en").get(here).text)
    assert "What waits, and why" in english
    assert office.approve(batch).due.fen == 4_000
    assert "暂缓的，为什么" not in browser.get(here).text


def test_finance_asks_by_page_to_pay_a_merchant_ahead(office: Office, desk: Desk) -> None:
    till = office.till()
    office.spend(till)
    here = f"/settlements/merchants/{office.merchant(till)}"
    browser = desk.browser(office.reviewer)
    assert "现在最多 ¥100,000.00" in main_of(browser.get(here).text)
    for amount in ("", "100000.01"):
        refused = send(browser, here, f"{here}/advances", amount=amount, reason="备货")
        assert refused.status_code == 422
    assert "预付最多" in refused.text
    asked = send(browser, here, f"{here}/advances", amount="100000", reason="备货")
    assert asked.status_code == 303
    signer = desk.browser(office.world.approver)
    assert here in signer.get(asked.location).text
    shown = main_of(browser.get(here).text)
    assert "已经到了上限" in shown and "等待批准" in shown
    english = desk.browser(office.reviewer, "en").get(here).text.replace("备货", "")
    assert CHINESE.findall(main_of(english).replace("阳江", "")) == [], main_of(english)


def test_who_disputes_a_paid_order_is_not_told_that_it_waits(office: Office, desk: Desk) -> None:
    till = office.till()
    (paid,) = office.spend(till)
    office.next_day()
    batch = office.settle()
    with office.world.core.transaction() as session:
        settlement.hold(
            session,
            redemption=paid.id,
            reason=HoldReason.DISPUTE,
            by=office.manager(till),
            now=office.world.now(),
        )
    browser = desk.browser(office.payer)
    assert "已付给商户" in browser.get("/settlements/holds").text
    one = browser.get(f"/settlements/holds/{paid.id}").text
    assert "付了的不收回" in one and "暂缓付这一笔" not in one
    (line,) = office.lines(batch)
    assert "谁的钱" in browser.get(f"/settlements/lines/{line.id}").text
    table = browser.get(f"/settlements/{batch.id}/funding.csv").get_data(as_text=True)
    assert table.splitlines()[-1].startswith('"合计"') and "20.00" in table
    assert "门店提出异议" not in main_of(browser.get(f"/settlements/lines/{line.id}").text)
    assert "badge warn" not in shop(office, till).get(f"/money/{line.id}").text


def test_the_shop_sees_what_comes_when_and_takes_its_statement_along(
    office: Office, desk: Desk
) -> None:
    till = office.till()
    first, second = office.spend(till, 2)
    office.next_day()
    browser = shop(office, till)
    assert "¥40.00" in browser.get("/money").text
    batch = office.draft()
    (line,) = office.lines(batch)
    page = browser.get(f"/money/{line.id}").text
    assert first.order_reference in page and f"subject_id={first.id}" in page
    office.answer(office.send(office.approve(batch)))
    assert "已付款" in browser.get("/money").text
    table = browser.get(f"/money/{line.id}/statement.csv").get_data(as_text=True)
    assert second.order_reference in table and "40.00" in table
    assert browser.get(f"/money/{line.id}/statement.xlsx").data.startswith(b"PK")
    english = main_of(shop(office, till, "en").get("/money").text)
    assert "Paid" in english
    other = shop(office, office.till("4417000012345679"))
    for path in (f"/money/{line.id}", f"/money/{line.id}/statement.csv"):
        assert other.get(path).status_code == 404


def test_only_the_citys_office_reads_and_only_finance_pays(office: Office, desk: Desk) -> None:
    office.spend(office.till())
    office.next_day()
    batch = office.draft()
    here = f"/settlements/{batch.id}"
    for role, status in ((Role.AUDITOR, 200), (Role.APPROVER, 200), (Role.PLANNER, 403)):
        browser = desk.browser(office.world.staff(role))
        assert browser.get(here).status_code == status
        assert browser.get(f"{here}/bank-file.csv").status_code == 403
        assert f"{here}/review" not in browser.get(here).text


def test_what_is_to_be_paid_again_says_so_and_stands_on_the_next_draft(
    office: Office, desk: Desk
) -> None:
    office.spend(office.till())
    office.next_day()
    batch = office.settle(lambda _: BOUNCED)
    browser, here = desk.browser(office.payer), f"/settlements/{batch.id}"
    (asked,) = re.findall(r'action="(/settlements/payments/[^"]+)"', browser.get(here).text)
    assert send(browser, here, asked).status_code == 303
    page = browser.get(here).text
    assert "已安排再付" in page and "/settlements/payments/" not in page
    office.next_day()
    later = browser.get(f"/settlements/{office.draft().id}").text
    assert "复核时还会加进退票重付：1 笔，¥20.00" in later
