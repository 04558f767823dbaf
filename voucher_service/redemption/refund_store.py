"""Reads and writes of refunds and of the phase of redemptions; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import CashierId, MerchantId, RedemptionId, ShopId, VoucherId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.tradein.qualifications import QualificationId
from voucher_service.tradein.service import using
from voucher_service.vouchers import service as vouchers

from .model import OtherDiscount, Payer, Phase, Recovery
from .refunds import Parts, Refund, RefundId
from .tables import RedemptionRow, RefundRow

_REDEMPTION: Any = RedemptionRow.__table__
_REFUND: Any = RefundRow.__table__


def rows(session: Session, *where: ColumnElement[bool], lock: bool = False) -> list[RedemptionRow]:
    """Redemptions that match; with `lock` locked until the transaction ends, in the same order
    whoever asks.
    """
    statement = select(RedemptionRow).where(*where).order_by(RedemptionRow.id)
    if lock:
        statement = statement.with_for_update()
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def add_refunded(session: Session, id: UUID, *, amount: Money, subsidy: Money) -> None:
    """Add to what was refunded of a locked redemption, and to the discount in it."""
    session.execute(
        update(_REDEMPTION)
        .where(_REDEMPTION.c.id == id)
        .values(
            refunded_fen=_REDEMPTION.c.refunded_fen + amount,
            refunded_discount_fen=_REDEMPTION.c.refunded_discount_fen + subsidy,
        )
    )


def insert_refund(session: Session, values: dict[str, Any]) -> bool:
    """Append a refund; False when its key or its reference is taken."""
    statement = insert(_REFUND).on_conflict_do_nothing().returning(_REFUND.c.id)
    return session.execute(statement, values).scalar_one_or_none() is not None


def earlier(
    session: Session, shop: ShopId, *, key_hash: bytes, reference: str | None
) -> list[RefundRow]:
    """Refunds of a shop under the same key or the same reference."""
    same = RefundRow.key_hash == key_hash
    if reference is not None:
        same = or_(same, RefundRow.refund_reference == reference)
    return list(session.scalars(select(RefundRow).where(RefundRow.shop_id == shop, same)))


def set_recovery(
    session: Session, redemptions: Collection[RedemptionId], *, current: Recovery, to: Recovery
) -> None:
    """Change how the subsidy of refunds of these redemptions comes back."""
    session.execute(
        update(_REFUND)
        .where(_REFUND.c.redemption_id.in_(redemptions), _REFUND.c.recovery == current)
        .values(recovery=to)
    )


def refunds(
    session: Session, *where: ColumnElement[bool], limit: int | None = None
) -> list[Refund]:
    """Refunds that match, newest first."""
    pairs = session.execute(
        select(RefundRow, func.coalesce(RedemptionRow.voucher_id, RedemptionRow.qualification_id))
        .join(RedemptionRow, RedemptionRow.id == RefundRow.redemption_id)
        .where(*where)
        .order_by(RefundRow.occurred_at.desc(), RefundRow.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()
    spans: dict[UUID, tuple[datetime, datetime]] = {}
    of_vouchers = {VoucherId(id) for row, id in pairs if row.voucher_status}
    spans.update(vouchers.spans(session, vouchers=of_vouchers).items())
    of_units = {QualificationId(id) for row, id in pairs if row.qualification_status}
    spans.update(using.spans(session, ids=of_units).items())
    return [_view(row, claimed, spans[claimed]) for row, claimed in pairs]


def after(cursor: tuple[datetime, UUID] | None) -> list[ColumnElement[bool]]:
    """Refunds after a cursor."""
    if cursor is None:
        return []
    at, id = cursor
    same_instant = and_(RefundRow.occurred_at == at, RefundRow.id < id)
    return [or_(RefundRow.occurred_at < at, same_instant)]


def subsidies(session: Session, *where: ColumnElement[bool]) -> dict[RedemptionId, Money]:
    """The subsidy in refunds that match, by redemption."""
    rows = session.execute(
        select(RefundRow.redemption_id, func.sum(_REFUND.c.subsidy_part_fen))
        .join(RedemptionRow, RedemptionRow.id == RefundRow.redemption_id)
        .where(*where)
        .group_by(RefundRow.redemption_id)
    )
    return {RedemptionId(id): total or ZERO for id, total in rows}


def net_offs(
    session: Session, redemptions: Collection[RedemptionId]
) -> list[tuple[RefundId, MerchantId, Money]]:
    """Refunds with subsidy that a batch under way pays all the same, with the merchant's id."""
    rows = session.execute(
        select(RefundRow.id, RedemptionRow.merchant_id, RefundRow.subsidy_part_fen)
        .join(RedemptionRow, RedemptionRow.id == RefundRow.redemption_id)
        .where(
            RefundRow.redemption_id.in_(redemptions),
            RefundRow.recovery == Recovery.NET_OFF,
            RefundRow.subsidy_part_fen > ZERO,
        )
        .order_by(RefundRow.id)
    )
    return [(RefundId(id), MerchantId(owes), subsidy) for id, owes, subsidy in rows]


def net_off(session: Session, merchant: MerchantId) -> Money:
    """What the batches under way pay a merchant too much."""
    found = subsidies(
        session,
        RedemptionRow.merchant_id == merchant,
        RedemptionRow.phase == Phase.BATCHED,
        RefundRow.recovery == Recovery.NET_OFF,
    )
    return Money.total(found.values())


def brought_back(session: Session, redemption: RedemptionId) -> Money:
    """What earlier refunds of an order brought back of its voucher."""
    total = func.sum(_REFUND.c.value_back_fen)
    return session.scalar(select(total).where(_REFUND.c.redemption_id == redemption)) or ZERO


def stored(others: Sequence[OtherDiscount]) -> list[dict[str, Any]]:
    """Discounts as a row keeps them."""
    return [{"payer": str(one.payer), "amount_fen": one.amount.fen} for one in others]


def discounts(stored: Sequence[Any] | None) -> tuple[OtherDiscount, ...]:
    """Discounts out of a row."""
    return tuple(
        OtherDiscount(Payer(one["payer"]), Money(int(one["amount_fen"]))) for one in stored or ()
    )


def _view(row: RefundRow, claimed: UUID, span: tuple[datetime, datetime]) -> Refund:
    return Refund(
        RefundId(row.id),
        RedemptionId(row.redemption_id),
        VoucherId(claimed) if row.voucher_status else None,
        QualificationId(claimed) if row.qualification_status else None,
        ShopId(row.shop_id),
        CashierId(row.cashier_id),
        row.refund_reference,
        Parts(row.amount_fen, row.subsidy_part_fen, row.cash_part_fen, discounts(row.others)),
        row.reason,
        row.phase,
        row.recovery,
        row.voucher_status,
        row.qualification_status,
        row.fate,
        row.value_back_fen,
        *span,
        row.occurred_at,
    )
