"""Look refunds up: one, those of an order or of a voucher, and what a merchant owes after them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import hash_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import MerchantId, RedemptionId, VoucherId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.kernel.page import Page, cut, decode_moment
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, merchant
from voucher_service.merchants import service as merchants
from voucher_service.tradein import service as tradein
from voucher_service.vouchers import service as vouchers

from .. import refund_store
from ..refunds import Owed, Parts, Refund, RefundId
from ..tables import RedemptionRow, RefundRow
from .proposing import row_of
from .standing import cashier_of


def get_refund(core: Core, *, actor: Actor, refund: RefundId) -> Refund:
    """One refund of this cashier's shop. Raises NoSuchThing, for another shop's too."""
    with core.transaction() as session:
        till = merchants.till(session, cashier=cashier_of(actor))
        found = refund_store.refunds(
            session, RefundRow.id == refund, RefundRow.shop_id == till.shop_id
        )
    if not found:
        raise NoSuchThing
    return found[0]


def given_back(core: Core, *, actor: Actor, redemption: RedemptionId) -> Parts:
    """What was given back to whom of a redemption of this cashier's shop, all refunds together;
    `others` one by one. Raises NoSuchThing.
    """
    with core.transaction() as session:
        till = merchants.till(session, cashier=cashier_of(actor))
        row = row_of(session, till, redemption)
        found = refund_store.refunds(session, RefundRow.redemption_id == row.id)
    return Parts(
        Money.total(one.parts.amount for one in found),
        Money.total(one.parts.subsidy for one in found),
        Money.total(one.parts.cash for one in found),
        tuple(other for one in found for other in one.parts.others),
    )


def refund_by_key(core: Core, *, actor: Actor, key: str) -> Refund | None:
    """The refund of this cashier's shop that was made with a key; None when there is none yet."""
    with core.transaction() as session:
        till = merchants.till(session, cashier=cashier_of(actor))
        earlier = refund_store.earlier(session, till.shop_id, key_hash=hash_of(key), reference=None)
        found = refund_store.refunds(session, RefundRow.id == earlier[0].id) if earlier else []
    return found[0] if found else None


def refunds_of(
    core: Core, *, actor: Actor, redemption: RedemptionId, cursor: str | None, limit: int
) -> Page[Refund]:
    """The refunds of a redemption of this cashier's shop, newest first. Raises NoSuchThing."""
    after = refund_store.after(decode_moment(cursor))
    with core.transaction() as session:
        till = merchants.till(session, cashier=cashier_of(actor))
        row = row_of(session, till, redemption)
        found = refund_store.refunds(
            session, RefundRow.redemption_id == row.id, *after, limit=limit + 1
        )
    return cut(found, limit, lambda one: (one.occurred_at, one.id))


def refunds_of_voucher(core: Core, *, actor: Actor, voucher: VoucherId) -> list[Refund]:
    """What was refunded of orders with a resident's own voucher, newest first.

    Raises NoSuchThing.
    """
    vouchers.get(core, actor=actor, voucher=voucher)
    with core.transaction() as session:
        return refund_store.refunds(session, RedemptionRow.voucher_id == voucher)


def refunds_of_order(core: Core, *, actor: Actor, redemption: RedemptionId) -> list[Refund]:
    """What was refunded of an order with a resident's own qualification, newest first.

    Raises NoSuchThing.
    """
    with core.transaction() as session:
        found = refund_store.refunds(session, RefundRow.redemption_id == redemption)
    for one in found:
        if one.qualification_id is None:
            raise NoSuchThing
        tradein.get(core, actor=actor, qualification=one.qualification_id)
    return found


def owed_here(core: Core, *, actor: Actor) -> Owed:
    """What the merchant of this cashier must give back after refunds."""
    with core.transaction() as session:
        till = merchants.till(session, cashier=cashier_of(actor))
        return owed(session, merchant_id=till.merchant_id)


def owed(session: Session, *, merchant_id: MerchantId) -> Owed:
    """What a merchant must give back of the funders' money after refunds."""
    account = merchant(merchant_id, Stage.RECEIVABLE)
    # Above zero while the bank has sent back a payment of which something was netted off since.
    owes = max(ZERO, -ledger.balance(session, account))
    return Owed(refund_store.net_off(session, merchant_id), owes)
