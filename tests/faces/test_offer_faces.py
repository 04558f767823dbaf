"""Offers of every kind as planners type them, approvers read them and residents see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.faces.admin_desk import Desk, refused, send
from tests.make import World
from voucher_service.campaigns.model import GoodsClass, Offer, OfferKind, RefundRule
from voucher_service.infra.core import Core
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.ids import ShopId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.resident.app import create_app
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

CHINESE = re.compile(r"[\u4e00-\u9fff]+")
NEW_TERMS = {
    "rate_bps": None,
    "pieces": 1,
    "shops": [],
    "hours": [],
    "weekdays": [],
    "excluded_items": [],
    "stack_limit": 1,
    "refund_rule": "in_validity",
    "partial_refund": "proportional",
    "paper": False,
}


@pytest.fixture(scope="module")
def shop(world: World) -> ShopId:
    """A shop that is known."""
    with world.core.transaction() as session:
        return merchants.till(session, cashier=world.cashier().id).shop_id


@pytest.fixture(scope="module")
def phones(core: Core) -> Flask:
    """The residents' face."""
    return create_app(core)


@pytest.fixture
def phone(phones: Flask) -> Iterator[FlaskClient]:
    with phones.test_client() as made:
        yield made


@pytest.fixture(scope="module")
def offers(world: World) -> dict[OfferKind, Offer]:
    """An open offer of each kind."""
    campaign = world.draft()
    plan = world.plan(quota=20, threshold=50)
    plans = (
        plan,
        replace(plan, kind=OfferKind.FIXED, threshold=plan.face_value),
        replace(plan, kind=OfferKind.PERCENT_CAPPED, face_value=Money.of_yuan(30), rate_bps=2_000),
        replace(plan, kind=OfferKind.PACK, pieces=8, refund_rule=RefundRule.NEVER),
        replace(plan, kind=OfferKind.BALANCE, face_value=Money.of_yuan(100), threshold=Money(1)),
    )
    return {
        one.kind: world.offer(one, campaign=world.draft(programme=campaign.programme))
        for one in plans
    }


def typed(world: World, **changed: object) -> dict[str, object]:
    """A form of an offer that opens in three hours."""
    opens = (world.now() + timedelta(hours=3)).astimezone(SHANGHAI)
    return {
        "title": "各种券",
        "kind": "threshold",
        "face": "20",
        "threshold": "",
        "limit": "1",
        "valid_days": "7",
        "opening": [f"{opens:%Y-%m-%dT%H:%M}"],
        "quota": ["100"],
    } | changed


def add(desk: Desk, world: World, **changed: object) -> dict[str, Any]:
    """The offer that the form made."""
    campaign = desk.draft()
    page = f"/campaigns/{campaign}/offers/new"
    answer = send(desk.browser(world.planner), page, page, **typed(world, **changed))
    assert answer.status_code == 303, answer.text
    (made,) = desk.get(world.planner, f"/campaigns/{campaign}").json["offers"]
    return dict(made)


def test_an_old_body_makes_the_offer_that_it_always_made(desk: Desk, world: World) -> None:
    campaign = desk.draft()
    made = desk.post(world.planner, f"/campaigns/{campaign}/offers", desk.offer_body())
    assert made.status_code == 201
    assert {name: made.json[name] for name in NEW_TERMS} == NEW_TERMS


def test_every_term_goes_over_the_api_and_comes_back(
    desk: Desk, world: World, shop: ShopId
) -> None:
    terms = {
        "kind": "percent_capped",
        "rate_bps": 1_500,
        "shops": [str(shop)],
        "hours": [["10:00", "14:00"], ["22:00", "02:00"]],
        "weekdays": [1, 2, 3, 4, 5],
        "excluded_items": ["fuel", "gift_card"],
        "stack_limit": 4,
        "refund_rule": "next_day",
        "partial_refund": "threshold_kept",
        "paper": True,
    }
    campaign = desk.draft()
    body = desk.offer_body() | terms
    made = desk.post(world.planner, f"/campaigns/{campaign}/offers", body)
    assert made.status_code == 201, made.json
    assert {name: made.json[name] for name in terms} == terms
    (again,) = desk.get(world.planner, f"/campaigns/{campaign}").json["offers"]
    assert {name: again[name] for name in terms} == terms


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"hours": [["9:00", "10:00"]]}, "invalid_input", "hours"),
        ({"hours": [["10:00"]]}, "invalid_input", "hours"),
        ({"hours": [["10:00", "24:00"]]}, "invalid_input", "hours"),
        ({"hours": "10:00"}, "invalid_input", "hours"),
        ({"weekdays": [0]}, "invalid_input", "weekdays"),
        ({"weekdays": ["1"]}, "invalid_input", "weekdays"),
        ({"excluded_items": ["tea"]}, "invalid_input", "excluded_items"),
        ({"shops": ["here"]}, "invalid_input", "shops"),
        ({"refund_rule": "maybe"}, "invalid_input", "refund_rule"),
        ({"partial_refund": "half"}, "invalid_input", "partial_refund"),
        ({"stack_limit": 0}, "invalid_input", "stack_limit"),
        ({"shops": [str(uuid4())]}, "plan_invalid", "shops"),
        ({"kind": "pack"}, "plan_invalid", "pieces"),
        ({"kind": "percent_capped"}, "plan_invalid", "rate_bps"),
        ({"kind": "balance", "paper": True}, "plan_invalid", "paper"),
        ({"hours": [["10:00", "10:00"]]}, "plan_invalid", "hours"),
    ],
)
def test_every_wrong_term_is_named(
    desk: Desk, world: World, wrong: dict[str, Any], code: str, field: str
) -> None:
    body = desk.offer_body() | wrong
    answer = desk.post(world.planner, f"/campaigns/{desk.draft()}/offers", body)
    assert field in refused(answer, 422, code)["errors"]


def test_the_form_makes_each_kind_and_fills_in_the_least_order(desk: Desk, world: World) -> None:
    percent = add(desk, world, kind="percent_capped", face="30", rate="20", pieces="8")
    assert (percent["rate_bps"], percent["pieces"]) == (2_000, 1)
    assert percent["threshold_fen"] == 5  # the least of which 20 % are a fen
    pack = add(desk, world, kind="pack", threshold="50", pieces="8", rate="20")
    assert (pack["pieces"], pack["rate_bps"]) == (8, None)
    balance = add(desk, world, kind="balance", face="100")
    assert (balance["face_value_fen"], balance["threshold_fen"]) == (10_000, 1)
    fixed = add(desk, world, kind="fixed")
    assert fixed["threshold_fen"] == fixed["face_value_fen"] == 2_000


def test_the_form_reads_hours_days_shops_and_rules_as_people_type_them(
    desk: Desk, world: World, shop: ShopId
) -> None:
    made = add(
        desk,
        world,
        kind="fixed",
        hours="10：00－14:00，17:30到24:00",
        shops=f" {shop}\n",
        weekdays=["6", "7"],
        excluded_items=["fuel"],
        stack_limit="２",
        refund_rule="never",
        partial_refund="threshold_kept",
        paper="true",
    )
    assert made["hours"] == [["10:00", "14:00"], ["17:30", "00:00"]]
    assert (made["shops"], made["weekdays"]) == ([str(shop)], [6, 7])
    assert (made["excluded_items"], made["stack_limit"]) == (["fuel"], 2)
    assert (made["refund_rule"], made["paper"]) == ("never", True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"hours": "上午"}, "时段请写成"),
        ({"hours": "10:00-25:00"}, "时段请写成"),
        ({"shops": "东风路店"}, "门店编号不对"),
        ({"kind": "percent_capped"}, "打折券要填减百分之几"),
        ({"kind": "pack", "threshold": "50"}, "一套要有 2 到 100 张"),
        ({"kind": "balance", "paper": "true"}, "印成纸质券"),
        ({"kind": "fixed", "shops": str(uuid4())}, "门店编号我们不认识"),
    ],
)
def test_what_is_wrong_in_the_form_is_said_at_its_field(
    desk: Desk, world: World, changed: dict[str, object], said: str
) -> None:
    page = f"/campaigns/{desk.draft()}/offers/new"
    answer = send(desk.browser(world.planner), page, page, **typed(world, **changed))
    assert answer.status_code == 422
    assert said in answer.text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "zh",
            (
                "每单打 8.5 折，最多减 ¥30",
                "一单最多用 2 张",
                "不算：燃油、烟草",
                "周一至周五 10:00–14:00",
                "可印纸质券",
                "整单退：券收回，名额归还",
            ),
        ),
        (
            "en",
            (
                "15% off each order, ¥30 at most",
                "At most 2 on one order",
                "Left out: fuel, tobacco",
                "Mon–Fri 10:00–14:00",
                "May be printed",
                "Whole order goes back: voucher taken back",
            ),
        ),
    ],
)
def test_an_approver_reads_every_term_in_words(
    desk: Desk, world: World, shop: ShopId, language: str, words: tuple[str, ...]
) -> None:
    campaign = desk.draft()
    page = f"/campaigns/{campaign}/offers/new"
    form = typed(
        world,
        title="Discount",
        kind="percent_capped",
        face="30",
        rate="15",
        shops=str(shop),
        hours="10:00-14:00",
        weekdays=["1", "2", "3", "4", "5"],
        excluded_items=["fuel", "tobacco"],
        stack_limit="2",
        refund_rule="restored",
        paper="true",
    )
    send(desk.browser(world.planner), page, page, **form)
    line = {"funder": world.funder(), "amount_fen": 300_000, "share_bps": 10_000}
    desk.post(world.planner, f"/campaigns/{campaign}/budget-lines", line)
    proposal = desk.post(world.planner, f"/campaigns/{campaign}/submit").json["approval_id"]
    shown = unescape(desk.browser(world.approver, language).get(f"/approvals/{proposal}").text)
    for one in words:
        assert one in shown
    with world.core.transaction() as session:
        assert merchants.shop_names(session, shops=[shop])[shop][0] in shown


def come_in(phone: FlaskClient, world: World) -> Any:
    """A resident's phone, signed in; whose it is."""
    owner = world.resident()
    assert owner.id is not None
    phone.set_cookie(Face.RESIDENT.cookie, issue(world.core, Face.RESIDENT, owner.id).access_token)
    return owner


def test_residents_read_on_the_ticket_what_each_kind_is_good_for(
    phone: FlaskClient, world: World, offers: dict[OfferKind, Offer]
) -> None:
    come_in(phone, world)
    page = unescape(phone.get("/").text)
    for said in ("8 折，最多减 ¥30", "满 ¥50 可用，共 8 张", "余额，可分次用"):
        assert f'<p class="face-rule">{said}</p>' in page
    assert '<p class="face-rule">满20可用</p>' in page
    english = unescape(phone.get("/", headers={"Accept-Language": "en"}).text)
    assert "20% off, ¥30 at most" in english


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (OfferKind.THRESHOLD, "满 ¥50 减 ¥20"),
        (OfferKind.FIXED, "满 ¥20 减 ¥20"),
        (OfferKind.PERCENT_CAPPED, "每单满 ¥50 打 8 折，最多减 ¥30"),
        (OfferKind.PACK, "8 张，每张满 ¥50 减 ¥20"),
        (OfferKind.BALANCE, "余额券 ¥100，可分次用"),
    ],
)
def test_a_voucher_says_what_it_is_good_for(
    phone: FlaskClient, world: World, offers: dict[OfferKind, Offer], kind: OfferKind, words: str
) -> None:
    voucher = world.claim(offers[kind], come_in(phone, world))
    page = unescape(phone.get(f"/vouchers/{voucher.id}").text)
    assert words in page
    refund = "用过就不退券" if kind is OfferKind.PACK else "有效期内还能再用"
    assert refund in page


def test_what_narrows_an_offer_is_said_before_it_is_claimed(
    phone: FlaskClient, world: World, shop: ShopId
) -> None:
    plan = world.plan(quota=5)
    narrow = replace(
        plan,
        shops=(shop,),
        hours=((time(10), time(14)),),
        weekdays=(6, 7),
        excluded_items=(GoodsClass.TOBACCO,),
    )
    offer = world.offer(narrow)
    with world.core.transaction() as session:
        name, _ = merchants.shop_names(session, shops=[shop])[shop]
    words = f"周六、周日 10:00–14:00 · 只限{name} · 不含烟草"
    assert words in unescape(phone.get("/").text)
    voucher = world.claim(offer, come_in(phone, world))
    page = unescape(phone.get(f"/vouchers/{voucher.id}").text)
    for one in words.split(" · "):
        assert one in page


def test_a_wallet_says_what_is_left(
    phone: FlaskClient, world: World, offers: dict[OfferKind, Offer]
) -> None:
    owner, till = come_in(phone, world), world.cashier()
    pack = world.claim(offers[OfferKind.PACK], owner)
    balance = world.claim(offers[OfferKind.BALANCE], owner)
    world.redeem(pack, till, order_fen=5_000)
    world.redeem(balance, till, order_fen=2_550)
    page = unescape(phone.get("/vouchers").text)
    assert "满 ¥50 可用，还剩 7 张" in page
    assert re.search(r'<p class="face[^"]*"><small>¥</small>74.50</p>', page)
    home = unescape(phone.get("/").text)
    assert "214.50" in home  # seven pieces of ¥20 and the rest of the balance


def test_the_api_tells_every_term_of_an_offer(
    phone: FlaskClient, world: World, offers: dict[OfferKind, Offer]
) -> None:
    found = phone.get("/api/v1/offers?limit=100").json["items"]
    shown = {one["kind"]: one for one in found if one["slug"] in {o.slug for o in offers.values()}}
    assert set(shown) == {str(kind) for kind in OfferKind}
    assert shown["percent_capped"]["rate_bps"] == 2_000
    assert (shown["pack"]["pieces"], shown["pack"]["refund_rule"]) == (8, "never")
    assert {name: shown["threshold"][name] for name in NEW_TERMS} == NEW_TERMS
