"""A shop's days summed up: by cashier, point and offer, and what the platform owes the shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of, end_of, start_of
from voucher_service.kernel.ids import CashierId, ShopId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption

from .shop_lines import shop_of

# Refunds count on their own day and with who gave them; orders on the day they were committed.
_SUMS = text("""
WITH orders AS (
    SELECT cashier_id, point_id, offer_id, order_amount_fen AS order_fen, discount_fen,
        order_amount_fen - discount_fen - coalesce(paid_fen, order_amount_fen - discount_fen)
            AS other_fen
    FROM redemption
    WHERE shop_id = :shop AND status = 'committed'
      AND occurred_at >= :first AND occurred_at < :last
), refunds AS (
    SELECT x.cashier_id, r.point_id, r.offer_id, x.amount_fen, x.subsidy_part_fen, x.cash_part_fen
    FROM redemption_refund x JOIN redemption r ON r.id = x.redemption_id
    WHERE x.shop_id = :shop AND x.occurred_at >= :first AND x.occurred_at < :last
), moves AS (
    SELECT cashier_id, point_id, offer_id, 1 AS orders, order_fen, discount_fen, other_fen,
        0 AS refunds, 0 AS refunded_fen, 0 AS subsidy_fen, 0 AS cash_fen
    FROM orders
    UNION ALL
    SELECT cashier_id, point_id, offer_id, 0, 0, 0, 0, 1, amount_fen, subsidy_part_fen,
        cash_part_fen
    FROM refunds
)
SELECT grouping(cashier_id, point_id, offer_id) AS grouped,
    cashier_id, point_id, offer_id,
    sum(orders), coalesce(sum(order_fen), 0), coalesce(sum(discount_fen), 0),
    coalesce(sum(other_fen), 0), sum(refunds), coalesce(sum(refunded_fen), 0),
    coalesce(sum(subsidy_fen), 0), coalesce(sum(cash_fen), 0)
FROM moves
GROUP BY GROUPING SETS ((), (cashier_id), (point_id), (offer_id))
ORDER BY 5 DESC, 2, 3, 4
""")
_CASHIER, _POINT, _OFFER = 0b011, 0b101, 0b110
_NAMES = text("""
SELECT id, display_name FROM cashier WHERE id = ANY(CAST(:ids AS uuid[]))
UNION ALL SELECT id, name FROM point WHERE id = ANY(CAST(:ids AS uuid[]))
UNION ALL SELECT id, title FROM offer WHERE id = ANY(CAST(:ids AS uuid[]))
""")
_OWED = text("""
SELECT coalesce(sum(discount_fen - refunded_discount_fen), 0), count(*), min(occurred_at)
FROM redemption
WHERE shop_id = :shop AND status = 'committed' AND phase <> 'paid'
  AND discount_fen > refunded_discount_fen
""")


@dataclass(frozen=True, slots=True)
class Sums:
    """Orders and what came off them, and refunds: of orders, of them the voucher's part, and what
    went back to customers.
    """

    orders: int = 0
    order: Money = ZERO
    discount: Money = ZERO
    other: Money = ZERO
    refunds: int = 0
    refunded: Money = ZERO
    refunded_discount: Money = ZERO
    cash_back: Money = ZERO

    @property
    def paid(self) -> Money:
        """What customers paid, refunds apart."""
        return self.order - self.discount - self.other


@dataclass(frozen=True, slots=True)
class Owed:
    """What the platform owes a shop for committed orders, as of now, and since which day.

    `gives_back`: what the shop's merchant owes after refunds, which the next payment subtracts.
    `held`: whether nothing may be paid to the merchant now.
    """

    amount: Money
    orders: int
    since: date | None
    gives_back: Money
    held: bool


@dataclass(frozen=True, slots=True)
class DayEnd:
    """The days from `first` to `last`. Each group as (name, sums), most orders first; a point
    without a name is the shop itself.
    """

    first: date
    last: date
    as_of: datetime
    total: Sums
    cashiers: tuple[tuple[str, Sums], ...]
    points: tuple[tuple[str, Sums], ...]
    offers: tuple[tuple[str, Sums], ...]
    owed: Owed


def day_end(core: Core, *, actor: Actor, first: date, last: date) -> DayEnd:
    """The days of the cashier's shop. Raises NoSuchThing."""
    with core.transaction() as session:
        shop, now = shop_of(session, actor), core.now(session)
        span = {"shop": shop, "first": start_of(first), "last": end_of(last)}
        rows = [tuple(row) for row in session.execute(_SUMS, span)]
        names = _names(session, rows)
        return DayEnd(
            first,
            last,
            now,
            next((_sums(row) for row in rows if row[0] == 0b111), Sums()),
            _group(rows, names, _CASHIER, 1),
            _group(rows, names, _POINT, 2),
            _group(rows, names, _OFFER, 3),
            _owed(session, actor, shop),
        )


def _owed(session: Session, actor: Actor, shop: ShopId) -> Owed:
    assert actor.id is not None
    merchant = merchants.till(session, cashier=CashierId(actor.id)).merchant_id
    back = redemption.owed(session, merchant_id=merchant).total
    amount, orders, since = session.execute(_OWED, {"shop": shop}).one()
    day = None if since is None else day_of(since)
    held = merchants.payment_held(session, merchant=merchant)
    return Owed(Money(int(amount)), orders, day, back, held)


def _group(
    rows: list[tuple[Any, ...]], names: Mapping[UUID, str], grouped: int, column: int
) -> tuple[tuple[str, Sums], ...]:
    return tuple((names.get(row[column], ""), _sums(row)) for row in rows if row[0] == grouped)


def _sums(row: tuple[Any, ...]) -> Sums:
    orders, order, discount, other, refunds, *given = (int(one or 0) for one in row[4:])
    refunded, subsidy, cash = (Money(one) for one in given)
    taken = Money(order), Money(discount), Money(other)
    return Sums(orders, *taken, refunds, refunded, subsidy, cash)


def _names(session: Session, rows: list[tuple[Any, ...]]) -> dict[UUID, str]:
    ids = {id for row in rows for id in row[1:4] if id is not None}
    found = session.execute(_NAMES, {"ids": list(ids)})
    return {row.id: row.display_name for row in found}
