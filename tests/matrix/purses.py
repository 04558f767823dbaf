"""Things of residents and tills: vouchers, places in line, redemptions."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from voucher_service.campaigns.model import Offer
from voucher_service.identity import service as identity
from voucher_service.kernel.actor import Actor, Role
from voucher_service.redemption.model import Redemption
from voucher_service.resident.consent import VERSION
from voucher_service.waiting import service as waiting

from .city import City, Side
from .table import Thing, kind, material, shared


@shared
def offer(city: City, _side: Side, _caller: Actor) -> Thing:
    """An offer that everybody may claim, by its slug."""
    return Thing(city.offer.slug)


@shared
def category(_city: City, _side: Side, _caller: Actor) -> Thing:
    """A kind of thing that has a subsidy, named by its word."""
    return Thing("refrigerator")


@kind
def voucher(city: City, side: Side, _caller: Actor) -> Thing:
    """A voucher of one resident."""
    return Thing(str(city.world.claim(city.offer, side.resident).id))


def paper_offer(city: City) -> Offer:
    """An offer whose vouchers may be printed."""
    return city.world.offer(replace(city.world.plan(quota=100, limit=100), paper=True))


@kind
def printable(city: City, side: Side, _caller: Actor) -> Thing:
    """A voucher of one resident that may be printed."""
    found = city.world.claim(paper_offer(city), side.resident)
    return Thing(str(found.id), {"resident": str(found.resident_id), "voucher": str(found.id)})


@kind
def spent(city: City, side: Side, _caller: Actor) -> Thing:
    """A voucher that was redeemed, whose page is a receipt."""
    found = city.world.claim(city.offer, side.resident)
    city.world.redeem(found, side.till[Role.CASHIER])
    return Thing(str(found.id))


@kind
def place_in_line(city: City, side: Side, _caller: Actor) -> Thing:
    """An offer in whose line one resident waits."""
    plan = city.world.plan(opens_at=city.world.now() + timedelta(minutes=20))
    found = city.world.offer(replace(plan, waiting_room=True))
    key = uuid4().hex
    waiting.before_claim(city.core, actor=side.resident, offer=found.id, key=key, proof=None)
    return Thing(str(found.id))


@material
def code(city: City, _side: Side, _caller: Actor) -> Thing:
    """The code on somebody's phone: whoever is shown it may redeem it."""
    shown = city.world.code(city.world.claim(city.offer))
    return Thing(str(uuid4()), {"code": shown, "order_reference": uuid4().hex})


def redeemed(city: City, side: Side) -> Redemption:
    """An order of one shop, paid for with a voucher."""
    found = city.world.claim(city.offer)
    return city.world.redeem(found, side.till[Role.CASHIER]).value


@kind
def redemption(city: City, side: Side, _caller: Actor) -> Thing:
    """A redemption at one shop."""
    return Thing(str(redeemed(city, side).id))


@kind
def order(city: City, side: Side, _caller: Actor) -> Thing:
    """A redemption that is asked for by its order's reference."""
    made = redeemed(city, side)
    return Thing(str(made.id), {"reference": made.order_reference})


@material
def card(city: City, side: Side, _caller: Actor) -> Thing:
    """The resident's own name and number, given again."""
    typed = {"name": side.person.name, "id_number": side.person.id_number}
    return Thing("", {"typed": typed | {"consent_version": VERSION}})


@material
def message(city: City, _side: Side, _caller: Actor) -> Thing:
    """A mobile and the one-time code that was sent to it."""
    mobile = f"139{secrets.randbelow(10**8):08d}"
    identity.request_code(city.core, mobile=mobile)
    last = Path(city.core.settings.sms.outbox).read_text("utf-8").splitlines()[-1]
    return Thing("", {"typed": {"mobile": mobile, "code": json.loads(last)["code"]}})


@material
def passer_by(city: City, _side: Side, _caller: Actor) -> Thing:
    """A resident who leaves for good."""
    return Thing(caller=city.world.resident())
