"""Reads and writes of what is paid of redemptions, many at a time; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.infra.database import array
from voucher_service.kernel.ids import MerchantId, OfferId, RedemptionId, ShopId
from voucher_service.kernel.money import Money

from .model import Phase

# In the words of the partial index, so that it answers them.
_UNPAID = "status = 'committed' AND phase = 'none' AND refunded_discount_fen < discount_fen"
# From one merchant to the next by the index: what lies between is not read.
_MERCHANTS = text(f"""
WITH RECURSIVE found AS (
    (SELECT merchant_id FROM redemption WHERE {_UNPAID} AND merchant_id > CAST(:after AS uuid)
     ORDER BY merchant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT merchant_id FROM redemption WHERE {_UNPAID} AND merchant_id > found.merchant_id
            ORDER BY merchant_id LIMIT 1)
    FROM found WHERE found.merchant_id IS NOT NULL
)
SELECT merchant_id FROM found WHERE merchant_id IS NOT NULL
""")  # noqa: S608 - a constant of the code
_ROWS = f"""
SELECT id, merchant_id, offer_id, qualification_id IS NOT NULL AS sale,
    discount_fen - refunded_discount_fen AS fen
FROM redemption
WHERE {_UNPAID} AND merchant_id = ANY(CAST(:merchants AS uuid[])) AND occurred_at < :until
    AND (CAST(:offers AS uuid[]) IS NULL OR offer_id = ANY(CAST(:offers AS uuid[])))
ORDER BY merchant_id, id
"""  # noqa: S608 - a constant of the code
_READ, _LOCK = text(_ROWS), text(f"{_ROWS} FOR UPDATE")
_LEFT = f"""
FROM redemption
WHERE {_UNPAID} AND occurred_at < :until AND offer_id = ANY(CAST(:offers AS uuid[]))
"""
_SINGLY = "qualification_id IS NOT NULL OR id = ANY(CAST(:singly AS uuid[]))"
_LEFT_OVER = text(f"""
SELECT merchant_id, NULL AS id, false AS sale, count(*) AS orders,
    sum(discount_fen - refunded_discount_fen) AS fen
{_LEFT} AND NOT ({_SINGLY}) GROUP BY merchant_id
UNION ALL
SELECT merchant_id, id, qualification_id IS NOT NULL, 1, discount_fen - refunded_discount_fen
{_LEFT} AND ({_SINGLY})
""")
# Locked in one order first, so that two who ask for the same rows wait for each other.
_MOVE = text("""
WITH asked AS MATERIALIZED (
    SELECT id FROM redemption
    WHERE id = ANY(CAST(:ids AS uuid[])) AND status = 'committed' AND phase = :current
    ORDER BY id FOR UPDATE
)
UPDATE redemption r SET phase = :to FROM asked WHERE r.id = asked.id
RETURNING r.id, r.offer_id, r.discount_fen - r.refunded_discount_fen AS fen
""")
_COUNT = text("SELECT count(*) FROM redemption WHERE id = ANY(CAST(:ids AS uuid[]))")
_NET_OFFS = text("""
SELECT redemption_id, sum(subsidy_part_fen) AS fen FROM redemption_refund
WHERE redemption_id = ANY(CAST(:ids AS uuid[])) AND recovery = 'net_off'
GROUP BY redemption_id
""")
_BILLED = text("""
SELECT id, shop_id, order_reference, occurred_at, order_amount_fen, discount_fen, phase
FROM redemption WHERE id = ANY(CAST(:ids AS uuid[]))
""")
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class UnpaidOrder:
    """A redemption that no batch has, and what is due for it now. `sale`: of a subsidised unit."""

    id: RedemptionId
    merchant_id: MerchantId
    offer_id: OfferId
    sale: bool
    due: Money


@dataclass(frozen=True, slots=True)
class LeftOver:
    """What a merchant redeemed and no batch has: one redemption, or with no `id` so many of
    vouchers together.
    """

    merchant_id: MerchantId
    id: RedemptionId | None
    sale: bool
    count: int
    due: Money


@dataclass(frozen=True, slots=True)
class Moved:
    """A redemption whose phase was set; `kept`: its discount less what was refunded of it."""

    id: RedemptionId
    offer_id: OfferId
    kept: Money


@dataclass(frozen=True, slots=True)
class Billed:
    """The order of a redemption, as a statement shows it; `paid`: the merchant has the money."""

    shop_id: ShopId
    order_reference: str
    occurred_at: datetime
    order_amount: Money
    discount: Money
    paid: bool


def merchants_unpaid(session: Session, *, after: MerchantId | None) -> list[MerchantId]:
    """Merchants with redemptions that no batch has, by id."""
    rows = session.execute(_MERCHANTS, {"after": after or _NOBODY})
    return [MerchantId(one) for one in rows.scalars()]


def unpaid(
    session: Session,
    *,
    merchants: Sequence[MerchantId],
    offers: Collection[OfferId] | None,
    until: datetime,
    lock: bool = False,
) -> list[UnpaidOrder]:
    """What these merchants redeemed and no batch has, by merchant and id."""
    known = None if offers is None else array(offers)
    told = {"merchants": array(merchants), "offers": known, "until": until}
    return [
        UnpaidOrder(RedemptionId(id), MerchantId(whose), OfferId(offer), sale, Money(fen))
        for id, whose, offer, sale, fen in session.execute(_LOCK if lock else _READ, told)
    ]


def left_over(
    session: Session,
    *,
    offers: Collection[OfferId],
    until: datetime,
    singly: Collection[RedemptionId],
) -> list[LeftOver]:
    """What no batch has of these offers, by merchant; sales, and these redemptions, one by one."""
    told = {"offers": array(offers), "until": until, "singly": array(singly)}
    return [
        LeftOver(
            MerchantId(row.merchant_id),
            None if row.id is None else RedemptionId(row.id),
            row.sale,
            row.orders,
            Money(int(row.fen)),
        )
        for row in session.execute(_LEFT_OVER, told)
    ]


def move(
    session: Session, ids: Collection[RedemptionId], *, current: Phase, to: Phase
) -> list[Moved]:
    """Set the phase of those of these redemptions that stand and are in `current`."""
    told = {"ids": array(ids), "current": str(current), "to": str(to)}
    return [
        Moved(RedemptionId(id), OfferId(offer), Money(fen))
        for id, offer, fen in session.execute(_MOVE, told)
    ]


def count(session: Session, ids: Collection[RedemptionId]) -> int:
    """How many of these redemptions there are."""
    return int(session.execute(_COUNT, {"ids": array(ids)}).scalar_one())


def net_offs(session: Session, ids: Collection[RedemptionId]) -> dict[RedemptionId, Money]:
    """The subsidy in refunds that a batch under way pays all the same, by redemption."""
    rows = session.execute(_NET_OFFS, {"ids": array(ids)})
    return {RedemptionId(id): Money(int(fen)) for id, fen in rows}


def billed(session: Session, ids: Collection[RedemptionId]) -> dict[RedemptionId, Billed]:
    """The orders of redemptions."""
    rows = session.execute(_BILLED, {"ids": array(ids)})
    return {
        RedemptionId(id): Billed(
            ShopId(shop), reference, at, Money(order), Money(discount), phase == Phase.PAID
        )
        for id, shop, reference, at, order, discount, phase in rows
    }
