"""Undo what an order was counted for, when other books prove it wrong: a refund by the office."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.infra.idempotency import hash_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId, ShopId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants

from .. import refund_store
from ..refunds import Refund
from ..tables import RedemptionRow
from .proposing import SaleProposal, VoucherProposal, proposal
from .refunding import give_back


def correct(
    session: Session,
    *,
    redemption: RedemptionId,
    amount: Money,
    reason: str,
    key: str,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Take `amount` of a committed order, measured before the voucher, out of the books again.

    A refund like any other, on today: what was paid already the merchant owes, and the cash part is
    what the customer never paid. It stands at the cashier of the order; the record names who did
    it. Raises NoSuchThing, NothingToRefund, RefundExceedsOrder.
    """
    row, found = _decided(session, redemption, amount, now)
    return give_back(
        session,
        actor=actor,
        area=merchants.load_shop(session, shop=ShopId(row.shop_id)).area,
        row=row,
        found=found,
        values={
            "cashier_id": row.cashier_id,
            "refund_reference": None,
            "key_hash": hash_of(key),
            "body_hash": hash_of({"of": redemption, "amount": amount.fen, "reason": reason}),
            "reason": reason,
        },
        now=now,
    )


def subsidy_in(
    session: Session, *, redemption: RedemptionId, amount: Money, now: datetime
) -> Money:
    """How much of the subsidy a correction of so much of the order would bring back.

    Raises what `correct` raises.
    """
    return _decided(session, redemption, amount, now)[1].parts.subsidy


def _decided(
    session: Session, redemption: RedemptionId, amount: Money, now: datetime
) -> tuple[RedemptionRow, VoucherProposal | SaleProposal]:
    rows = refund_store.rows(session, RedemptionRow.id == redemption, lock=True)
    if not rows:
        raise NoSuchThing
    return rows[0], proposal(session, rows[0], amount, now)
