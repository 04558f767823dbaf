"""The browser of a shop's manager, as settlement's tests need it."""

from __future__ import annotations

from uuid import UUID, uuid4

from flask.testing import FlaskClient

from merchant_portal.app import create_app as create_merchant
from tests.settlement.offices import Office
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.ids import CashierId
from voucher_service.merchants import service as merchants
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


def manager_of(office: Office, till: Actor) -> UUID:
    """A manager of the till's shop."""
    core, name = office.world.core, f"m-{uuid4().hex[:8]}"
    with core.transaction() as session:
        at = merchants.till(session, cashier=CashierId(till.id))  # type: ignore[arg-type]
    return merchants.create_cashier(
        core,
        actor=SYSTEM,
        shop=at.shop_id,
        username=name,
        password=f"demo-only-{name}",
        display_name=name,
        role=Role.MANAGER,
        demo=True,
    ).id


def shop(office: Office, till: Actor, language: str = "zh-CN") -> FlaskClient:
    """The browser of a manager of the till's shop."""
    core = office.world.core
    made = create_merchant(core).test_client()
    token = issue(core, Face.MERCHANT, manager_of(office, till)).access_token
    made.set_cookie(Face.MERCHANT.cookie, token)
    made.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return made
