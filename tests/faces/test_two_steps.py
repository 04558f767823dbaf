"""The till's two steps without scripts: freeze, take payment, commit; and what the bill may say."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from merchant_portal.app import create_app
from tests.codes.test_codes import number_of
from tests.faces.test_merchant_pages import Browser, hidden
from tests.faces.two_steps import Phone, found, frozen, press, published
from tests.make import World
from voucher_service.campaigns.model import (
    GoodsClass,
    Offer,
    OfferKind,
)
from voucher_service.infra.core import Core, build
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.settings import Settings
from voucher_service.vouchers import service as vouchers

YUAN = Money.of_yuan


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    """The merchant face."""
    return create_app(core)


@pytest.fixture
def browser(app: Flask, world: World) -> Browser:
    """The browser of a cashier of a new shop."""
    return Browser(app, world.core, world.cashier())


@pytest.fixture(scope="module")
def dear(world: World) -> Offer:
    """满200减80: two steps."""
    return published(world, world.plan(quota=50, face=80, threshold=200))


@pytest.fixture(scope="module")
def pack(world: World) -> Offer:
    """3 张, each 满50减20; two on one receipt; not for tobacco."""
    plan = replace(
        world.plan(quota=50, face=20, threshold=50),
        kind=OfferKind.PACK,
        pieces=3,
        stack_limit=2,
        excluded_items=(GoodsClass.TOBACCO,),
    )
    return published(world, plan)


@pytest.fixture(scope="module")
def balance(world: World) -> Offer:
    """A balance of 100 yuan."""
    plan = replace(world.plan(quota=50, face=100, threshold=1), kind=OfferKind.BALANCE)
    return published(world, replace(plan, threshold=Money(1)))


def test_a_dear_voucher_is_frozen_while_the_customer_pays(
    browser: Browser, world: World, dear: Offer
) -> None:
    voucher = world.claim(dear)
    address = frozen(browser, world, voucher, "250")
    page = browser.get(address).text
    assert 'class="result lock"' in page and "¥170.00" in page
    assert 1 <= int(re.search(r'data-left="(\d+)"', page)[1]) <= 120  # type: ignore[index]
    assert "<noscript><meta http-equiv" in page
    assert browser.get(f"{address}/state.json").json == {"status": "frozen"}
    assert 'class="result yes"' in press(browser, address, "commit")
    assert browser.get(f"{address}/state.json").json == {"status": "committed"}


def test_a_cheap_voucher_takes_one_step(browser: Browser, world: World) -> None:
    voucher = world.claim(world.offer(world.plan()))
    page = browser.post("/amount", code=world.code(voucher)).text
    assert "two_steps" not in page and "确认核销" in page


def test_unlocking_gives_the_voucher_back(browser: Browser, world: World, dear: Offer) -> None:
    voucher = world.claim(dear)
    address = frozen(browser, world, voucher, "250")
    assert "已解锁" in press(browser, address, "cancel")
    assert 'class="result lock"' in browser.get(frozen(browser, world, voucher, "250")).text


def test_the_same_button_twice_is_one_step(browser: Browser, world: World, dear: Offer) -> None:
    address = frozen(browser, world, world.claim(dear), "250")
    for _ in range(2):
        assert 'class="result yes"' in press(browser, address, "commit", key="K1")


def test_what_is_redeemed_is_not_unlocked_and_the_way_on_is_shown(
    browser: Browser, world: World, dear: Offer
) -> None:
    address = frozen(browser, world, world.claim(dear), "250")
    press(browser, address, "commit")
    refused = browser.post(f"{address}/cancel", idempotency_key=uuid4().hex)
    assert refused.status_code == 409 and "already_committed" in refused.text
    assert f'href="{address}"' in refused.text


def test_a_voucher_frozen_elsewhere_says_so(
    app: Flask, browser: Browser, world: World, dear: Offer
) -> None:
    voucher = world.claim(dear)
    code = world.code(voucher)
    frozen(browser, world, voucher, "250")
    refused = Browser(app, world.core, world.cashier()).post("/amount", code=code)
    assert refused.status_code == 409
    assert "别处正在用" in refused.text and "voucher_frozen" in refused.text


def test_a_lapsed_freeze_is_shown_as_over_and_cannot_be_committed(
    settings: Settings, world: World, dear: Offer
) -> None:
    hasty = build(replace(settings, till=replace(settings.till, freeze_seconds=0)))
    browser = Browser(create_app(hasty), hasty, world.cashier())
    address = frozen(browser, world, world.claim(dear), "250")
    assert "锁券超时" in browser.get(address).text
    refused = browser.post(f"{address}/commit", idempotency_key=uuid4().hex)
    assert refused.status_code == 409 and "freeze_lapsed" in refused.text
    hasty.close()


@pytest.mark.parametrize("step", ["commit", "cancel"])
def test_an_unknown_end_is_asked_again_with_the_same_key(
    browser: Browser,
    world: World,
    dear: Offer,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    def lost(*_: Any, **__: Any) -> None:
        raise TryAgain(retry_after_seconds=1)

    address = frozen(browser, world, world.claim(dear), "250")
    reference = hidden(browser.get(address).text, "made_reference")
    with monkeypatch.context() as broken:
        broken.setattr(redemption, step, lost)
        sent = {"idempotency_key": "E1", "made_reference": reference}
        page = browser.post(f"{address}/{step}", **sent)
    assert page.status_code == 503 and "还不知道" in page.text
    assert "data-resend" in page.text and "先别退钱" in page.text
    assert hidden(page.text, "idempotency_key") == "E1"
    assert browser.post(f"{address}/{step}", **sent).status_code == 303


def test_a_mistake_is_taken_back_a_moment_later(
    browser: Browser, world: World, dear: Offer
) -> None:
    voucher = world.claim(dear)
    address = frozen(browser, world, voucher, "250")
    assert "撤销这笔核销" in press(browser, address, "commit")
    assert "已撤销" in press(browser, address, "reverse")
    assert frozen(browser, world, voucher, "250")


def test_a_pack_says_what_is_left_and_two_pieces_go_on_one_receipt(
    browser: Browser, world: World, pack: Offer
) -> None:
    voucher = world.claim(pack)
    assert "还剩 3 张" in browser.post("/amount", code=world.code(voucher)).text
    first = frozen(browser, world, voucher, "60")
    receipt = press(browser, first, "commit")
    ticket = re.search(r'href="/\?ticket_reference=([^"]+)"', receipt)
    assert ticket
    till = browser.get(f"/?ticket_reference={ticket[1]}").text
    assert hidden(till, "ticket_reference") == ticket[1]
    second = frozen(browser, world, voucher, "60", ticket_reference=ticket[1])
    assert found(browser, second).ticket_reference == found(browser, first).ticket_reference
    press(browser, second, "commit")
    form = {"ticket_reference": ticket[1], "two_steps": "yes"}
    refused = browser.redeem(world.code(voucher), "60", **form)
    assert "stack_limit_reached" in refused.text and "小票上的券满了" in refused.text


def test_goods_that_do_not_count_and_other_discounts_stand_on_the_bill(
    browser: Browser, world: World, pack: Offer
) -> None:
    voucher = world.claim(pack)
    page = browser.post("/amount", code=world.code(voucher)).text
    assert 'name="excluded"' in page and "烟草" in page
    form = {"excluded": "30", "excluded_class": "tobacco"}
    refused = browser.redeem(world.code(voucher), "70", **form)
    assert "¥10.00" in refused.text and hidden(refused.text, "excluded") == "30"
    more = {"bank_discount": "5", "platform_discount": "2.50", "payment_reference": "WX 1"}
    done = found(browser, frozen(browser, world, voucher, "100", **form, **more))
    assert (done.discount, done.paid) == (YUAN(20), Money(7_250))
    assert done.payment_reference == "WX1"


def test_a_balance_takes_what_the_customer_wants_to_use(
    browser: Browser, world: World, balance: Offer
) -> None:
    voucher = world.claim(balance)
    done = found(browser, frozen(browser, world, voucher, "80", spend="30"))
    assert (done.discount, done.paid) == (YUAN(30), YUAN(50))
    press(browser, f"/redemptions/{done.id}", "commit")
    assert "余额 ¥70.00" in browser.post("/amount", code=world.code(voucher)).text


def test_looking_at_codes_is_counted_as_trying_them_is(browser: Browser, world: World) -> None:
    pages = [browser.post("/amount", code=f"GUESS{n}") for n in range(21)]
    assert "code_invalid" in pages[0].text and pages[0].status_code == 422
    assert pages[-1].status_code == 429 and "先停一下" in pages[-1].text


def test_a_spent_voucher_says_where_before_any_amount_is_typed(
    app: Flask, browser: Browser, world: World, dear: Offer
) -> None:
    voucher = world.claim(dear)
    code = world.code(voucher)
    press(browser, frozen(browser, world, voucher, "250"), "commit")
    refused = Browser(app, world.core, world.cashier()).post("/amount", code=code)
    shop = merchants.desk(world.core, actor=browser.cashier).till.shop_name
    assert "already_redeemed" in refused.text and shop in refused.text


def test_a_bill_whose_code_was_refused_is_kept_for_the_next_scan(
    browser: Browser, world: World, dear: Offer
) -> None:
    refused = browser.redeem("X", "250", order_reference="K-9", made_reference="M-9")
    assert '<form class="stack" action="/">' in refused.text and "再扫一次" in refused.text
    till = browser.get("/?amount=250&order_reference=K-9&made_reference=M-9").text
    kept = {name: hidden(till, name) for name in ("amount", "order_reference", "made_reference")}
    assert kept == {"amount": "250", "order_reference": "K-9", "made_reference": "M-9"}
    page = browser.post("/amount", code=world.code(world.claim(dear)), **kept).text
    assert 'value="250"' in page and 'value="K-9"' in page
    assert browser.get("/?amount=%3Cscript%3E&made_reference=1").text.count("<script>") == 0
    assert browser.get("/?nobody=knows").status_code == 200


def test_a_short_code_is_typed_as_it_is_read_aloud(
    browser: Browser, world: World, dear: Offer
) -> None:
    voucher = world.claim(dear)
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    _voucher, _now, (code,) = vouchers.codes(world.core, actor=owner, voucher=voucher.id)
    typed = f" {code.short[:5].lower()} - {code.short[5:]} "
    page = browser.post("/amount", code=typed)
    assert page.status_code == 200 and hidden(page.text, "code") == code.short


def test_paper_asks_for_the_last_four_and_has_no_match_word(browser: Browser, world: World) -> None:
    voucher = world.claim(published(world, replace(world.plan(quota=5), paper=True)))
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    printed = vouchers.print_voucher(world.core, actor=owner, voucher=voucher.id)
    page = browser.post("/amount", code=printed.text).text
    assert 'name="id_last_four"' in page and "暗号" not in page
    refused = browser.redeem(printed.text)
    assert "id_last_four_needed" in refused.text and 'name="amount" value="128"' in refused.text
    right = number_of(world.core, voucher)[-4:]
    wrong = browser.redeem(printed.text, id_last_four="0000" if right != "0000" else "1111")
    assert "后四位不对" in wrong.text and 'action="/redemptions"' in wrong.text
    receipt = browser.get(browser.redeem(printed.text, id_last_four=right).headers["Location"])
    assert 'class="result yes"' in receipt.text and "暗号" not in receipt.text


def test_where_the_till_stands_is_evidence_and_never_a_reason(
    browser: Browser, world: World, dear: Offer
) -> None:
    for said in ("21.85,111.98,30", "nonsense", "99,999,1", ""):
        frozen(browser, world, world.claim(dear), "250", position=said)


def test_the_holder_sees_the_freeze_and_ends_it(
    browser: Browser, world: World, dear: Offer
) -> None:
    me = world.resident()
    voucher = world.claim(dear, me)
    address = frozen(browser, world, voucher, "250")
    done = redemption.on_screen(world.core, actor=me, voucher=voucher.id)
    assert done is not None and done.freeze_expires_at is not None
    redemption.release(world.core, actor=me, redemption=done.id)
    assert "顾客在手机上解的锁" in browser.get(address).text
    refused = browser.post(f"{address}/commit", idempotency_key=uuid4().hex)
    assert "redemption_over" in refused.text and f'href="{address}"' in refused.text


def test_an_order_that_was_undone_before_it_came_is_named(browser: Browser, world: World) -> None:
    undo = {"reference": "GONE-1", "reason": "没有收到回应", "key": uuid4().hex}
    redemption.reverse(world.core, actor=browser.cashier, **undo)
    assert "已作废" in browser.get("/orders?order_reference=GONE-1").text


def test_the_holders_page_shows_the_freeze_and_its_button_ends_it(
    browser: Browser, world: World, dear: Offer
) -> None:
    me = world.resident()
    voucher = world.claim(dear, me)
    phone, page = Phone(world.core, me), f"/vouchers/{voucher.id}"
    before = phone.get(f"{page}/status.json").json
    address = frozen(browser, world, voucher, "250")
    shown, now = phone.get(page).text, phone.get(f"{page}/status.json").json
    assert before and now and (now["status"], now["page"]) == ("frozen", page)
    assert now["mark"] != before["mark"] and f'data-mark="{now["mark"]}"' in shown
    for words in ("店员正在核销", "170", "¥250.00", "−¥80.00", "不是我，解锁", "<noscript>"):
        assert words in shown
    release = re.search(r'action="([^"]+/release)"', shown)
    assert release
    stranger = Phone(world.core, world.resident())
    assert stranger.post(release[1]).status_code == 404
    assert phone.post(release[1]).headers["Location"] == page
    assert "刚才那一笔没核销" in phone.get(page).text
    assert "顾客在手机上解的锁" in browser.get(address).text


def test_each_part_of_a_pack_has_its_receipt_and_the_rest_its_code(
    browser: Browser, world: World, pack: Offer
) -> None:
    me = world.resident()
    voucher = world.claim(pack, me)
    phone, page = Phone(world.core, me), f"/vouchers/{voucher.id}"
    for _ in range(2):
        press(browser, frozen(browser, world, voucher, "60"), "commit")
    told = phone.get(f"{page}/status.json").json
    assert told and told["status"] == "claimed" and "?part=" in told["page"]
    receipt = phone.get(told["page"]).text
    assert "再出示一次，还剩 1 张" in receipt and receipt.count(f'href="{page}?part=') == 2
    shown = phone.get(page).text
    assert "还剩 1 张" in shown and 'class="qr"' in shown
    for one in (shown, receipt):
        assert f'data-mark="{told["mark"]}"' in one  # neither turns by itself again
    assert phone.get(f"{page}?part={uuid4()}").status_code == 404
    assert phone.get(f"{page}?part=x").status_code == 404
    press(browser, frozen(browser, world, voucher, "60"), "commit")
    assert "已核销" in phone.get(page).text


def test_only_the_worker_that_reads_codes_may_compile(browser: Browser) -> None:
    worker = browser.get("/static/merchant/decoder.worker.js")
    policy = worker.headers["Content-Security-Policy"]
    assert "'wasm-unsafe-eval'" in policy and policy.startswith("default-src 'none'")
    for path in ("/", "/static/merchant/scanner.js", "/service-worker.js", "/none.worker.js"):
        assert "wasm" not in browser.get(path).headers["Content-Security-Policy"]
    assert "no-cache" in browser.get("/service-worker.js").headers["Cache-Control"]
