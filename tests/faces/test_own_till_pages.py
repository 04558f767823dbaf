"""The manager's pages of the shop's own system: keys, addresses, what was sent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page

from merchant_portal.app import create_app
from tests.faces.admin_desk import CHINESE, main_of, send
from tests.faces.own_till import manager_of, public
from tests.make import World
from tests.services.receivers import receiver
from tests.web.chromium import MODULES
from tests.web.serving import serving
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.tills import service as tills
from voucher_service.web.auth import issue
from voucher_service.web.face import Face
from voucher_service.webhooks import service as webhooks

AXE = MODULES / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    """The merchant face."""
    return create_app(core)


@pytest.fixture
def shop(world: World) -> tuple[Actor, Actor]:
    """A cashier and the manager of a new shop."""
    cashier = world.cashier()
    return cashier, manager_of(world, cashier)


@pytest.fixture
def browser(app: Flask, core: Core, shop: tuple[Actor, Actor]) -> FlaskClient:
    """The manager's browser."""
    return signed_in(app, core, shop[1])


def signed_in(app: Flask, core: Core, actor: Actor) -> FlaskClient:
    """A browser of somebody at a shop."""
    assert actor.id
    client = app.test_client()
    client.set_cookie("voucher_merchant", issue(core, Face.MERCHANT, actor.id).access_token)
    return client


def test_a_manager_registers_a_till_changes_its_key_and_revokes_the_old_one(
    browser: FlaskClient, core: Core, shop: tuple[Actor, Actor]
) -> None:
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    typed = {"name": "1 号收银机", "public_key": public(old)}
    assert send(browser, "/tills", "/tills", **typed).status_code == 303
    (till,) = tills.tills(core, actor=shop[1])
    page = browser.get("/tills").text
    assert str(till.keys[0].id) in page
    assert till.keys[0].fingerprint in page
    path = f"/tills/{till.cashier_id}/keys"
    assert send(browser, "/tills", path, public_key=public(new)).status_code == 303
    assert f'action="{path}"' not in browser.get("/tills").text  # two are enough
    revoked = f"/tills/keys/{till.keys[0].id}/revoke"
    assert send(browser, "/tills", revoked).status_code == 303
    (till,) = tills.tills(core, actor=shop[1])
    assert [key.active for key in till.keys] == [True, False]


def test_what_is_wrong_with_a_key_is_said_on_the_page(browser: FlaskClient) -> None:
    empty = send(browser, "/tills", "/tills")
    assert (empty.status_code, empty.text.count("field-error")) == (422, 2)
    wrong = send(browser, "/tills", "/tills", name="2 号", public_key="hello")
    assert wrong.status_code == 422
    assert "这不是 Ed25519 公钥" in wrong.text
    secret = "-----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY-----"
    warned = send(browser, "/tills", "/tills", name="2 号", public_key=secret)
    assert "您粘贴的是私钥" in warned.text
    assert "MC4" not in warned.text  # a secret is not sent back


def test_a_manager_says_where_to_send_and_sends_again(
    browser: FlaskClient, core: Core, world: World, shop: tuple[Actor, Actor]
) -> None:
    here = "/tills/webhooks"
    refused = send(browser, here, here, url="https://10.0.0.1/")
    assert refused.status_code == 422
    assert "这个网址不能用" in refused.text
    webhooks.spread(core)
    with receiver() as system:
        assert send(browser, here, here, url=system.url).status_code == 303
        (place,) = webhooks.endpoints(core, actor=shop[1])
        offer = world.offer(world.plan(quota=1))
        world.redeem(world.claim(offer), shop[0])
        webhooks.spread(core)
        log = f"{here}/{place.id}"
        assert "在等" in browser.get(log).text
        webhooks.send(core, endpoint=place.id, seconds=5)
        page = browser.get(log).text
        assert "已收下" in page
        again = re.findall(r'action="(/tills/messages/[^"]+)"', page)[0]
        assert send(browser, log, again).headers["Location"] == log
        webhooks.send(core, endpoint=place.id, seconds=5)
        assert len(system.came) == 2
        assert system.came[0].body == system.came[1].body
    assert send(browser, log, f"{log}/remove").status_code == 303
    assert browser.get(log).status_code == 404


def test_why_nothing_was_taken_is_said_in_the_readers_language(
    browser: FlaskClient, core: Core, world: World, shop: tuple[Actor, Actor]
) -> None:
    here = "/tills/webhooks"
    webhooks.spread(core)
    with receiver() as system:
        assert send(browser, here, here, url=system.url).status_code == 303
    (place,) = webhooks.endpoints(core, actor=shop[1])
    world.redeem(world.claim(world.offer(world.plan(quota=1))), shop[0])
    webhooks.spread(core)
    webhooks.send(core, endpoint=place.id, seconds=5)
    page = browser.get(f"{here}/{place.id}").text
    assert "连不上：那边没有开门" in page
    assert "not reached" not in page


def test_a_cashier_sees_none_of_it(app: Flask, core: Core, shop: tuple[Actor, Actor]) -> None:
    client = signed_in(app, core, shop[0])
    for path in ("/tills", "/tills/webhooks"):
        assert client.get(path).status_code == 403


def test_our_public_keys_are_for_everybody(app: Flask) -> None:
    (key,) = app.test_client().get("/.well-known/voucher-webhook-keys").json["keys"]
    assert (key["kid"], key["crv"]) == ("webhook-1", "Ed25519")
    assert "d" not in key


def test_the_pages_are_complete_in_english(
    browser: FlaskClient, core: Core, shop: tuple[Actor, Actor]
) -> None:
    tills.register(
        core, actor=shop[1], name="Till 1", public_key=public(Ed25519PrivateKey.generate())
    )
    place = webhooks.add(core, actor=shop[1], url="https://pos.example.com/")
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    for path in ("/tills", "/tills/webhooks", f"/tills/webhooks/{place.id}"):
        assert CHINESE.findall(main_of(browser.get(path).text)) == []


@pytest.fixture
def page(chromium: Browser, app: Flask, core: Core, shop: tuple[Actor, Actor]) -> Iterator[Page]:
    """The manager's phone."""
    with serving(app) as url:
        assert shop[1].id
        phone = {"width": 360, "height": 780}
        context = chromium.new_context(viewport=phone, locale="zh-CN", base_url=url)
        token = issue(core, Face.MERCHANT, shop[1].id).access_token
        context.add_cookies([{"name": "voucher_merchant", "value": token, "url": url}])
        yield context.new_page()
        context.close()


def test_the_pages_fit_a_phone_and_assistive_technology(
    page: Page, core: Core, shop: tuple[Actor, Actor]
) -> None:
    key = tills.register(
        core, actor=shop[1], name="1 号收银机", public_key=public(Ed25519PrivateKey.generate())
    )
    tills.add_key(
        core,
        actor=shop[1],
        till=key.cashier_id,
        public_key=public(Ed25519PrivateKey.generate()),
    )
    tills.revoke(core, actor=shop[1], key=key.id)
    place = webhooks.add(core, actor=shop[1], url="https://pos.example.com/" + "long/" * 20)
    for path in ("/tills", "/tills/webhooks", f"/tills/webhooks/{place.id}"):
        page.goto(path)
        for summary in page.locator("main summary").all():
            summary.click()
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, path
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("axe.run().then(found => found.violations.map(one => one.id))")
        assert found == [], path
        if folder := os.environ.get("SHOTS"):
            page.screenshot(path=f"{folder}/{path.count('/')}.png", full_page=True)
