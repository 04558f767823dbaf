"""What every face has: policy, language, choices, health, metrics, the API document."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

PAGES = ("/sign-in", "/kit", "/none")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_runs_only_our_scripts_and_styles(client: FlaskClient, path: str) -> None:
    page = client.get(path)
    policy = dict(
        part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == "'self'"
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "style=" not in page.text
    assert "<style" not in page.text
    assert " onclick" not in page.text
    assert "javascript:" not in page.text
    assert "data:" not in page.text
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("accepts", "language"),
    [
        (None, "zh-CN"),
        ("zh-TW,zh;q=0.8,en;q=0.5", "zh-CN"),
        ("en-US,en;q=0.9,zh;q=0.1", "en"),
        ("fr, de;q=0.5", "zh-CN"),
        ("fr, en;q=0.5", "en"),
    ],
)
def test_a_page_speaks_the_language_that_its_reader_accepts(
    client: FlaskClient, accepts: str | None, language: str
) -> None:
    page = client.get("/sign-in", headers={"Accept-Language": accepts} if accepts else {})
    assert page.headers["Content-Language"] == language
    assert f'<html lang="{language}"' in page.text


def test_the_readers_choices_stand_above_what_the_browser_says(client: FlaskClient) -> None:
    answer = client.post("/preferences", data={"lang": "en", "next": "/sign-in"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    client.post("/preferences", data={"theme": "dark", "mode": "elder"})
    page = client.get("/sign-in", headers={"Accept-Language": "zh-CN"})
    assert '<html lang="en" data-bs-theme="dark" data-mode="elder">' in page.text
    client.post("/preferences", data={"theme": "", "mode": ""})
    assert '<html lang="en">' in client.get("/sign-in").text
    client.post("/preferences", data={"lang": "fr"})
    assert '<html lang="zh-CN">' in client.get("/sign-in").text


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "", "/a\r\nX: y"]
)
def test_preferences_never_lead_to_another_site(client: FlaskClient, to: str) -> None:
    answer = client.post("/preferences", data={"lang": "en", "next": to})
    assert answer.headers["Location"] == "/"


def test_a_page_gives_its_browser_a_device_id_once(client: FlaskClient) -> None:
    def given(path: str) -> bool:
        return any("device=" in cookie for cookie in client.get(path).headers.getlist("Set-Cookie"))

    assert not given("/healthz")
    assert given("/sign-in")
    assert not given("/sign-in")


def test_health_is_of_the_process_and_readiness_of_its_servers(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    down = client.get("/readyz")
    assert down.status_code == 503
    assert down.json == {"status": "down", "database": "down", "gate": "down", "queue": "down"}


def test_metrics_name_route_templates_and_are_for_the_own_network(client: FlaskClient) -> None:
    client.get("/static/kit/none.css")
    text = client.get("/metrics").text
    assert 'route="/static/<path:name>",status="404"' in text
    outside = client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.114.7"})
    assert outside.status_code == 404


def test_the_api_document_names_guards_schemas_and_problems(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    assert document["openapi"] == "3.1.0"
    redeem = document["paths"]["/api/v1/orders"]["post"]
    assert redeem["security"] == [{"bearer": []}]
    assert "security" not in document["paths"]["/api/v1/sign-in"]["post"]
    amount = document["components"]["schemas"]["Order"]["properties"]["order_amount_fen"]
    assert (amount["type"], amount["minimum"]) == ("integer", 1)
    assert {"401", "403", "404", "409", "422", "503"} < set(redeem["responses"])
    assert "default" not in redeem["responses"]
    problem = document["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert list(problem) == ["application/problem+json"]


def test_assets_are_kept_for_ever_under_the_hash_of_their_content(
    app: Flask, client: FlaskClient
) -> None:
    with app.test_request_context():
        url = app.jinja_env.globals["asset"]("kit/phone.css")  # type: ignore[operator]
    answer = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert client.get("/static/kit/phone.css").headers["Cache-Control"] == "public, no-cache"
    assert client.get("/static/../app.py").status_code == 404
    assert client.get("/static/%2e%2e/app.py").status_code == 404


def test_two_apps_of_one_face_live_side_by_side(app: Flask, client: FlaskClient) -> None:
    from tests.web.example_face.app import create_app

    other = create_app(app.extensions["voucher"].core)
    assert other.test_client().get("/healthz").status_code == client.get("/healthz").status_code
