"""Refusals and failures, as APIs and as readers get them."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

Headers = dict[str, str]
ORDER = {"code": "A1", "order_amount_fen": 12_800}


def test_a_refusal_says_what_happened_what_became_of_the_voucher_and_what_to_do(
    client: FlaskClient, bearer: Headers
) -> None:
    answer = client.post("/api/v1/orders", json=ORDER | {"order_amount_fen": 8_350}, headers=bearer)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert answer.json == {
        "type": "urn:voucher:error:below_threshold",
        "title": "内容要改一下",
        "status": 422,  # `extra` never overrides a standard member
        "code": "below_threshold",
        "detail": "没核销。订单 ¥83.50，这张券要满 ¥100。券没有用掉。"
        "请顾客加购 ¥16.50 再扫，或照常收款。",
        "gap_fen": 1_650,
    }


def test_what_is_gone_for_good_is_410(client: FlaskClient, bearer: Headers) -> None:
    answer = client.post("/api/v1/orders", json=ORDER | {"code": "expired"}, headers=bearer)
    assert (answer.status_code, answer.json["code"]) == (410, "voucher_expired")


def test_a_lost_server_is_503_with_retry_after_and_names_no_host(
    client: FlaskClient, bearer: Headers
) -> None:
    answer = client.post("/api/v1/orders", json=ORDER | {"code": "gate-away"}, headers=bearer)
    assert (answer.status_code, answer.json["code"]) == (503, "try_again")
    assert answer.headers["Retry-After"] == "1"
    assert "secret" not in answer.text


def test_an_unexpected_failure_is_a_problem_and_its_log_line_names_nobody(
    client: FlaskClient, bearer: Headers, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = client.post("/api/v1/orders", json=ORDER | {"code": "bug"}, headers=bearer)
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    logged = capfd.readouterr().err
    assert "13800000000" not in logged
    assert "林小姐" not in logged
    lines = [json.loads(line) for line in logged.splitlines()]
    assert any(line["event"] == "unexpected" and line["error"] == "RuntimeError" for line in lines)
    assert {line["request_id"] for line in lines} == {answer.headers["X-Request-Id"]}


@pytest.mark.parametrize(
    "body",
    [b"{", b"[1,]", b'{"a": NaN}', b'{"code": "A", "code": "B"}', b"\xff\xfe", b"[" * 60_000],
)
def test_malformed_json_is_400(client: FlaskClient, bearer: Headers, body: bytes) -> None:
    answer = client.post(
        "/api/v1/orders", data=body, content_type="application/json", headers=bearer
    )
    assert (answer.status_code, answer.json["code"]) == (400, "malformed_json")


def test_a_body_of_another_type_is_415(client: FlaskClient, bearer: Headers) -> None:
    answer = client.post(
        "/api/v1/orders", data=b"code=A", headers=bearer, content_type="text/plain"
    )
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (ORDER | {"surprise": 1}, "surprise"),
        ({"code": "A1"}, "order_amount_fen"),
        (ORDER | {"order_amount_fen": "12800"}, "order_amount_fen"),
        (ORDER | {"order_amount_fen": 128.0}, "order_amount_fen"),
        (ORDER | {"order_amount_fen": True}, "order_amount_fen"),
        (ORDER | {"order_amount_fen": -1}, "order_amount_fen"),
        (ORDER | {"order_amount_fen": 10**30}, "order_amount_fen"),
        (ORDER | {"code": "Ａ１"}, "code"),
        (ORDER | {"buyer": "林\u0000"}, "buyer"),
        (ORDER | {"buyer": "林🙂"}, "buyer"),
        (ORDER | {"buyer": "\ud800"}, "buyer"),
        (ORDER | {"buyer": "林" * 101}, "buyer"),
        (ORDER | {"on": "2026-02-30"}, "on"),
        (ORDER | {"on": "20260203"}, "on"),
        (ORDER | {"at": "2026-02-03T10:00:00+08:00"}, "at"),
    ],
)
def test_a_wrong_field_is_422_and_named(
    client: FlaskClient, bearer: Headers, body: dict[str, object], field: str
) -> None:
    text = json.dumps(body)
    answer = client.post(
        "/api/v1/orders", data=text, headers=bearer, content_type="application/json"
    )
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert list(answer.json["errors"]) == [field]
    assert not answer.json["errors"][field][0].isascii()


def test_errors_of_fields_are_said_in_english_too(client: FlaskClient, bearer: Headers) -> None:
    answer = client.post(
        "/api/v1/orders", json={}, headers=bearer | {"Accept-Language": "en-GB,en;q=0.9"}
    )
    assert answer.headers["Content-Language"] == "en"
    assert answer.json["errors"]["code"][0].isascii()
    assert answer.json["detail"].isascii()


def test_a_mistyped_query_is_refused_rather_than_ignored(
    client: FlaskClient, bearer: Headers
) -> None:
    answer = client.get("/api/v1/orders?limits=3", headers=bearer)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["limits"])


def test_a_big_body_is_413_even_where_nobody_reads_it(client: FlaskClient, bearer: Headers) -> None:
    answer = client.post(
        "/api/v1/orders", data=b"x" * 10_000_000, headers=bearer, content_type="application/json"
    )
    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")


def test_405_keeps_allow(client: FlaskClient, bearer: Headers) -> None:
    answer = client.delete("/api/v1/orders", headers=bearer)
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_who_reloads_a_refused_form_is_led_to_the_page_it_stood_on(client: FlaskClient) -> None:
    for form in ("/preferences", "/sign-out?x=1"):
        answer = client.get(form)
        assert (answer.status_code, answer.location) == (303, "/")


def test_an_unknown_address_is_a_problem_for_an_api_and_a_page_for_a_reader(
    client: FlaskClient,
) -> None:
    assert client.get("/api/v1/none").json["code"] == "not_found"
    page = client.get("/none", headers={"Accept-Language": "en"})
    assert page.status_code == 404
    assert page.mimetype == "text/html"
    assert "not_found" in page.text
    assert '<html lang="en"' in page.text


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency_key_missing"),
        ("a b", "idempotency_key_malformed"),
        ("x" * 129, "idempotency_key_malformed"),
    ],
)
def test_an_idempotency_key_is_asked_for(
    client: FlaskClient, bearer: Headers, key: str | None, code: str
) -> None:
    headers = {"Authorization": bearer["Authorization"]} | ({"Idempotency-Key": key} if key else {})
    answer = client.post("/api/v1/orders", json=ORDER, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_a_repeated_answer_says_so(client: FlaskClient, bearer: Headers) -> None:
    first = client.post("/api/v1/orders", json=ORDER, headers=bearer)
    again = client.post("/api/v1/orders", json=ORDER, headers=bearer | {"Idempotency-Key": "again"})
    assert first.status_code == again.status_code == 201
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
