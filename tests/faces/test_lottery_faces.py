"""The lottery over HTTP: planned and secured at the desk, entered and checked by residents."""

from __future__ import annotations

import hashlib
import re
import secrets
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.contracts.source import ROOT
from tests.faces.admin_desk import CHINESE, Body, Desk, refused
from tests.make import World
from tests.services.fairs import a_fair
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import SHANGHAI, Clock
from voucher_service.lotteries.model import Party
from voucher_service.resident.app import create_app
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

HOUR = timedelta(hours=1)
HIDDEN = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')


@pytest.fixture(scope="module")
def clock(core: Core) -> Clock:
    with core.transaction() as session:
        return Clock(core.now(session).replace(microsecond=0))


@pytest.fixture(scope="module")
def desk(core: Core, clock: Clock) -> Desk:
    return Desk(World(with_clock(core, clock)))


@pytest.fixture(scope="module")
def app(desk: Desk) -> Flask:
    return create_app(desk.core)


@pytest.fixture(scope="module")
def parties(desk: Desk) -> dict[Party, Actor]:
    roles = {Party.FINANCE: Role.FINANCE, Party.AUDIT: Role.AUDITOR, Party.BUREAU: Role.PLANNER}
    return {party: desk.world.staff(role) for party, role in roles.items()}


def terms(offer: str, now: datetime) -> Body:
    return {
        "offer_id": offer,
        "seats": 2,
        "waiting": 1,
        "opens_at": now.isoformat(),
        "closes_at": (now + HOUR).isoformat(),
        "waiting_from": (now + 5 * HOUR).isoformat(),
    }


def bearer(core: Core, who: Actor) -> dict[str, str]:
    assert who.id is not None
    return {"Authorization": f"Bearer {issue(core, Face.RESIDENT, who.id).access_token}"}


def test_from_the_plan_to_the_files_that_an_outsider_checks(
    desk: Desk, app: Flask, clock: Clock, parties: dict[Party, Actor], tmp_path: Path
) -> None:
    now, planner = desk.world.now(), desk.world.planner
    clock.set(now)
    draft = desk.world.draft()
    offer = desk.made(desk.post(planner, f"/campaigns/{draft.id}/offers", desk.offer_body()))
    planned = desk.post(planner, "/lotteries", terms(offer, now))
    lottery = desk.made(planned)
    assert planned.json["status"] == "draft" and planned.json["offer_id"] == offer
    line = {"funder": desk.world.funder(), "amount_fen": 200_000, "share_bps": 10_000}
    desk.made(desk.post(planner, f"/campaigns/{draft.id}/budget-lines", line))
    desk.world.publish(draft.id)

    client, path = app.test_client(), f"/api/v1/lotteries/{lottery}"
    assert client.get(path).status_code == 404
    assert desk.post(planner, f"/lotteries/{lottery}/open").json["status"] == "open"
    assert client.get(path).json["rule"].startswith("leaves sorted")
    assert lottery in [one["id"] for one in client.get("/api/v1/lotteries?limit=1").json["items"]]

    crowd = desk.world.residents(5)
    leaves = {}
    for one in crowd:
        headers = bearer(desk.core, one)
        refused(client.get(f"{path}/entries/mine", headers=headers), 404, "not_found")
        first = client.post(f"{path}/entries", headers=headers)
        again = client.post(f"{path}/entries", headers=headers)
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json == again.json and first.json["outcome"] == "undecided"
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
        leaves[one] = first.json["leaf"]

    refused(desk.post(planner, f"/lotteries/{lottery}/close"), 409, "entries_still_open")
    secret = {party: secrets.token_hex(32) for party in Party}
    for party, actor in parties.items():
        digest = hashlib.sha256(secret[party].encode()).hexdigest()
        body = {"party": str(party), "sha256": digest}
        answer = desk.post(actor, f"/lotteries/{lottery}/commitments", body)
        assert answer.status_code == 201, answer.json
    clock.set(now + HOUR)
    late = client.post(f"{path}/entries", headers=bearer(desk.core, desk.world.resident()))
    refused(late, 409, "entries_closed")
    refused(client.get(f"{path}/entries.csv"), 404, "not_found")
    closed = desk.post(planner, f"/lotteries/{lottery}/close").json
    noted = client.get(path).json
    assert noted["list_sha256"] == closed["list_sha256"] and noted["entries"] == 5
    assert set(noted["files"]) == {"lottery.json", "entries.csv"}
    refused(client.get(f"{path}/result.csv"), 404, "not_found")
    refused(desk.post(planner, f"/lotteries/{lottery}/void"), 409, "reveal_not_over")
    for party, actor in parties.items():
        body = {"party": str(party), "secret": secret[party]}
        answer = desk.post(actor, f"/lotteries/{lottery}/reveals", body)
    assert answer.json["status"] == "drawn"
    assert answer.json["seed"] == client.get(path).json["seed"]

    outcomes = {
        leaves[one]: client.get(f"{path}/entries/mine", headers=bearer(desk.core, one)).json
        for one in crowd
    }
    for name, address in client.get(path).json["files"].items():
        got = client.get(address)
        assert got.status_code == 200 and name in got.headers["Content-Disposition"]
        (tmp_path / name).write_bytes(got.data)
    listed = (tmp_path / "entries.csv").read_text().split()[1:]
    assert listed == sorted(leaves.values())
    drawn = [line.split(",") for line in (tmp_path / "result.csv").read_text().split()[1:]]
    for rank, outcome, leaf, _key in drawn:
        mine = outcomes.pop(leaf)
        assert (str(mine["rank"]), mine["outcome"]) == (rank, outcome)
    assert {one["outcome"] for one in outcomes.values()} == {"not_drawn"}
    script = [sys.executable, "-I", ROOT / "tools" / "verify_lottery.py", tmp_path]
    assert subprocess.run([*script, noted["list_sha256"]], check=False).returncode == 0


def test_each_does_their_own_part_and_no_other(desk: Desk, parties: dict[Party, Actor]) -> None:
    nowhere = "00000000-0000-7000-8000-000000000000"
    finance = parties[Party.FINANCE]
    body = terms(nowhere, desk.world.now())
    refused(desk.post(finance, "/lotteries", body), 403, "not_allowed")
    for step in ("open", "close", "void"):
        refused(desk.post(finance, f"/lotteries/{nowhere}/{step}"), 403, "not_allowed")
        refused(desk.post(desk.world.planner, f"/lotteries/{nowhere}/{step}"), 404, "not_found")
    reviewer = desk.world.staff(Role.REVIEWER)
    promise = {"party": "finance", "sha256": "ab" * 32}
    path = f"/lotteries/{nowhere}/commitments"
    refused(desk.post(reviewer, path, promise), 403, "not_allowed")
    refused(desk.post(finance, path, promise), 404, "not_found")
    refused(desk.post(finance, path, promise | {"sha256": "AB" * 32}), 422, "invalid_input")
    refused(desk.post(finance, path, promise | {"party": "mayor"}), 422, "invalid_input")


def test_strangers_read_and_only_residents_enter(app: Flask) -> None:
    client, nowhere = app.test_client(), "00000000-0000-7000-8000-000000000000"
    refused(client.post(f"/api/v1/lotteries/{nowhere}/entries"), 401, "token_missing")
    refused(client.get(f"/api/v1/lotteries/{nowhere}"), 404, "not_found")
    document = client.get("/api/openapi.json").json
    assert "/api/v1/lotteries/{id}/entries" in document["paths"]


def test_a_resident_enters_by_page_and_reads_what_came_of_it(
    desk: Desk, app: Flask, clock: Clock, parties: dict[Party, Actor]
) -> None:
    now, planner = desk.world.now(), desk.world.planner
    browsers = {actor: desk.browser(actor) for actor in (planner, *parties.values())}
    draft = desk.world.draft()
    offer = desk.made(desk.post(planner, f"/campaigns/{draft.id}/offers", desk.offer_body()))
    typed = {
        "offer": offer,
        "seats": "1",
        "waiting": "",
        "opens_at": _moment(now),
        "closes_at": _moment(now + HOUR),
    }
    wrong = _send(browsers[planner], "/lotteries", "/lotteries", **typed | {"seats": "9,999"})
    assert wrong.status_code == 422 and "没有保存" in wrong.text
    planned = _send(browsers[planner], "/lotteries", "/lotteries", **typed)
    assert planned.status_code == 303
    home = planned.location
    line = {"funder": desk.world.funder(), "amount_fen": 200_000, "share_bps": 10_000}
    desk.made(desk.post(planner, f"/campaigns/{draft.id}/budget-lines", line))
    early = _send(browsers[planner], home, f"{home}/open")
    assert early.status_code == 409
    desk.world.publish(draft.id)
    assert _send(browsers[planner], home, f"{home}/open").status_code == 303

    client, resident = app.test_client(), desk.world.resident()
    assert "登录后报名" in client.get(home).text
    assert home in client.get("/lotteries").text
    assert resident.id is not None
    client.set_cookie(
        Face.RESIDENT.cookie, issue(desk.core, Face.RESIDENT, resident.id).access_token
    )
    assert _send(client, home, f"{home}/enter").status_code == 303
    assert "已报名" in client.get(home).text
    assert not CHINESE.search(_words(client.get(home, headers={"Accept-Language": "en"}).text))

    secret = {party: secrets.token_hex(32) for party in Party}
    for party, actor in parties.items():
        digest = hashlib.sha256(secret[party].encode()).hexdigest()
        path = f"{home}/commitments"
        done = _send(browsers[actor], home, path, party=str(party), sha256=digest)
        assert done.status_code == 303
        assert "已经封存过" in _post(browsers[actor], home, path, party, sha256="ab" * 32)
    refused_ = _send(browsers[planner], home, f"{home}/close")
    assert refused_.status_code == 409 and "还不能截止" in refused_.text
    clock.set(now + HOUR + timedelta(minutes=1))
    assert _send(browsers[planner], home, f"{home}/close").status_code == 303
    for party, actor in parties.items():
        path = f"{home}/reveals"
        assert "对不上" in _post(browsers[actor], home, path, party, secret="00" * 32)
        done = _send(browsers[actor], home, path, party=str(party), secret=secret[party])
        assert done.status_code == 303
    shown = client.get(home).text
    assert "中签了" in shown and f"/api/v1{home}/result.csv" in shown
    english = browsers[planner].get(home, headers={"Accept-Language": "en"}).text
    assert "Hash of the result" in english
    late = client.post(f"{home}/enter", data=_hidden(client.get("/me").text))
    assert late.status_code == 303  # whoever has entered may press again


def test_the_first_page_leads_to_the_draw_and_has_no_button_to_race_for(
    desk: Desk, app: Flask, clock: Clock, parties: dict[Party, Actor]
) -> None:
    fair = a_fair(desk.world)
    client, resident = app.test_client(), desk.world.resident()
    clock.set(fair.terms.opens_at)

    def shown(language: str = "zh-CN") -> str:
        page = client.get("/", headers={"Accept-Language": language}).text
        section = page[page.index('id="h-draws"') : page.index("</section>", page.index("h-draws"))]
        assert "/claim" not in section
        (ticket,) = [one for one in section.split("</article>") if str(fair.found.id) in one]
        return ticket

    assert "去报名摇号" in shown() and "Enter the draw" in shown("en")
    assert resident.id is not None
    client.set_cookie(
        Face.RESIDENT.cookie, issue(desk.core, Face.RESIDENT, resident.id).access_token
    )
    fair.enter([resident])
    assert "已报名" in shown()
    fair.draw()
    assert "中签了" in shown() and "给您留着" in shown()
    clock.set(fair.offer.window()[0])
    page = client.get("/").text
    assert f'action="/offers/{fair.offer.slug}/claim"' in page  # now it is theirs to take
    assert str(fair.found.id) not in page
    other = app.test_client()
    assert f'action="/offers/{fair.offer.slug}/claim"' not in other.get("/").text
    assert "中签的人才能领" in other.get("/").text


def _words(page: str) -> str:
    """What a page says, without the names of offers and the choice of language."""
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"<[^>]+>", " ", main).replace("通用券", "").replace("江城区", "")


def _hidden(text: str) -> dict[str, str]:
    return dict(HIDDEN.findall(text))


def _send(browser: FlaskClient, page: str, action: str, **typed: str) -> TestResponse:
    forms = re.findall(r"<form[^>]*>.*?</form>", browser.get(page).text, re.DOTALL)
    form = next(one for one in forms if f'action="{action}"' in one)
    return browser.post(action, data=_hidden(form) | typed)


def _post(browser: FlaskClient, page: str, action: str, party: Party, **typed: str) -> str:
    """The page that answers a form which the page itself may no longer offer."""
    data = _hidden(browser.get(page).text) | {"party": str(party)} | typed
    return browser.post(action, data=data).text


def _moment(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")
