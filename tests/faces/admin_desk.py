"""The bureau for tests of the admin face: actors who call its API, and plans at each stage."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from admin.app import create_app
from tests.make import JIANGCHENG, World
from tests.people import newcomer
from voucher_service.identity import service as identity
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

Body = dict[str, Any]
CHINESE = re.compile(r"[\u4e00-\u9fff]+")


class Desk:
    """One admin face on a city."""

    def __init__(self, world: World) -> None:
        self.core = world.core
        self.world = world
        self.app: Flask = create_app(world.core)

    def browser(self, actor: Actor, language: str = "zh-CN") -> FlaskClient:
        """A browser of a member of staff, signed in."""
        assert actor.id is not None
        made = self.app.test_client()
        made.set_cookie(Face.ADMIN.cookie, issue(self.core, Face.ADMIN, actor.id).access_token)
        made.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        return made

    def call(
        self, actor: Actor, method: str, path: str, json: Any = None, **headers: str
    ) -> TestResponse:
        """An API call with the actor's token."""
        known = self.bearer(actor) | headers
        return self.app.test_client().open(
            f"/api/v1{path}", method=method, json=json, headers=known
        )

    def get(self, actor: Actor, path: str, **headers: str) -> TestResponse:
        """A reading call."""
        return self.call(actor, "GET", path, **headers)

    def post(self, actor: Actor, path: str, json: Any = None, **headers: str) -> TestResponse:
        """A changing call."""
        return self.call(actor, "POST", path, json, **headers)

    def bearer(self, actor: Actor) -> dict[str, str]:
        """The headers of an actor's calls."""
        assert actor.id is not None
        return {"Authorization": f"Bearer {issue(self.core, Face.ADMIN, actor.id).access_token}"}

    def days(self) -> Body:
        """A programme's or a campaign's dates: from today on."""
        today = day_of(self.world.now())
        last = today + timedelta(days=20)
        return {"opens_on": today.isoformat(), "closes_on": last.isoformat()}

    def campaign_body(self, programme: str) -> Body:
        """What begins a campaign."""
        wanted = {"programme": programme, "name": "国庆加场", "kind": "voucher", "area": "441700"}
        return wanted | self.days()

    def offer_body(self) -> Body:
        """What adds an offer of 100 vouchers in two releases."""
        opens = (self.world.now() + timedelta(hours=2)).isoformat(timespec="seconds")
        return {
            "title": "通用券",
            "kind": "threshold",
            "face_value_fen": 2_000,
            "threshold_fen": 10_000,
            "quota": 100,
            "per_resident_limit": 1,
            "valid_days": 7,
            "areas": [JIANGCHENG],
            "trades": ["dining"],
            "releases": [{"opens_at": opens, "quota": 60}, {"opens_at": opens, "quota": 40}],
        }

    def draft(self) -> str:
        """The id of an empty draft."""
        body = self.campaign_body(self.world.programme().slug)
        return self.made(self.post(self.world.planner, "/campaigns", body))

    def planned(self) -> str:
        """The id of a draft with an offer and the money for it."""
        campaign = self.draft()
        line = {"funder": self.world.funder(), "amount_fen": 200_000, "share_bps": 10_000}
        path = f"/campaigns/{campaign}"
        self.made(self.post(self.world.planner, f"{path}/offers", self.offer_body()))
        self.made(self.post(self.world.planner, f"{path}/budget-lines", line))
        return campaign

    def proposed(self) -> tuple[str, str]:
        """The ids of a submitted campaign and of the proposal."""
        campaign = self.planned()
        answer = self.post(self.world.planner, f"/campaigns/{campaign}/submit")
        assert answer.status_code == 202, answer.json
        return campaign, str(answer.json["approval_id"])

    def pushed(self, offer: str) -> str:
        """The id of a list with one resident that waits for a second person."""
        person = newcomer()
        identity.register_synthetic(self.core, people=[person], now=self.world.now())
        body = {"offer_id": offer, "list": f"mobile\n{person.mobile}\n13012345678"}
        return self.made(self.post(self.world.planner, "/pushes", body))

    @staticmethod
    def made(answer: TestResponse) -> str:
        """The id of what a call made."""
        assert answer.status_code == 201, answer.json
        return str(UUID(answer.json["id"]))


def send(browser: FlaskClient, page: str, to: str, /, **typed: object) -> TestResponse:
    """Fill in the form that leads to `to` on a page, with its hidden fields, and send it."""
    forms = re.findall(r"<form[^>]*>.*?</form>", browser.get(page).text, re.DOTALL)
    form = next(one for one in forms if f'action="{to}"' in one)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    return browser.post(to, data=hidden | typed)


def main_of(page: str) -> str:
    """What a page says, without attributes, names of offers and people."""
    body = page[page.index("<main") : page.index("</main>")]
    body = re.sub(r"<h1>.*?</h1>|<option.*?</option>|<a [^>]*>[^<]*</a>", "", body, flags=re.S)
    return re.sub(r"<[^>]+>", " ", body)


def refused(answer: TestResponse, status: int, code: str) -> Body:
    """The problem details of a refusal, which has this status and code and a sentence."""
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"]
    return dict(answer.json)


def token_of(browser: FlaskClient, page: str) -> str:
    """The hidden field of a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]*)"', browser.get(page).text)
    assert found
    return found[1]
