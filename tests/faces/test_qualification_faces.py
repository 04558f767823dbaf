"""A qualification by call and by page: claimed after the sum, shown, given up; or waited for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time
from urllib.parse import quote
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from tests.faces.admin_desk import Desk
from tests.make import World
from tests.matrix.pools import PLAN, a_campaign
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.money import Money
from voucher_service.resident.app import create_app
from voucher_service.tradein import service as tradein
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import Every, Pool, PoolPlan
from voucher_service.vouchers import code as codes
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

API = "/api/v1/trade-in"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
SUM = "/trade-in/{}?price=3999"


def a_pool(world: World, category: Category, **more: int) -> Pool:
    """A pool of one category: one qualification in all unless told."""
    campaign = a_campaign(world, world.programme(days=20))
    plan = PoolPlan(
        "数码补贴资格",
        "digital-2026",
        (category,),
        Every.MONTH,
        more.get("quota", 20),
        3,
        overbook_bps=more.get("overbook_bps", 0),
        opens=time(0),
    )
    pool = tradein.create_pool(
        world.core, actor=world.planner, campaign=campaign.id, plan=plan
    ).value
    world.line(campaign.id, pool.offer.face_value * pool.offer.quota)
    world.publish(campaign.id)
    return pool


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    """Phones for all; of glasses there is money for one, and two would be given out."""
    world = World(core)
    a_pool(world, Category.PHONE)
    a_pool(world, Category.GLASSES, quota=1, overbook_bps=9_000)
    return world


@pytest.fixture
def who(city: World) -> Actor:
    return city.resident()


@pytest.fixture
def client(city: World, who: Actor) -> Iterator[FlaskClient]:
    """A browser in which a resident is signed in."""
    assert who.id is not None
    with create_app(city.core).test_client() as made:
        token = issue(city.core, Face.RESIDENT, who.id).access_token
        made.set_cookie(Face.RESIDENT.cookie, token)
        made.set_cookie("lang", "zh")
        yield made


def bearer(city: World, who: Actor, key: str | None = None) -> dict[str, str]:
    assert who.id is not None
    token = issue(city.core, Face.RESIDENT, who.id).access_token
    return {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})


def test_a_call_claims_shows_and_gives_up(city: World, who: Actor) -> None:
    caller = create_app(city.core).test_client()
    key = uuid4().hex
    sent = {"json": {"category": "phone"}, "headers": bearer(city, who, key)}
    made = caller.post(f"{API}/qualifications", **sent)
    assert (made.status_code, made.json["status"]) == (201, "claimed")
    assert made.json["most_fen"] == 50_000
    again = caller.post(f"{API}/qualifications", **sent)
    assert again.json == made.json
    assert again.headers["Idempotency-Replayed"] == "true"
    own = f"{API}/qualifications/{made.json['id']}"
    shown = caller.get(f"{own}/code", headers=bearer(city, who))
    assert codes.read(city.core.keyring, shown.json["code"])
    ended = caller.delete(own, headers=bearer(city, who))
    assert ended.json["status"] == "given_up"
    gone = caller.get(f"{own}/code", headers=bearer(city, who))
    assert (gone.status_code, gone.json["code"]) == (410, "qualification_over")
    listed = caller.get(f"{API}/qualifications", headers=bearer(city, who))
    assert [one["id"] for one in listed.json["items"]] == [made.json["id"]]


def test_a_claim_without_a_key_is_refused(city: World, who: Actor) -> None:
    caller = create_app(city.core).test_client()
    sent = {"json": {"category": "phone"}, "headers": bearer(city, who)}
    refused = caller.post(f"{API}/qualifications", **sent)
    assert (refused.status_code, refused.json["code"]) == (400, "idempotency_key_missing")


def test_the_page_of_the_sum_leads_to_a_code_and_back(client: FlaskClient) -> None:
    summed = client.get(SUM.format("phone"))
    assert "领补贴资格" in summed.text
    form = dict(HIDDEN.findall(summed.text))
    claimed = client.post("/trade-in/phone/claim", data=form, follow_redirects=True)
    assert "资格的二维码" in claimed.text
    assert "最多补" in claimed.text
    page = claimed.request.path
    given_up = client.post(f"{page}/give-up", data=form, follow_redirects=True)
    assert "您放弃了这份资格" in given_up.text
    assert "已放弃" in client.get("/trade-in/qualifications").text


def test_a_second_claim_is_refused_with_the_way_to_the_first(client: FlaskClient) -> None:
    form = dict(HIDDEN.findall(client.get(SUM.format("phone")).text))
    client.post("/trade-in/phone/claim", data=form)
    form["idempotency_key"] = uuid4().hex
    refused = client.post("/trade-in/phone/claim", data=form)
    assert refused.status_code == 409
    assert "看我的资格" in refused.text


def test_who_finds_the_pool_full_waits_in_its_line_and_may_leave(
    city: World, client: FlaskClient
) -> None:
    first = city.resident()
    before = uuid4().hex
    tradein.claim(city.core, actor=first, category=Category.GLASSES, key=before)
    form = dict(HIDDEN.findall(client.get(SUM.format("glasses")).text))
    full = client.post("/trade-in/glasses/claim", data=form)
    assert full.status_code == 409
    assert "排队候补" in full.text
    waits = client.post("/trade-in/glasses/wait", data=form, follow_redirects=True)
    assert "您排第 1 位" in waits.text
    left = client.post("/trade-in/glasses/leave", data=form, follow_redirects=True)
    assert "您排第" not in left.text


def test_who_is_not_signed_in_is_led_there_and_a_category_without_pool_has_no_button(
    city: World,
) -> None:
    stranger = create_app(city.core).test_client()
    asked = SUM.format("phone")
    summed = stranger.get(asked).text
    assert "登录后领资格" in summed
    # back at the sum, with what was typed, where the button is
    assert f'href="/sign-in?next={quote(asked)}"' in summed
    assert "领资格" not in stranger.get("/trade-in/refrigerator?price=3999&grade=1").text


def test_an_approver_sees_the_pool_s_terms_before_signing(world: World, desk: Desk) -> None:
    campaign = a_campaign(world, world.programme(days=20))
    sent = PLAN | {"overbook_bps": 10_000}
    made = desk.post(world.planner, f"/campaigns/{campaign.id}/pools", sent)
    assert made.status_code == 201
    assert (made.json["most_fen"], made.json["set_aside_fen"]) == (50_000, 25_000)
    world.line(campaign.id, Money(25_000) * made.json["quota"])
    proposal = campaigns.submit(world.core, actor=world.planner, campaign=campaign.id)
    page = desk.browser(world.approver).get(f"/approvals/{proposal}").text
    assert "数码" in page
    assert "多发 100%" in page
