"""Two steps, reversal and who else takes something off, as a till's vendor uses the API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from merchant_portal.app import create_app
from tests.faces.test_merchant_api import URL, Till, spare_code, told
from tests.make import World
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.vouchers.model import Voucher


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """满100减20, enough for all tests here."""
    return world.offer(world.plan(quota=100))


@pytest.fixture(scope="module")
def client(core: Core) -> FlaskClient:
    """A till's connection."""
    return create_app(core).test_client()


@pytest.fixture
def till(client: FlaskClient, world: World) -> Till:
    """A till of a new shop."""
    return Till(client, world)


@pytest.fixture
def voucher(world: World, offer: Offer) -> Voucher:
    """A claimed voucher of it."""
    return world.claim(offer)


def test_two_steps_freeze_then_commit_or_cancel(till: Till, world: World, offer: Offer) -> None:
    first, second = world.claim(offer), world.claim(offer)
    body = {"order_amount_fen": 12_800, "order_reference": "S-1", "code": world.code(first)}
    held = till.send(body, key="s1", to="/freeze")
    assert held.status_code == 201 and held.json
    assert (held.json["status"], held.json["payable_fen"]) == ("frozen", 10_800)
    assert datetime.fromisoformat(held.json["freeze_expires_at"]) > datetime.now(UTC)
    done = till.step(held.json["id"], "commit")
    assert done.status_code == 200 and done.json
    assert done.json["status"] == "committed" and "Idempotency-Replayed" not in done.headers
    again = till.step(held.json["id"], "commit")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (done.json, "true")
    assert told(till.step(held.json["id"], "cancel")) == (409, "already_committed")
    other = till.send(
        body | {"order_reference": "S-2", "code": world.code(second)}, to="/freeze"
    ).json
    assert other and till.step(other["id"], "cancel").json["status"] == "cancelled"  # type: ignore[index]
    assert told(till.step(other["id"], "commit")) == (409, "redemption_over")
    keyless = till.client.post(f"{URL}/{other['id']}/commit", headers=till.headers)
    assert told(keyless) == (400, "idempotency_key_missing")


def test_a_reversal_is_found_again_and_a_late_original_is_refused(
    till: Till, world: World, voucher: Voucher
) -> None:
    done = till.redeem(world.code(voucher), order_reference="R-1").json
    undo = {"order_reference": "R-1", "reason": "没收到回复"}
    first = till.send(undo, to="/reverse")
    assert first.status_code == 200 and first.json and done
    assert (first.json["id"], first.json["status"]) == (done["id"], "reversed")
    again = till.send(undo, to="/reverse")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    buried = till.send(undo | {"order_reference": "R-2"}, to="/reverse").json
    assert buried and (buried["status"], buried["voucher_id"]) == ("refused", None)
    assert till.get(f"{URL}?order_reference=R-2").json == {"items": [buried], "next": None}
    late = till.redeem(spare_code(world, voucher), order_reference="R-2")
    assert told(late) == (409, "order_refused")
    assert till.redeem(spare_code(world, voucher), order_reference="R-3").status_code == 201


def test_an_order_says_who_else_takes_something_off(
    till: Till, world: World, voucher: Voucher
) -> None:
    others = [{"payer": "bank", "amount_fen": 800}, {"payer": "merchant", "amount_fen": 500}]
    place = {"latitude": 21.86, "longitude": 111.98, "accuracy_m": 30}
    done = till.redeem(world.code(voucher), discounts=others, position=place).json
    assert done and (done["payable_fen"], done["paid_fen"]) == (10_800, 10_000)
    assert done["discounts"] == others
    too_much = [{"payer": "platform", "amount_fen": 10_801}]
    again = till.redeem(world.code(world.claim(world.offer())), discounts=too_much)
    assert told(again) == (422, "discounts_exceed_order")


def test_the_document_lists_every_call(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    assert document and set(document["paths"]) >= {
        "/api/v1/sign-in",
        "/api/v1/me",
        "/api/v1/redemptions",
        "/api/v1/redemptions/freeze",
        "/api/v1/redemptions/reverse",
        "/api/v1/redemptions/{redemption_id}",
        "/api/v1/redemptions/{redemption_id}/cancel",
        "/api/v1/redemptions/{redemption_id}/commit",
        "/api/v1/summary",
    }
