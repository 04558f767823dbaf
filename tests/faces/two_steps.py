"""What tests of the two steps do again and again: publish, freeze, press, look at a phone."""

from __future__ import annotations

from uuid import UUID, uuid4

from werkzeug.test import TestResponse

from tests.faces.test_merchant_pages import Browser, hidden
from tests.make import World
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferPlan, max_liability
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import RedemptionId
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Redemption
from voucher_service.resident.app import create_app as create_resident
from voucher_service.vouchers.model import Voucher
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


def published(world: World, plan: OfferPlan) -> Offer:
    """An offer with money for all that its vouchers can cost."""
    campaign = world.draft()
    made = campaigns.create_offer(
        world.core, actor=world.planner, campaign=campaign.id, plan=plan
    ).value
    world.line(campaign.id, max_liability(plan) * plan.quota)
    world.publish(campaign.id)
    return world.reload(made.id)


def frozen(browser: Browser, world: World, voucher: Voucher, amount: str, **form: str) -> str:
    """Scan, type the amount, and get the address of the freeze."""
    page = browser.post("/amount", code=world.code(voucher))
    names = ("code", "made_reference", "idempotency_key", "two_steps")
    sent = {name: hidden(page.text, name) for name in names} | {"amount": amount} | form
    answer = browser.post("/redemptions", **sent)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def found(browser: Browser, address: str) -> Redemption:
    """What stands at an address."""
    id = RedemptionId(UUID(address.rsplit("/", 1)[-1]))
    return redemption.get(browser.core, actor=browser.cashier, redemption=id)


def press(browser: Browser, address: str, step: str, key: str | None = None) -> str:
    """Press a button of the frozen screen; the page that comes."""
    answer = browser.post(f"{address}/{step}", idempotency_key=key or uuid4().hex)
    assert (answer.status_code, answer.headers["Location"]) == (303, address), answer.text
    return browser.get(address).text


class Phone:
    """A resident's browser without scripts, signed in."""

    def __init__(self, core: Core, who: Actor) -> None:
        assert who.id
        self.core, self.client = core, create_resident(core).test_client()
        self.token = issue(core, Face.RESIDENT, who.id).access_token
        self.client.set_cookie(Face.RESIDENT.cookie, self.token)

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    def post(self, path: str) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.core.keyring.form_mac(self.token)})
