"""Who may call what: tokens, cookies, guards and the hidden field of forms."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.example_face.people import CASHIER, FINANCE, GONE, SESSION
from voucher_service.infra.core import Core
from voucher_service.web.app import refuse_unguarded
from voucher_service.web.auth import signed
from voucher_service.web.evidence import browser, evidence
from voucher_service.web.face import Face
from voucher_service.web.guards import PUBLIC

Headers = dict[str, str]


def ask(client: FlaskClient, token: str | None, path: str = "/api/v1/orders") -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    answer = client.get(path, headers=headers)
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    return answer.status_code, (answer.json or {}).get("code", "")


def claims(**changed: object) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "iss": "voucher",
        "aud": "merchant",
        "sub": str(CASHIER),
        "iat": now,
        "exp": now + timedelta(hours=1),
        "jti": "1",
    } | changed


def test_a_call_without_a_token_is_refused(client: FlaskClient) -> None:
    assert ask(client, None) == (401, "token_missing")


def test_a_token_lets_its_account_in(client: FlaskClient, bare_core: Core) -> None:
    token = signed(bare_core, Face.MERCHANT, CASHIER, session=SESSION)
    assert token.expires_in_seconds == bare_core.settings.sign_in.token_ttl_seconds
    assert ask(client, token.access_token) == (200, "")


def test_a_token_of_another_face_is_refused(client: FlaskClient, bare_core: Core) -> None:
    token = signed(bare_core, Face.RESIDENT, CASHIER, session=SESSION).access_token
    assert ask(client, token) == (401, "token_invalid")


def test_a_token_without_signature_is_refused(client: FlaskClient) -> None:
    def part(value: dict[str, object]) -> str:
        return (
            base64.urlsafe_b64encode(json.dumps(value, default=str).encode()).decode().rstrip("=")
        )

    body = claims(exp=4_102_444_800, iat=1)
    for algorithm in ("none", "None", "nOnE"):
        token = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(body)}."
        assert ask(client, token) == (401, "token_invalid")


def test_an_expired_token_is_told_from_a_false_one(client: FlaskClient, bare_core: Core) -> None:
    key = bare_core.settings.secrets.token_key
    old = jwt.encode(claims(exp=datetime.now(UTC) - timedelta(seconds=1)), key, "HS256")
    assert ask(client, old) == (401, "token_expired")
    forged = jwt.encode(claims(), "x" * 32, "HS256")
    assert ask(client, forged) == (401, "token_invalid")


@pytest.mark.parametrize("name", ["exp", "iat", "sub", "jti", "aud", "iss"])
def test_a_token_that_lacks_a_claim_is_refused(
    client: FlaskClient, bare_core: Core, name: str
) -> None:
    body = {key: value for key, value in claims().items() if key != name}
    token = jwt.encode(body, bare_core.settings.secrets.token_key, "HS256")
    assert ask(client, token) == (401, "token_invalid")


def test_a_token_of_an_account_that_is_gone_is_refused(
    client: FlaskClient, bare_core: Core
) -> None:
    for subject in (GONE, UUID(int=9)):
        token = signed(bare_core, Face.MERCHANT, subject, session=SESSION).access_token
        assert ask(client, token) == (401, "token_invalid")


def test_a_role_is_asked_for(client: FlaskClient, bare_core: Core) -> None:
    cashier, finance = (
        signed(bare_core, Face.MERCHANT, who, session=SESSION).access_token
        for who in (CASHIER, FINANCE)
    )
    assert ask(client, cashier, "/api/v1/books") == (403, "not_allowed")
    assert ask(client, finance, "/api/v1/books") == (200, "")


def test_an_api_does_not_read_the_cookie_and_a_page_not_the_header(
    client: FlaskClient, bare_core: Core
) -> None:
    token = signed(bare_core, Face.MERCHANT, CASHIER, session=SESSION).access_token
    assert client.get("/desk", headers={"Authorization": f"Bearer {token}"}).status_code == 303
    client.set_cookie("voucher_merchant", token)
    assert ask(client, None) == (401, "token_missing")
    assert client.get("/desk").status_code == 200


def test_a_reader_who_is_not_signed_in_is_led_to_sign_in_and_back(client: FlaskClient) -> None:
    answer = client.get("/desk?day=2026-09-23")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in?next=%2Fdesk%3Fday%3D2026-09-23"


def test_whose_session_is_over_comes_back_to_the_page_of_the_form_and_is_told(
    client: FlaskClient,
) -> None:
    answer = client.post("/desk", data={"amount": "128"})
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=%2Fdesk&again=yes")


def test_a_part_of_a_page_is_never_a_door_inside_of_it(client: FlaskClient) -> None:
    answer = client.get("/desk", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.text) == (401, "")
    assert answer.headers["HX-Refresh"] == "true", "the page loads itself again"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client: FlaskClient) -> None:
    cookie = client.post("/sign-in").headers["Set-Cookie"]
    assert cookie.startswith("voucher_merchant=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_form_is_taken_with_the_hidden_field_of_its_session_only(client: FlaskClient) -> None:
    client.post("/sign-in")
    page = client.get("/desk").text
    token = re.search(r'name="csrf_token" value="([0-9a-f]{32})"', page)
    assert token
    for wrong in ({}, {"csrf_token": "0" * 32}, {"csrf_token": "令牌"}):
        refused = client.post("/desk", data={"amount": "128"} | wrong)
        assert refused.status_code == 403
        assert "form_expired" in refused.text
    taken = client.post("/desk", data={"amount": "¥1,128.5", "csrf_token": token[1]})
    assert taken.status_code == 200
    assert "¥1,128.50" in taken.text


def test_a_form_that_another_site_sends_is_refused(client: FlaskClient) -> None:
    answer = client.post("/sign-in", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_a_wrong_form_comes_back_with_what_was_typed_and_links_to_the_field(
    client: FlaskClient,
) -> None:
    client.post("/sign-in")
    token = re.search(r'name="csrf_token" value="([0-9a-f]{32})"', client.get("/desk").text)
    assert token
    page = client.post("/desk", data={"amount": "<一百>", "csrf_token": token[1]})
    assert page.status_code == 422
    assert "&lt;一百&gt;" in page.text
    assert 'href="#f-amount"' in page.text
    assert 'aria-invalid="true"' in page.text


def test_a_route_without_a_guard_can_not_be_served(app: Flask) -> None:
    loose = Flask("loose")
    loose.add_url_rule("/loose", "loose.page", lambda: "")
    with pytest.raises(ValueError, match="no guard for"):
        refuse_unguarded(loose, {"front": PUBLIC})


def test_evidence_holds_no_address_and_no_agent_in_clear(app: Flask) -> None:
    for address, prefix in (
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
    ):
        with app.test_request_context(
            environ_base={"REMOTE_ADDR": address},
            headers={"User-Agent": "Phone 7", "X-Device-Id": "device-0123456789"},
        ):
            found = evidence()
        assert found.address_prefix == prefix
        assert found.device_id == "device-0123456789"
        assert found.agent_hash
        assert "Phone" not in found.agent_hash
    with app.test_request_context(headers={"X-Device-Id": "; drop"}):
        assert evidence().device_id is None


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/149.0 Safari/537.36", "Chrome, Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/149.0 Safari/537.36 Edg/149.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/149.0 Mobile", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15) Firefox/140.0", "Firefox, macOS"),
        ("curl/8.9", "curl"),
        ("<script>", ""),
    ],
)
def test_a_session_names_its_browser_as_people_know_it(agent: str, shown: str) -> None:
    assert browser(agent) == shown
