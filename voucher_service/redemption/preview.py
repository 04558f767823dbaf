"""What a scanned voucher is worth at this till, before the order amount is known."""

from __future__ import annotations

from dataclasses import dataclass

from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CashierId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.stops import service as stops
from voucher_service.stops.model import What
from voucher_service.vouchers import code as codes
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import CodeInvalid
from voucher_service.vouchers.model import Voucher

from . import store
from .model import CodeUsed, Order, check_merchant, discount_for


@dataclass(frozen=True, slots=True)
class Preview:
    """A voucher that this till would take and what it takes off, from its threshold on.

    `code_window` is the window of the code that was read: the match word is made of it.
    """

    voucher: Voucher
    discount: Money
    code_window: int


def preview(core: Core, *, actor: Actor, code: str) -> Preview:
    """Read a code without spending anything: the till shows the voucher while the amount is typed.

    Promises nothing: `redeem` judges again. Raises what `redeem` raises of the shop, the code
    and the voucher, in the same order; a locked till is not asked about here.
    """
    if actor.kind is not ActorKind.CASHIER or actor.id is None:
        raise NoSuchThing
    with core.transaction() as session:
        now = core.now(session)
        till = merchants.till(session, cashier=CashierId(actor.id))
        check_merchant(till)
        read = codes.read(core.keyring, code)
        read.check_time(now, core.settings.till.code_window_seconds)
        if store.nonce_used(session, read.nonce):
            raise CodeUsed
        stopped = {one.subject_id for one in stops.in_force(session, what=What.REDEMPTIONS)}
        voucher = vouchers.by_code_ref(session, code_ref=read.code_ref)
        if voucher is None:
            raise CodeInvalid
        own = bool(till.identity_hashes) and identity.holds_identity(
            session, resident=voucher.resident_id, hashes=till.identity_hashes
        )
    at_threshold = Order(max(voucher.offer.threshold, voucher.face_value), reference="")
    discount = discount_for(voucher, till, at_threshold, own=own, stopped=stopped, now=now)
    return Preview(voucher, discount, read.window)
