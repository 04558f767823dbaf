"""Give back part or all of a redeemed order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import OfferStatus
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import InProgress, KeyReused, Outcome, hash_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import MerchantId, RedemptionId, ShopId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Leg, Stage, merchant, move, pool
from voucher_service.merchants import service as merchants
from voucher_service.tradein.revisions import service as revisions
from voucher_service.tradein.sales import service as sales
from voucher_service.tradein.sales.model import SaleStatus
from voucher_service.tradein.service import using
from voucher_service.vouchers import service as vouchers

from .. import refund_store, refunds
from ..model import Phase
from ..refunds import (
    Fate,
    Refund,
    RefundId,
    RefundReferenceReused,
)
from ..tables import RedemptionRow, RefundRow
from .proposing import (
    Proposal,
    SaleProposal,
    VoucherProposal,
    check_size,
    proposal,
    row_of,
)
from .standing import cashier_of


def refund(
    core: Core,
    *,
    actor: Actor,
    redemption: RedemptionId,
    amount: Money,
    reason: str,
    key: str,
    reference: str | None = None,
) -> Outcome[Refund]:
    """Give back `amount` of a redeemed order, measured before the voucher.

    A refund counts on its own day, however far the merchant's money is. The same key, or the same
    reference with the same content, gives the first answer again. Raises NoSuchThing, for another
    shop's redemption too; KeyReused, RefundReferenceReused, NothingToRefund, RefundExceedsOrder,
    UnitCameBack, DifferenceToReturn, DifferenceOnItsWay, and ManagerNeeded above
    `till.refund_manager_fen`.
    """
    asked = {"of": redemption, "amount": amount.fen, "reason": reason, "reference": reference}
    with core.transaction() as session:
        now = core.now(session)
        till = merchants.till(session, cashier=cashier_of(actor))
        row = row_of(session, till, redemption, lock=True)
        first = _first_answer(session, till.shop_id, hash_of(key), hash_of(asked), reference)
        if first is not None:
            return Outcome(first, replayed=True)
        check_size(core, actor, amount)
        return Outcome(
            give_back(
                session,
                actor=actor,
                area=till.area,
                row=row,
                found=proposal(session, row, amount, now),
                values={
                    "cashier_id": till.cashier_id,
                    "refund_reference": reference,
                    "key_hash": hash_of(key),
                    "body_hash": hash_of(asked),
                    "reason": reason,
                },
                now=now,
            )
        )


def give_back(
    session: Session,
    *,
    actor: Actor,
    area: str,
    row: RedemptionRow,
    found: VoucherProposal | SaleProposal,
    values: Mapping[str, Any],
    now: datetime,
) -> Refund:
    """Make a refund of a locked redemption as it was decided. `area` is its shop's; `values` are
    those of the refund's row that only the caller knows: cashier, reference, key, content, reason.
    Raises InProgress.
    """
    id, parts = RefundId(new_id()), found.parts
    if not refund_store.insert_refund(session, _values(row, found, now) | {**values, "id": id}):
        # Another refund of this shop took the key or the reference a moment ago.
        raise InProgress(retry_after_seconds=1)
    refund_store.add_refunded(session, row.id, amount=parts.amount, subsidy=parts.subsidy)
    if isinstance(found, SaleProposal):
        _change_sale(session, actor, row, found, now)
        _post(session, area, row, found, id, now)
    else:
        _change_voucher(session, actor, found, now)
        _post(session, area, row, found, id, now, worth_again=found.worth_again)
        if found.fate is Fate.RETURNED:
            vouchers.give_up(session, voucher=found.voucher, actor=actor, now=now)
    _fold(session, row, found, now)
    audit.record(
        session,
        actor=actor,
        action="redemption.refunded",
        object_type="redemption",
        object_id=str(row.id),
        now=now,
        detail={
            "refund": str(id),
            "amount_fen": parts.amount.fen,
            "subsidy_fen": parts.subsidy.fen,
            "fate": str(found.fate),
        },
    )
    return _one(session, id)


def _first_answer(
    session: Session, shop: ShopId, key_hash: bytes, body: bytes, reference: str | None
) -> Refund | None:
    """The first answer, when this request was answered before; raises when it was another."""
    earlier = refund_store.earlier(session, shop, key_hash=key_hash, reference=reference)
    for one in earlier:
        if one.body_hash != body:
            if one.key_hash == key_hash:
                raise KeyReused
            raise RefundReferenceReused(reference=reference)
    return _one(session, RefundId(earlier[0].id)) if earlier else None


def _one(session: Session, id: RefundId) -> Refund:
    (found,) = refund_store.refunds(session, RefundRow.id == id)
    return found


def _values(
    row: RedemptionRow, found: VoucherProposal | SaleProposal, now: datetime
) -> dict[str, Any]:
    parts, of_sale = found.parts, isinstance(found, SaleProposal)
    return {
        "redemption_id": row.id,
        "shop_id": row.shop_id,
        "amount_fen": parts.amount,
        "subsidy_part_fen": parts.subsidy,
        "cash_part_fen": parts.cash,
        "other_part_fen": parts.other,
        "others": refund_store.stored(parts.others) or None,
        "phase": row.phase,
        "recovery": refunds.recovery(row.phase),
        "voucher_status": None if of_sale else found.after,
        "qualification_status": found.after if of_sale else None,
        "fate": found.fate,
        "value_back_fen": ZERO if isinstance(found, SaleProposal) else found.spent_less,
        "occurred_at": now,
    }


def _change_sale(
    session: Session, actor: Actor, row: RedemptionRow, found: SaleProposal, now: datetime
) -> None:
    """The whole unit came back: its qualification and its numbers are free. Else it cost less."""
    id = RedemptionId(row.id)
    revisions.lower(session, sale=id, lowered=found.lowered, actor=actor, now=now)
    if found.fate is not Fate.PARTIAL:
        sales.undo(session, id=id, current=SaleStatus.SOLD)
        using.restore(session, qualification=found.qualification, actor=actor, now=now)
        return
    kept = refunds.kept_subsidy(found.bill, found.kept)
    quote = found.bill.quote(found.kept)
    case = replace(found.bill.case, price=found.kept)
    sales.lower(session, id=id, case=case, quote=quote, subsidy=kept)
    using.keep(session, id=found.qualification.id, subsidy=kept)


def _change_voucher(session: Session, actor: Actor, found: VoucherProposal, now: datetime) -> None:
    if found.fate.reusable:
        vouchers.revive(
            session,
            voucher=found.voucher.id,
            amount=found.spent_less,
            actor=actor,
            now=now,
            valid_from=found.valid_from,
        )


def _post(
    session: Session,
    area: str,
    row: RedemptionRow,
    found: Proposal,
    id: RefundId,
    now: datetime,
    *,
    worth_again: Money = ZERO,
) -> None:
    """The subsidy comes back to the pool: to the voucher where it lives again, else reserved."""
    offer, subsidy = found.bill.offer, found.parts.subsidy
    legs = [
        Leg(pool(offer.id, Stage.COMMITTED, shop_area=offer.paying_area(area)), -subsidy),
        Leg(pool(offer.id, Stage.OUTSTANDING), worth_again),
        Leg(pool(offer.id, Stage.RESERVED), subsidy - worth_again),
    ]
    ledger.post(session, code=Code.REFUNDED, key=str(id), legs=legs, now=now)
    if row.phase is Phase.PAID and subsidy:
        owe(session, merchant_id=MerchantId(row.merchant_id), amount=subsidy, key=str(id), now=now)


def owe(
    session: Session, *, merchant_id: MerchantId, amount: Money, key: str, now: datetime
) -> None:
    """A merchant was paid more than is due: no funder bears that, the merchant owes it."""
    legs = move(
        amount, merchant(merchant_id, Stage.RECEIVABLE), merchant(merchant_id, Stage.SETTLED)
    )
    ledger.post(session, code=Code.CLAWED_BACK, key=key, legs=legs, now=now)


def _fold(session: Session, row: RedemptionRow, found: Proposal, now: datetime) -> None:
    """Funders' sums are exact at once; what a closed campaign has over goes where the rest went: of
    a pool of qualifications once none can be used any more.
    """
    offer = found.bill.offer
    clawed = found.parts.subsidy if row.phase is Phase.PAID else ZERO
    budgets.fold(session, campaign=offer.campaign_id, offer=offer.id, now=now, clawed=clawed)
    if offer.status is OfferStatus.CLOSED and isinstance(found, VoucherProposal):
        campaigns.free_unspent(session, campaign=offer.campaign_id, now=now)
