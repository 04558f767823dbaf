"""Passkeys in a real Chromium with a virtual authenticator, and the pages at two widths."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect
from sqlalchemy import text

from tests.faces.admin_desk import Desk
from tests.faces.test_admin_browser import AXE, RUN, at_desk
from tests.make import World
from tests.web.serving import serving
from voucher_service.identity import service as identity
from voucher_service.identity.desk import Answer, Origin
from voucher_service.identity.model import SignInRefused
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role

PASSWORD = "a long enough password"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def base(desk: Desk) -> Iterator[str]:
    """The face by name: an address in figures has no passkeys."""
    with serving(desk.app) as url:
        yield url.replace("127.0.0.1", "localhost")


@dataclass
class Sitting:
    """Somebody at a browser with an authenticator."""

    page: Page
    keys: CDPSession
    authenticator: str
    login: str
    actor: Actor

    def signs_in(self) -> None:
        self.page.goto("/sign-in")
        self.page.get_by_label("账号").fill(self.login)
        self.page.get_by_label("密码").fill(PASSWORD)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="登录", exact=True).click()

    def enrols(self, name: str = "办公室电脑") -> None:
        self.page.goto("/account")
        self.page.get_by_label("新密钥叫什么").fill(name)
        self.page.get_by_role("button", name="登记一把通行密钥").click()
        expect(self.page.get_by_text("已经改好")).to_be_visible()

    def signs_out(self) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("banner").get_by_role("button", name="退出").click()

    def credential(self) -> dict[str, Any]:
        told = {"authenticatorId": self.authenticator}
        found = self.keys.send("WebAuthn.getCredentials", told)["credentials"]
        return dict(found[0])


@pytest.fixture
def sitting(desk: Desk, chromium: Browser, base: str) -> Iterator[Sitting]:
    login = f"key-{uuid4().hex[:10]}"
    made = identity.create_staff(
        desk.core,
        actor=SYSTEM,
        username=login,
        password=PASSWORD,
        display_name="陈工",
        roles=[Role.APPROVER],
    )
    context: BrowserContext = chromium.new_context(base_url=base, locale="zh-CN")
    page = context.new_page()
    keys = context.new_cdp_session(page)
    keys.send("WebAuthn.enable")
    added = keys.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    actor = Actor(ActorKind.STAFF, made.id, frozenset({Role.APPROVER}))
    yield Sitting(page, keys, added["authenticatorId"], login, actor)
    context.close()


def names_of(desk: Desk, sitting: Sitting) -> dict[str, bool]:
    """The passkeys on record: their names, and whether each is suspended."""
    assert sitting.actor.id is not None
    with desk.core.transaction() as session:
        keys = identity.passkeys_of(session, staff=sitting.actor.id)
    return {one.name: one.suspended for one in keys}


def test_a_passkey_is_enrolled_opens_the_door_alone_and_is_removed(
    desk: Desk, sitting: Sitting
) -> None:
    sitting.signs_in()
    sitting.enrols()
    assert names_of(desk, sitting) == {"办公室电脑": False}
    sitting.page.get_by_label("这把密钥的名字").fill("家里电脑")
    with sitting.page.expect_navigation():
        sitting.page.get_by_role("button", name="改名").click()
    assert names_of(desk, sitting) == {"家里电脑": False}
    sitting.signs_out()
    sitting.signs_in()
    expect(sitting.page.get_by_role("alert")).to_be_visible()  # the password alone is not enough
    sitting.page.goto("/sign-in?next=/account")
    sitting.page.get_by_role("button", name="用通行密钥登录").click()
    expect(sitting.page.get_by_role("heading", name="陈工")).to_be_visible()
    sitting.page.get_by_role("button", name="删掉").click()
    expect(sitting.page.get_by_text("已经改好")).to_be_visible()
    assert names_of(desk, sitting) == {}


def test_password_and_passkey_together_open_the_door(sitting: Sitting) -> None:
    sitting.signs_in()
    sitting.enrols()
    sitting.signs_out()
    sitting.page.goto("/sign-in?next=/account")
    sitting.page.get_by_label("账号").fill(sitting.login)
    sitting.page.get_by_label("密码").fill("wrong")
    sitting.page.get_by_role("button", name="用通行密钥登录").click()
    expect(sitting.page.get_by_role("alert")).to_be_visible()
    sitting.page.get_by_label("账号").fill(sitting.login)
    sitting.page.get_by_label("密码").fill(PASSWORD)
    sitting.page.get_by_role("button", name="用通行密钥登录").click()
    expect(sitting.page.get_by_role("heading", name="陈工")).to_be_visible()


def test_a_passkey_that_did_not_verify_its_owner_is_refused(sitting: Sitting) -> None:
    sitting.signs_in()
    sitting.enrols()
    sitting.signs_out()
    sitting.keys.send(
        "WebAuthn.setUserVerified",
        {"authenticatorId": sitting.authenticator, "isUserVerified": False},
    )
    sitting.page.goto("/sign-in")
    sitting.page.get_by_role("button", name="用通行密钥登录").click()
    expect(sitting.page.get_by_text("通行密钥没有用成")).to_be_visible()


def test_a_signature_is_preceded_by_the_passkey_when_it_is_long_ago(
    desk: Desk, sitting: Sitting
) -> None:
    sitting.signs_in()
    sitting.enrols()
    _, approval = desk.proposed()
    with desk.core.engine.begin() as connection:
        connection.execute(
            text("UPDATE sign_in_session SET factor_at = NULL WHERE subject_id = :id"),
            {"id": sitting.actor.id},
        )
    sitting.page.goto(f"/approvals/{approval}")
    sitting.page.get_by_role("button", name="批准并盖章").click()
    expect(sitting.page.get_by_role("heading", name="再验一次身份")).to_be_visible()
    sitting.page.get_by_role("button", name="用通行密钥验证").click()
    sitting.page.get_by_role("button", name="批准并盖章").click()
    expect(sitting.page.get_by_text("提案里的内容已经照原样执行。")).to_be_visible()


def test_a_copied_passkey_is_suspended_and_raises_an_alarm(desk: Desk, sitting: Sitting) -> None:
    sitting.signs_in()
    sitting.enrols()
    sitting.signs_out()
    kept = sitting.credential()
    sitting.page.goto("/sign-in?next=/account")
    sitting.page.get_by_role("button", name="用通行密钥登录").click()
    expect(sitting.page.get_by_role("heading", name="陈工")).to_be_visible()
    sitting.signs_out()
    told = {"authenticatorId": sitting.authenticator}
    sitting.keys.send("WebAuthn.clearCredentials", told)
    sitting.keys.send("WebAuthn.addCredential", told | {"credential": kept | {"signCount": 0}})
    sitting.page.goto("/sign-in")
    sitting.page.get_by_role("button", name="用通行密钥登录").click()
    expect(sitting.page.get_by_role("alert")).to_be_visible()
    assert names_of(desk, sitting) == {"办公室电脑": True}
    with desk.core.transaction() as session:
        kind = session.scalar(
            text("SELECT kind FROM alarm WHERE subject = :who"), {"who": sitting.actor.name}
        )
    assert kind == "sign_in"


def test_an_answer_counts_once_and_for_what_was_asked(
    desk: Desk, sitting: Sitting, base: str
) -> None:
    sitting.signs_in()
    sitting.enrols()
    origin = Origin("localhost", base)

    def answer(asked: dict[str, Any]) -> Answer:
        told = sitting.page.evaluate(
            "async (asked) => JSON.stringify((await navigator.credentials.get({publicKey:"
            " PublicKeyCredential.parseRequestOptionsFromJSON(asked)})).toJSON())",
            asked,
        )
        return Answer(told, origin)

    once = answer(identity.passkey_question(desk.core, origin=origin))
    assert identity.passkey_sign_in(desk.core, answer=once).username == sitting.login
    other = answer(identity.passkey_question(desk.core, origin=origin, actor=sitting.actor))
    foreign = answer(identity.passkey_question(desk.core, origin=origin))
    for wrong in (
        once,
        other,
        Answer(foreign.text, Origin("localhost", "https://elsewhere")),
        Answer(_forged(answer(identity.passkey_question(desk.core, origin=origin)).text), origin),
        Answer("{}", origin),
        Answer("[]", origin),
        Answer('{"id": 1}', origin),
    ):
        with pytest.raises(SignInRefused):
            identity.passkey_sign_in(desk.core, answer=wrong)


def _forged(answer: str) -> str:
    """The same answer with another signature."""
    told = json.loads(answer)
    signature = bytearray(base64.urlsafe_b64decode(told["response"]["signature"] + "=="))
    signature[-1] ^= 1
    told["response"]["signature"] = base64.urlsafe_b64encode(signature).decode().rstrip("=")
    return json.dumps(told)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_pages_fit_and_are_accessible(
    desk: Desk, chromium: Browser, base: str, width: int
) -> None:
    world: World = desk.world
    manager, auditor = world.staff(Role.ADMINISTRATOR), world.staff(Role.AUDITOR)
    person = world.staff(Role.REVIEWER)
    wanted = {
        "account": ("/account", manager),
        "confirm": ("/account/confirm", manager),
        "staff": ("/staff", manager),
        "staff_new": ("/staff/new", manager),
        "staff_one": (f"/staff/{person.id}", manager),
        "residents": ("/residents", auditor),
        "audit": (f"/audit?actor={manager.name}", auditor),
    }
    for name, (path, actor) in wanted.items():
        size = {"width": width, "height": 900}
        with at_desk(chromium, base, desk.core, actor, viewport=size) as context:
            page = context.new_page()
            page.goto(path)
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, (name, over)
            page.evaluate(AXE.read_text("utf-8"))
            found = page.evaluate(RUN)["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], name
