"""Applications for the subsidy of a car over HTTP: papers that are refused, answers, a notice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import NOON
from tests.make import World
from tests.services.applicants import photo
from tests.services.car_applicants import approved, filled, new_car, submitted
from tests.services.car_pools import car_pools
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import Clock
from voucher_service.resident.app import create_app
from voucher_service.resident.examples import EXAMPLES
from voucher_service.tradein.applications import service
from voucher_service.tradein.applications.model import EVIDENCE, EvidenceKind
from voucher_service.tradein.policy import Scheme
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

API = "/api/v1/trade-in/applications"


@pytest.fixture(scope="module")
def autumn(core: Core) -> World:
    """A city in September 2026, when the policies of that year are in force."""
    return World(with_clock(core, Clock(NOON)))


@pytest.fixture(scope="module")
def app(autumn: World) -> Flask:
    return create_app(autumn.core)


def signed_in(app: Flask, world: World, who: Actor) -> FlaskClient:
    """A client that speaks for a resident."""
    assert who.id is not None
    client = app.test_client()
    token = issue(world.core, Face.RESIDENT, who.id).access_token
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def hands_in(client: FlaskClient, application: object, data: bytes) -> TestResponse:
    """The front of an id card, as these bytes."""
    return client.put(
        f"{API}/{application}/evidence/id_front", data=data, content_type="image/jpeg"
    )


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"<html><script>alert(1)</script></html>", 422, "file_refused"),
        (photo()[:200], 422, "file_damaged"),
        (b"", 422, "file_refused"),
        (b"\xff\xd8" + b"0" * 5_242_880, 422, "file_too_large"),
        (b"0" * 6_000_000, 413, "body_too_large"),
    ],
)
def test_a_paper_that_is_none_is_refused_and_the_old_one_stays(
    app: Flask, autumn: World, data: bytes, status: int, code: str
) -> None:
    who = filled(autumn.core, autumn.resident())
    client = signed_in(app, autumn, who.actor)
    answer = hands_in(client, who.application, data)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    kept = service.evidence_of(
        autumn.core,
        actor=who.actor,
        application=who.application,
        kind=EvidenceKind.ID_FRONT,
    )
    assert kept.media_type == "image/jpeg"
    assert hands_in(client, who.application, photo()).status_code == 200


def test_a_car_is_applied_for_by_calls_alone_as_the_examples_show(
    app: Flask, autumn: World
) -> None:
    resident = autumn.resident()
    car_pools(autumn.core)
    client = signed_in(app, autumn, resident)
    one = f"{API}/{{id}}"

    def sends(call: str, **more: Any) -> dict[str, Any]:
        """What is answered to a call of the example, which has the same fields."""
        method, path = call.split()
        example = EXAMPLES[call]
        if "data" not in more:
            more["json"] = example.request or {}
        answer = client.open(path.replace("{id}", id), method=method, **more)
        assert answer.status_code in (200, 201), answer.get_json()
        told: dict[str, Any] = answer.get_json()
        assert told.keys() == (example.answer or {}).keys()
        return told

    id = ""
    id = sends(f"POST {API}")["id"]
    for part in ("new-car", "old-car", "card"):
        sends(f"PUT {one}/{part}")
    for kind in EVIDENCE[Scheme.CAR_SCRAP]:
        path = f"{API}/{id}/evidence/{kind}"
        assert client.put(path, data=photo(), content_type="image/jpeg").status_code == 200
    done = sends(f"POST {one}/submit", headers={"Idempotency-Key": "walk"})
    assert (done["status"], done["subsidy_fen"], done["missing"]) == ("submitted", 1_545_600, [])
    found = client.get(f"{API}/{id}").get_json()
    assert found["application"] == done
    assert found["application"]["due_on"] == "2026-09-26"


def test_who_asks_is_told_what_is_against_it_and_why(app: Flask, autumn: World) -> None:
    bus = replace(new_car(""), seats=10)
    who = filled(autumn.core, autumn.resident(), new=bus)
    client = signed_in(app, autumn, who.actor)
    told = client.get(f"{API}/{who.application}").get_json()
    assert told["expected_fen"] == 1_545_600
    assert told["application"]["missing"] == []
    assert told["findings"] == [
        {
            "what": "vehicle_excluded",
            "part": "new_car",
            "against": True,
            "text": "只补 9 座及以下的小型、微型载客汽车。",
        }
    ]
    assert who.actor.id is not None
    token = issue(autumn.core, Face.RESIDENT, who.actor.id).access_token
    client.set_cookie(Face.RESIDENT.cookie, token)
    page = client.get(f"/trade-in/applications/{who.application}").text
    assert "只补 9 座及以下" in page and "按规则可补" not in page
    refused = client.post(f"{API}/{who.application}/submit", headers={"Idempotency-Key": "one"})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "application_ineligible")


def test_one_key_hands_in_once_and_none_hands_nothing_in(app: Flask, autumn: World) -> None:
    who = filled(autumn.core, autumn.resident())
    client = signed_in(app, autumn, who.actor)
    path = f"{API}/{who.application}/submit"
    assert client.post(path).get_json()["code"] == "idempotency_key_missing"
    first, again = (client.post(path, headers={"Idempotency-Key": "a-key"}) for _ in range(2))
    assert first.get_json() == again.get_json()
    assert first.get_json()["status"] == "submitted"
    assert again.headers["Idempotency-Replayed"] == "true"


def test_no_answer_tells_a_name_a_plate_or_a_card(app: Flask, autumn: World) -> None:
    who, found = submitted(autumn.core, autumn.resident())
    client = signed_in(app, autumn, who.actor)
    for path in ("", f"/{found.id}"):
        text = client.get(API + path).get_data(as_text=True)
        assert who.name not in text
        assert "622848" not in text


def test_the_notice_is_read_by_everybody(app: Flask, autumn: World) -> None:
    who = approved(autumn)
    client = app.test_client()
    (line,) = client.get("/api/v1/trade-in/notice").get_json()["items"]
    assert (line["name"], line["subsidy_fen"]) == (f"{who.name[0]}*", 1_545_600)
    assert (line["since"], line["until"]) == ("2026-09-23", "2026-09-27")
    page = client.get("/trade-in/notice").get_data(as_text=True)
    assert f"{who.name[0]}*" in page
    assert who.name not in page
