"""Where only enrolled devices may redeem: every way to spend is closed, and only those."""

from __future__ import annotations

from uuid import uuid4

import pytest
from flask import Flask

from merchant_portal.app import create_app
from tests.faces.own_till import OwnTill
from tests.make import World
from tests.services.shops import Chain
from voucher_service.campaigns.model import Offer
from voucher_service.kernel.actor import Actor
from voucher_service.merchants import service as merchants
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

REDEEM = "/api/v1/redemptions"


@pytest.fixture(scope="module")
def app(world: World) -> Flask:
    """The merchant face."""
    return create_app(world.core)


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """满100减20."""
    return world.offer(world.plan(quota=50))


@pytest.fixture(scope="module")
def chain(world: World) -> Chain:
    """A merchant that lets only its one enrolled device redeem."""
    made = Chain(world)
    merchants.enrol_here(
        made.core,
        actor=made.manager,
        session=made.session(made.manager),
        shop=made.main,
        name="店长手机",
        agent="",
    )
    merchants.require_devices(made.core, actor=made.manager, required=True)
    return made


def bill(world: World, offer: Offer) -> dict[str, object]:
    """A fresh code on an order."""
    code = world.code(world.claim(offer))
    return {"code": code, "order_amount_fen": 12_800, "order_reference": uuid4().hex}


def ask(app: Flask, chain: Chain, who: Actor, path: str, body: object) -> tuple[int, str]:
    """A call of the API in a session without a device."""
    assert who.id
    token = issue(chain.core, Face.MERCHANT, who.id).access_token
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
    answer = app.test_client().post(path, headers=headers, json=body)
    return answer.status_code, answer.get_json().get("code", "")


@pytest.mark.parametrize("path", [REDEEM, f"{REDEEM}/freeze"])
def test_neither_one_step_nor_two_are_open_to_other_devices(
    app: Flask, chain: Chain, world: World, offer: Offer, path: str
) -> None:
    for who in (chain.actor(chain.hire()), chain.manager):
        told = ask(app, chain, who, path, bill(world, offer))
        assert told == (403, "device_not_enrolled")


def test_what_was_frozen_elsewhere_is_committed_at_an_enrolled_device_only(
    app: Flask, chain: Chain, world: World, offer: Offer
) -> None:
    till = OwnTill(app.test_client(), world, chain.manager)
    frozen = till.post(f"{REDEEM}/freeze", bill(world, offer)).get_json()
    told = ask(app, chain, chain.manager, f"{REDEEM}/{frozen['id']}/commit", {})
    assert told == (403, "device_not_enrolled")
    assert till.post(f"{REDEEM}/{frozen['id']}/commit", {}).get_json()["status"] == "committed"


def test_a_shops_own_system_is_not_concerned(
    app: Flask, chain: Chain, world: World, offer: Offer
) -> None:
    till = OwnTill(app.test_client(), world, chain.manager)
    assert till.post(REDEEM, bill(world, offer)).status_code == 201


def test_reading_is_open_from_everywhere(app: Flask, chain: Chain) -> None:
    who = chain.actor(chain.hire())
    assert who.id
    token = issue(chain.core, Face.MERCHANT, who.id).access_token
    client = app.test_client()
    for path in ("/api/v1/me", "/api/v1/summary", REDEEM):
        answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, path
