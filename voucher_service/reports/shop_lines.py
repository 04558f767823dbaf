"""A shop's orders with vouchers, as its people look for them and as they are handed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, text
from sqlalchemy.orm import Session

from voucher_service.campaigns.tables import OfferRow
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import end_of, start_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CashierId, RedemptionId, ShopId
from voucher_service.kernel.money import Money
from voucher_service.kernel.page import Page, cut, decode_moment
from voucher_service.merchants import service as merchants
from voucher_service.merchants.tables import CashierRow, PointRow
from voucher_service.redemption.model import Phase, Status
from voucher_service.redemption.tables import RedemptionRow

NUMBER_DIGITS = 12
_AT_ONCE = 1_000
# The digits by which people name a voucher: its id modulo 10^12, summed up of four 32-bit parts.
_PARTS = " + ".join(
    f"('x' || substr(replace(redemption.voucher_id::text, '-', ''), {1 + 8 * place}, 8))"
    f"::bit(32)::bigint::numeric * {2 ** (32 * (3 - place))}"
    for place in range(4)
)
_ENDS_WITH = text(
    f"lpad(mod({_PARTS}, 10 ^ {NUMBER_DIGITS}::numeric)::bigint::text, {NUMBER_DIGITS}, '0')"
    " LIKE '%' || :digits"
)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which of a shop's orders: of these days, both included, and of whatever else is told.

    `digits`: how the voucher's number ends.
    """

    first: date
    last: date
    reference: str | None = None
    amount: Money | None = None
    digits: str | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class ShopLine:
    """An order with a voucher. A tombstone has neither voucher nor sums.

    `other`: what bank and platform took off besides; `paid`: what the customer paid after all of
    it; `refunded`: of the order, given back since, with `refunded_discount` of the voucher's part.
    """

    id: RedemptionId
    at: datetime
    reference: str
    ticket: str | None
    payment: str | None
    offer: str
    voucher: UUID | None
    cashier: str
    point: str
    order: Money
    discount: Money
    other: Money
    paid: Money
    refunded: Money
    refunded_discount: Money
    status: Status
    phase: Phase

    @property
    def sale(self) -> bool:
        """Whether it stands. What was cancelled, lapsed, reversed or refused came to nothing, and
        what is frozen to nothing yet: their sums count nowhere.
        """
        return self.status is Status.COMMITTED

    @property
    def number(self) -> str:
        """The digits by which people name the voucher."""
        return "" if self.voucher is None else f"{self.voucher.int % 10**NUMBER_DIGITS:012d}"


def search(
    core: Core, *, actor: Actor, sought: Sought, cursor: str | None, limit: int
) -> Page[ShopLine]:
    """Orders of the cashier's shop that fit, newest first. Raises NoSuchThing, CursorInvalid."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        statement = _statement(shop_of(session, actor), sought, after).limit(limit + 1)
        found = [_line(row) for row in session.execute(statement)]
    return cut(found, limit, lambda one: (one.at, one.id))


def one(core: Core, *, actor: Actor, redemption: RedemptionId) -> ShopLine:
    """One order of the cashier's shop. Raises NoSuchThing."""
    with core.transaction() as session:
        statement = _select().where(
            RedemptionRow.id == redemption, RedemptionRow.shop_id == shop_of(session, actor)
        )
        found = session.execute(statement).one_or_none()
    if found is None:
        raise NoSuchThing
    return _line(found)


def each(session: Session, *, shop: ShopId, sought: Sought) -> Iterator[ShopLine]:
    """Every order that fits, newest first, fetched a part at a time."""
    statement = _statement(shop, sought, None).execution_options(yield_per=_AT_ONCE)
    for row in session.execute(statement):
        yield _line(row)


def shop_of(session: Session, actor: Actor) -> ShopId:
    """Where a cashier or manager stands. Raises NoSuchThing for anybody else."""
    if actor.kind is not ActorKind.CASHIER or actor.id is None:
        raise NoSuchThing
    return merchants.till(session, cashier=CashierId(actor.id)).shop_id


def _statement(
    shop: ShopId, sought: Sought, after: tuple[datetime, UUID] | None
) -> Select[*tuple[Any, ...]]:
    row = RedemptionRow
    statement = (
        _select()
        .where(
            row.shop_id == shop,
            row.occurred_at >= start_of(sought.first),
            row.occurred_at < end_of(sought.last),
            *_wanted(sought),
        )
        .order_by(row.occurred_at.desc(), row.id.desc())
    )
    if sought.digits is not None:
        statement = statement.where(_ENDS_WITH.bindparams(digits=sought.digits))
    if after is not None:
        at, id = after
        later = (row.occurred_at < at) | ((row.occurred_at == at) & (row.id < id))
        statement = statement.where(later)
    return statement


def _wanted(sought: Sought) -> Iterator[ColumnElement[bool]]:
    row = RedemptionRow
    if sought.reference is not None:
        yield (row.order_reference == sought.reference) | (row.ticket_reference == sought.reference)
    if sought.amount is not None:
        yield row.order_amount_fen == sought.amount
    if sought.status is not None:
        yield row.status == sought.status


def _select() -> Select[*tuple[Any, ...]]:
    return (
        select(RedemptionRow, OfferRow.title, CashierRow.display_name, PointRow.name)
        .outerjoin(OfferRow, OfferRow.id == RedemptionRow.offer_id)
        .join(CashierRow, CashierRow.id == RedemptionRow.cashier_id)
        .outerjoin(PointRow, PointRow.id == RedemptionRow.point_id)
    )


def _line(found: Any) -> ShopLine:
    row, offer, cashier, point = found
    none = Money(0)
    order, discount = row.order_amount_fen or none, row.discount_fen or none
    paid = order - discount if row.paid_fen is None else row.paid_fen
    return ShopLine(
        RedemptionId(row.id),
        row.occurred_at,
        row.order_reference,
        row.ticket_reference,
        row.payment_reference,
        offer or "",
        row.voucher_id or row.qualification_id,
        cashier,
        point or "",
        order,
        discount,
        order - discount - paid,
        paid,
        row.refunded_fen or none,
        row.refunded_discount_fen or none,
        row.status,
        row.phase,
    )
