"""Signing out: a cashier's token ends with the session, a resident may end all devices at once."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient

from merchant_portal.app import create_app as create_merchant
from tests.make import World
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.resident.app import create_app as create_resident
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


def browser(core: Core, app: Flask, face: Face, who: Actor) -> FlaskClient:
    """A browser in which somebody is signed in."""
    assert who.id is not None
    client = app.test_client()
    client.set_cookie(face.cookie, issue(core, face, who.id).access_token)
    return client


def post(client: FlaskClient, path: str, *, on: str, **typed: str) -> None:
    """Press a button of a page."""
    found = re.search(r'name="csrf_token" value="(\w+)"', client.get(on).text)
    assert found
    assert client.post(path, data={"csrf_token": found[1]} | typed).status_code == 303


def signed_in(client: FlaskClient, path: str) -> bool:
    """Whether a page of one's own opens."""
    return client.get(path).status_code == 200


def test_a_cashiers_cookie_opens_nothing_after_signing_out(core: Core, world: World) -> None:
    till = browser(core, create_merchant(core), Face.MERCHANT, world.cashier())
    kept = till.get_cookie(Face.MERCHANT.cookie)
    assert kept is not None
    assert signed_in(till, "/")
    post(till, "/sign-out", on="/shop")
    till.set_cookie(Face.MERCHANT.cookie, kept.value)
    assert not signed_in(till, "/")


def test_a_cashier_signs_out_on_every_machine(core: Core, world: World) -> None:
    app, cashier = create_merchant(core), world.cashier()
    here, lost = (browser(core, app, Face.MERCHANT, cashier) for _ in range(2))
    other = browser(core, app, Face.MERCHANT, world.cashier())
    post(here, "/sign-out", on="/shop", everywhere="yes")
    assert not signed_in(lost, "/")
    assert signed_in(other, "/")


def test_a_resident_signs_out_of_every_device_at_once(core: Core, world: World) -> None:
    app, resident = create_resident(core), world.resident()
    phone, lost = (browser(core, app, Face.RESIDENT, resident) for _ in range(2))
    other = browser(core, app, Face.RESIDENT, world.resident())
    assert signed_in(lost, "/me")
    post(phone, "/sign-out/everywhere", on="/me")
    assert not signed_in(lost, "/me")
    assert signed_in(other, "/me")
    again = browser(core, app, Face.RESIDENT, resident)
    assert signed_in(again, "/me")
