"""Codes for a till of the sandbox's shop: each on a voucher of an invented resident of its own."""

from __future__ import annotations

from datetime import timedelta
from random import SystemRandom
from uuid import uuid4

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CashierId, ResidentId
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order
from voucher_service.replay.strangers import strangers
from voucher_service.vouchers import code as codes
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import Code
from voucher_service.vouchers.model import Voucher

from .model import ELSEWHERE, EXPECTED, FACE, SLUG, THRESHOLD, TestCode, Want

_ORDER = THRESHOLD + FACE
_LONG_AGO = timedelta(minutes=10)


def test_code(core: Core, *, actor: Actor, want: Want) -> TestCode:
    """A code that is answered as wanted. Raises NoSuchThing for all but the sandbox's own tills."""
    offers = _offers(core)
    _require_here(core, actor, offers[SLUG])
    holder, voucher = _claim(core, offers[ELSEWHERE if want is Want.WRONG_SHOP else SLUG])
    made = _fresh(core, holder, voucher)
    text = made.text
    if want is Want.EXPIRED:
        text = _expired(core, voucher).text
    elif want is Want.FORGED:
        text = text[:-2] + ("B" if text[-2] == "A" else "A") + text[-1]
    elif want in {Want.USED, Want.REDEEMED}:
        first = made if want is Want.USED else _fresh(core, holder, voucher)
        order, key = Order(_ORDER, f"sandbox-{uuid4().hex}"), uuid4().hex
        redemption.redeem(core, actor=actor, code=first.text, order=order, key=key)
    elif want is Want.FROZEN:
        order, key = Order(_ORDER, f"sandbox-{uuid4().hex}"), uuid4().hex
        first = _fresh(core, holder, voucher)
        redemption.freeze(core, actor=actor, code=first.text, order=order, key=key)
    amount = FACE if want is Want.BELOW_THRESHOLD else _ORDER
    return TestCode(want, text, amount, made.valid_until, EXPECTED[want])


def _require_here(core: Core, actor: Actor, offer: Offer) -> None:
    if actor.kind is not ActorKind.CASHIER or actor.id is None:
        raise NoSuchThing
    with core.transaction() as session:
        till = merchants.till(session, cashier=CashierId(actor.id))
    if till.shop_id not in offer.shops:
        raise NoSuchThing


def _offers(core: Core) -> dict[str, Offer]:
    with core.transaction() as session:
        ids = campaigns.offer_ids(session, programme=SLUG)
        found = {one.slug: one for one in campaigns.terms(session, offers=ids).values()}
    if not {SLUG, ELSEWHERE} <= found.keys():
        raise NoSuchThing
    return found


def _claim(core: Core, offer: Offer) -> tuple[Actor, Voucher]:
    people, made = strangers(SystemRandom()), list[ResidentId]()
    with core.transaction() as session:
        now = core.now(session)
    while not made:  # an invented number may be somebody's already
        made = identity.register_synthetic(core, people=[next(people)], now=now)
    holder = Actor(ActorKind.RESIDENT, made[0])
    return holder, vouchers.claim(core, actor=holder, offer=offer.id, key=uuid4().hex).value


def _fresh(core: Core, holder: Actor, voucher: Voucher) -> Code:
    _, _, (made,) = vouchers.codes(core, actor=holder, voucher=voucher.id)
    return made


def _expired(core: Core, voucher: Voucher) -> Code:
    seconds = core.settings.till.code_window_seconds
    with core.transaction() as session:
        window = codes.window_of(core.now(session) - _LONG_AGO, seconds)
    return codes.make(
        core.keyring, code_ref=voucher.code_ref, window=window, window_seconds=seconds
    )
