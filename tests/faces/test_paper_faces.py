"""Paper vouchers on the resident's own page and at a service window, and the short code."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.faces.admin_desk import CHINESE, Desk, token_of
from tests.make import JIANGCHENG, World
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.resident.app import create_app
from voucher_service.vouchers import paper, short_code
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    """The resident face."""
    return create_app(core)


@pytest.fixture
def printed(world: World) -> Voucher:
    """A voucher that may be printed."""
    return world.claim(world.offer(replace(world.plan(), paper=True)))


def phone(app: Flask, world: World, voucher: Voucher) -> FlaskClient:
    """The holder's phone, signed in."""
    made = app.test_client()
    token = issue(world.core, Face.RESIDENT, voucher.resident_id).access_token
    made.set_cookie(Face.RESIDENT.cookie, token)
    made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return made


def press(client: FlaskClient, path: str) -> None:
    """Press the button of a page that leads to the page itself."""
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', client.get(path).text))
    assert client.post(path, data=hidden).status_code == 303


def test_a_resident_prints_and_prints_anew(app: Flask, world: World, printed: Voucher) -> None:
    client, path = phone(app, world, printed), f"/vouchers/{printed.id}/paper"
    assert "打印纸质券" in client.get(path).text
    press(client, path)
    first = client.get(path).text
    assert "凭身份证号后四位使用" in first and 'role="img"' in first and "暗号" not in first
    press(client, path)
    again = client.get(path).text
    assert "作废这一张" in again and again != first
    owner = Actor(ActorKind.RESIDENT, printed.resident_id)
    made = vouchers.newest_print(world.core, actor=owner, voucher=printed.id)
    assert made is not None and made.serial == 2


def test_what_cannot_be_printed_says_so(app: Flask, world: World) -> None:
    plain = world.claim(world.offer())
    answer = phone(app, world, plain).get(f"/vouchers/{plain.id}/paper")
    assert answer.status_code == 422 and "paper_not_offered" in answer.text


def test_the_short_code_comes_with_the_long_one(app: Flask, world: World, printed: Voucher) -> None:
    client = phone(app, world, printed)
    one = client.get(f"/api/v1/vouchers/{printed.id}/code").json
    several = client.get(f"/api/v1/vouchers/{printed.id}/codes").json["codes"]
    shown = [one["short_code"], *(each["short_code"] for each in several)]
    assert all(len(text) == short_code.LENGTH for text in shown)
    assert len({each["short_code"] for each in several}) == 4


def test_a_window_prints_for_a_resident_of_its_area_and_leaves_a_record(
    desk: Desk, world: World, printed: Voucher
) -> None:
    reviewer = world.staff(Role.REVIEWER)
    browser, path = desk.browser(reviewer), f"/residents/{printed.resident_id}/papers"
    hidden = {"csrf_token": token_of(browser, "/residents")}
    short = browser.post(path, data=hidden | {"note": "x"})
    assert short.status_code == 422 and 'id="e-note"' in short.text
    listed = browser.post(path, data=hidden | {"note": "窗口 3 号"})
    assert listed.status_code == 200 and f"{path}/{printed.id}" in listed.text
    made = browser.post(f"{path}/{printed.id}", data=hidden)
    assert made.status_code == 200 and "凭身份证号后四位使用" in made.text
    with world.core.transaction() as session:
        home = identity.load(session, resident=printed.resident_id).area
    area = "441781" if home != "441781" else JIANGCHENG
    elsewhere = desk.browser(world.staff(Role.REVIEWER, area=area))
    hidden = {"csrf_token": token_of(elsewhere, "/residents")}
    answers = [
        elsewhere.post(one, data=hidden | {"note": "窗口 3 号"})
        for one in (path, f"{path}/{printed.id}")
    ]
    assert [one.status_code for one in answers] == [404, 404]
    text = paper.make(world.core.keyring, code_ref=printed.code_ref, serial=1)
    assert text not in made.text  # drawn, not written: nothing to copy from the page


def test_the_papers_speak_english(app: Flask, desk: Desk, world: World, printed: Voucher) -> None:
    client, path = phone(app, world, printed), f"/vouchers/{printed.id}/paper"
    client.set_cookie("lang", "en")
    before = client.get(path).text
    press(client, path)
    browser = desk.browser(world.staff(Role.REVIEWER), "en")
    hidden = {"csrf_token": token_of(browser, "/residents")}
    lists = f"/residents/{printed.resident_id}/papers"
    pages = [
        before,
        client.get(path).text,
        browser.post(lists, data=hidden).text,
        browser.post(lists, data=hidden | {"note": "window 3"}).text,
        browser.post(f"{lists}/{printed.id}", data=hidden).text,
    ]
    for page in pages:
        text = re.sub("中文|满100减20|惠利金秋 第一场|满\\d+", "", page)
        assert CHINESE.findall(text) == []
