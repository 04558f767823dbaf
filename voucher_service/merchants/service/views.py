"""Rows as the rest of the house sees them, one at a time."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy.orm import Session

from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CashierId, MerchantId, ShopId

from .. import place, store
from ..model import Cashier, Merchant, Shop
from ..tables import CashierRow, MerchantRow, ShopRow

T = TypeVar("T")


def load_merchant(session: Session, *, merchant: MerchantId) -> Merchant:
    """A merchant. Raises NoSuchThing."""
    return merchant_view(found(store.merchant(session, merchant)))


def load_shop(session: Session, *, shop: ShopId) -> Shop:
    """A shop. Raises NoSuchThing."""
    return shop_view(found(store.shop(session, shop)))


def load_cashier(session: Session, *, cashier: CashierId) -> Cashier:
    """A cashier. Raises NoSuchThing."""
    return cashier_view(found(store.cashier(session, cashier)))


def merchant_view(row: MerchantRow) -> Merchant:
    """A row as the rest of the house sees it."""
    return Merchant(MerchantId(row.id), row.name, row.uscc, row.size_class, row.status)


def shop_view(row: ShopRow) -> Shop:
    """A row as the rest of the house sees it."""
    return Shop(
        id=ShopId(row.id),
        merchant_id=MerchantId(row.merchant_id),
        name=row.name,
        area=row.area,
        trade=row.trade,
        address=row.address,
        status=row.status,
        opening_hours=place.from_json(row.opening_hours),
        position=place.position(row.latitude, row.longitude),
    )


def cashier_view(row: CashierRow) -> Cashier:
    """A row as the rest of the house sees it."""
    return Cashier(
        id=CashierId(row.id),
        shop_id=ShopId(row.shop_id),
        username=row.username,
        display_name=row.display_name,
        role=row.role,
        status=row.status,
    )


def found(row: T | None) -> T:
    """The row. Raises NoSuchThing when there is none."""
    if row is None:
        raise NoSuchThing
    return row
