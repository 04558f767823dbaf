"""Tills of merchants' own systems: they sign each request, and nobody else gets in that way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from merchant_portal.app import create_app
from tests.faces.own_till import OwnTill, manager_of, public
from tests.make import World
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import CashierStatus
from voucher_service.tills import service as tills
from voucher_service.tills.model import PublicKeyTaken, TillKeyLimit

ME, REDEEM = "/api/v1/me", "/api/v1/redemptions"


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """满100减20, enough for all tests here."""
    return world.offer(world.plan(quota=100))


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    """The merchant face."""
    return create_app(core)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A till's connection."""
    return app.test_client()


@pytest.fixture
def till(client: FlaskClient, world: World) -> OwnTill:
    """A till of a new shop."""
    return OwnTill(client, world)


def refused(answer: TestResponse, code: str) -> None:
    """A 401 with this code and a next step."""
    assert (answer.status_code, answer.json["code"]) == (401, code), answer.json
    assert "请" in answer.json["detail"]
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="voucher"'


def order(world: World, offer: Offer) -> dict[str, object]:
    """A bill with a fresh code."""
    code = world.code(world.claim(offer))
    return {"code": code, "order_amount_fen": 12_800, "order_reference": uuid4().hex}


def test_a_till_redeems_with_its_signature(till: OwnTill, world: World, offer: Offer) -> None:
    body, key = order(world, offer), uuid4().hex
    answer = till.post(REDEEM, body, key=key)
    assert answer.status_code == 201, answer.json
    assert answer.json["cashier_id"] == str(till.key.cashier_id)
    again = till.post(REDEEM, body, key=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    found = till.get(f"{REDEEM}?order_reference={body['order_reference']}")
    assert [one["id"] for one in found.json["items"]] == [answer.json["id"]]


def test_a_till_is_a_cashier_without_a_password(till: OwnTill) -> None:
    desk = till.get(ME).json
    assert (desk["role"], desk["display_name"]) == ("cashier", "1 号收银机")
    assert desk["username"].startswith("pos-")
    for password in ("", "demo-only-" + desk["username"]):
        body = {"username": desk["username"], "password": password}
        assert till.client.post("/api/v1/sign-in", json=body).status_code in {401, 422}


def test_a_nonce_counts_once(till: OwnTill) -> None:
    headers = till.headers("GET", ME)
    assert till.client.get(ME, headers=headers).status_code == 200
    refused(till.client.get(ME, headers=headers), "signature_replayed")


def test_a_nonce_counts_again_after_ten_minutes(till: OwnTill, world: World) -> None:
    headers = till.headers("GET", ME)
    assert till.client.get(ME, headers=headers).status_code == 200
    late = with_clock(world.core, Clock(world.now() + timedelta(minutes=11)))
    assert tills.forget(late) >= 1
    assert till.client.get(ME, headers=headers).status_code == 200


def test_old_and_early_signatures_are_refused_with_our_time(till: OwnTill) -> None:
    for ago in (62, -62, 3600):
        answer = till.get(ME, ago=ago)
        refused(answer, "signature_expired")
        assert answer.json["server_time"]
    assert till.get(ME, ago=50).status_code == 200


def test_each_wrong_signature_has_its_refusal(till: OwnTill, client: FlaskClient) -> None:
    refused(till.get(ME, tag="voucher-webhook"), "signature_invalid")
    refused(client.get(ME, headers={"Signature-Input": "a=()"}), "signature_missing")
    assert client.get(ME).json["code"] == "token_missing"
    body = json.dumps({"code": "1"}).encode()
    made = till.headers("POST", REDEEM, body, **{"Idempotency-Key": "one"})
    sent = made | {"Content-Type": "application/json"}
    refused(client.post(REDEEM, data=body + b" ", headers=sent), "digest_mismatch")
    other = sent | {"Idempotency-Key": "two"}
    refused(client.post(REDEEM, data=body, headers=other), "signature_invalid")
    refused(client.get(f"{ME}?x=1", headers=till.headers("GET", ME)), "signature_invalid")


def test_the_address_is_signed_as_it_is_spelled(till: OwnTill) -> None:
    for reference in ("a%20b", "%E5%8D%95", "a+b", "1%2F2"):
        assert till.get(f"{REDEEM}?order_reference={reference}").status_code in {200, 422}


def test_behind_a_proxy_the_public_address_is_what_counts(till: OwnTill, core: Core) -> None:
    pos = replace(core.settings.pos, origin="https://pos.yangjiang.example/")
    there = replace(core, settings=replace(core.settings, pos=pos))
    there.__dict__.update({"engine": core.engine, "gate": core.gate})
    client = create_app(there).test_client()
    headers = till.headers("GET", ME)
    refused(client.get(ME, headers=headers), "signature_invalid")
    from voucher_service.infra import signatures
    from voucher_service.infra.signatures import Message
    from voucher_service.tills.model import TAG

    made = signatures.sign(
        Message("GET", f"https://pos.yangjiang.example{ME}", {}),
        tag=TAG,
        key=till.private,
        key_id=str(till.key.id),
        now=till.world.now(),
    )
    assert client.get(ME, headers=made).status_code == 200


def test_a_signature_opens_no_page(till: OwnTill) -> None:
    answer = till.client.get("/shop", headers=till.headers("GET", "/shop"))
    assert answer.status_code == 303


def test_a_revoked_key_counts_from_the_next_request_on(till: OwnTill, world: World) -> None:
    assert till.get(ME).status_code == 200
    tills.revoke(world.core, actor=till.manager, key=till.key.id)
    refused(till.get(ME), "key_unknown")


def test_a_till_whose_account_is_closed_is_unknown(till: OwnTill, world: World) -> None:
    closed = merchants.close_cashier(world.core, actor=till.manager, cashier=till.key.cashier_id)
    assert closed.status is CashierStatus.CLOSED
    refused(till.get(ME), "key_unknown")


def test_keys_are_rotated_two_at_a_time(till: OwnTill, world: World) -> None:
    second = Ed25519PrivateKey.generate()
    added = tills.add_key(
        world.core, actor=till.manager, till=till.key.cashier_id, public_key=public(second)
    )
    assert till.get(ME).status_code == 200  # the old one counts until it is revoked
    with pytest.raises(TillKeyLimit):
        tills.add_key(
            world.core,
            actor=till.manager,
            till=till.key.cashier_id,
            public_key=public(Ed25519PrivateKey.generate()),
        )
    tills.revoke(world.core, actor=till.manager, key=till.key.id)
    till.private, till.key = second, added
    assert till.get(ME).status_code == 200
    (own,) = tills.tills(world.core, actor=till.manager)
    assert [key.active for key in own.keys] == [True, False]
    assert own.keys[0].last_used_at is not None


def test_a_key_is_one_tills(till: OwnTill, world: World) -> None:
    stranger = manager_of(world, world.cashier())
    with pytest.raises(PublicKeyTaken):
        tills.register(world.core, actor=stranger, name="2 号", public_key=public(till.private))
    assert tills.tills(world.core, actor=stranger) == []


def test_only_the_shops_own_manager_manages_its_tills(till: OwnTill, world: World) -> None:
    stranger, cashier = manager_of(world, world.cashier()), world.cashier()
    with pytest.raises(NoSuchThing):
        tills.revoke(world.core, actor=stranger, key=till.key.id)
    with pytest.raises(NoSuchThing):
        tills.add_key(
            world.core,
            actor=stranger,
            till=till.key.cashier_id,
            public_key=public(Ed25519PrivateKey.generate()),
        )
    with pytest.raises(NotAllowed):
        tills.tills(world.core, actor=cashier)
