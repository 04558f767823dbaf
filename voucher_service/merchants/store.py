"""Reads and writes of merchants; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ARRAY, Row, Table, Uuid, and_, bindparam, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra import sessions
from voucher_service.infra.sessions import SessionRow

from .model import CashierStatus, MerchantStatus, ShopStatus, Trade
from .tables import CashierRow, DeviceRow, MerchantRow, PointRow, ShopRow, StandRow

_MERCHANT = cast(Table, MerchantRow.__table__)
_SHOP = cast(Table, ShopRow.__table__)
_CASHIER = cast(Table, CashierRow.__table__)
_DEVICE = cast(Table, DeviceRow.__table__)
_POINT = cast(Table, PointRow.__table__)
_STAND = cast(Table, StandRow.__table__)
# Built once: every request of a till asks them.
_TILLS = (
    select(
        _CASHIER.c.id.label("cashier_id"),
        _CASHIER.c.identity_hashes,
        _SHOP.c.id.label("shop_id"),
        _SHOP.c.name.label("shop_name"),
        _SHOP.c.area,
        _SHOP.c.trade,
        _SHOP.c.status.label("shop_status"),
        _SHOP.c.opening_hours,
        _SHOP.c.latitude,
        _SHOP.c.longitude,
        _MERCHANT.c.id.label("merchant_id"),
        _MERCHANT.c.name.label("merchant_name"),
        _MERCHANT.c.uscc,
        _MERCHANT.c.size_class,
        _MERCHANT.c.status.label("merchant_status"),
    )
    .join(_SHOP, _SHOP.c.id == _CASHIER.c.shop_id)
    .join(_MERCHANT, _MERCHANT.c.id == _SHOP.c.merchant_id)
    .where(_CASHIER.c.status == CashierStatus.ACTIVE)
)
_TILL = _TILLS.where(_CASHIER.c.id == bindparam("cashier"))
_TILLS = _TILLS.where(_CASHIER.c.id == func.any(bindparam("cashiers", type_=ARRAY(Uuid))))
_ALL_ACTING = (
    select(_CASHIER.c.id, _CASHIER.c.role, _CASHIER.c.demo, _SHOP.c.area)
    .join(_SHOP, _SHOP.c.id == _CASHIER.c.shop_id)
    .where(_CASHIER.c.status == CashierStatus.ACTIVE)
)
_ACTING = _ALL_ACTING.where(_CASHIER.c.id == bindparam("cashier"))
# What the session stands at counts while it is the merchant's own and in force.
_ALL_IN_SESSION = (
    _ALL_ACTING.add_columns(
        SessionRow.id.label("session_id"),
        SessionRow.seen_at,
        func.clock_timestamp().label("now"),
        _MERCHANT.c.devices_only,
        _DEVICE.c.id.label("device_id"),
        _POINT.c.id.label("point_id"),
        _POINT.c.opens_on,
        _POINT.c.closes_on,
    )
    .join(_MERCHANT, _MERCHANT.c.id == _SHOP.c.merchant_id)
    .join(SessionRow, sessions.alive(SessionRow.id, _CASHIER.c.id, bindparam("face")))
    .outerjoin(_STAND, _STAND.c.session_id == SessionRow.id)
    .outerjoin(
        _DEVICE,
        and_(
            _DEVICE.c.id == _STAND.c.device_id,
            _DEVICE.c.merchant_id == _SHOP.c.merchant_id,
            _DEVICE.c.revoked_at.is_(None),
        ),
    )
    .outerjoin(
        _POINT,
        and_(
            _POINT.c.id == _STAND.c.point_id,
            _POINT.c.shop_id == _SHOP.c.id,
            _POINT.c.closed_at.is_(None),
        ),
    )
)
_ACTING_IN_SESSION = _ALL_IN_SESSION.where(
    SessionRow.id == bindparam("live"), _CASHIER.c.id == bindparam("cashier")
)
_ACTING_IN_SESSIONS = _ALL_IN_SESSION.where(
    SessionRow.id == func.any(bindparam("living", type_=ARRAY(Uuid)))
)


def till(session: Session, cashier: UUID) -> Row[*tuple[Any, ...]] | None:
    """An active cashier with their shop and merchant, in one statement."""
    return session.execute(_TILL, {"cashier": cashier}).one_or_none()


def tills(session: Session, cashiers: Collection[UUID]) -> Sequence[Row[*tuple[Any, ...]]]:
    """The same of several."""
    return session.execute(_TILLS, {"cashiers": list(cashiers)}).all()


def acting(session: Session, cashier: UUID) -> Row[*tuple[Any, ...]] | None:
    """An active cashier's role and area, and whether the account is a demonstration."""
    return session.execute(_ACTING, {"cashier": cashier}).one_or_none()


def acting_in_session(
    session: Session, cashier: UUID, live: UUID, face: str
) -> Row[*tuple[Any, ...]] | None:
    """The same, while the session lives; with when it was last used, the instant, the device and
    the point it stands at, and whether the merchant lets only enrolled devices redeem.
    """
    told = {"cashier": cashier, "live": live, "face": face}
    return session.execute(_ACTING_IN_SESSION, told).one_or_none()


def acting_in_sessions(
    session: Session, living: Collection[UUID], face: str
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The same of several sessions, by `session_id`."""
    return session.execute(_ACTING_IN_SESSIONS, {"living": list(living), "face": face}).all()


def merchant(session: Session, id: UUID) -> MerchantRow | None:
    """A merchant by id."""
    return session.get(MerchantRow, id)


def merchant_by_uscc(session: Session, uscc: str) -> MerchantRow | None:
    """A merchant by credit code."""
    return session.scalars(select(MerchantRow).where(MerchantRow.uscc == uscc)).one_or_none()


def shop(session: Session, id: UUID) -> ShopRow | None:
    """A shop by id."""
    return session.get(ShopRow, id)


def cashier(session: Session, id: UUID) -> CashierRow | None:
    """A cashier by id."""
    return session.get(CashierRow, id)


def cashier_by_username(session: Session, username: str) -> CashierRow | None:
    """A cashier by username."""
    return session.scalars(select(CashierRow).where(CashierRow.username == username)).one_or_none()


def open_shops(
    session: Session,
    *,
    stems: Collection[str],
    trades: Collection[Trade],
    after: tuple[str, UUID] | None,
    most: int,
) -> list[ShopRow]:
    """Active shops of active merchants by name, in areas whose codes begin so, in these trades."""
    statement = (
        select(ShopRow)
        .join(MerchantRow, MerchantRow.id == ShopRow.merchant_id)
        .where(ShopRow.status == ShopStatus.ACTIVE, MerchantRow.status == MerchantStatus.ACTIVE)
        .order_by(ShopRow.name, ShopRow.id)
        .limit(most)
    )
    if stems:
        statement = statement.where(or_(*(ShopRow.area.startswith(stem) for stem in stems)))
    if trades:
        statement = statement.where(ShopRow.trade.in_(trades))
    if after:
        statement = statement.where(tuple_(ShopRow.name, ShopRow.id) > tuple_(*after))
    return list(session.scalars(statement))


def add_merchants(session: Session, rows: list[dict[str, Any]]) -> dict[str, UUID]:
    """Insert merchants whose credit code is new; the ids of all of them by credit code."""
    if not rows:
        return {}
    session.execute(insert(_MERCHANT).on_conflict_do_nothing(), rows)
    codes = [row["uscc"] for row in rows]
    found = session.execute(
        select(_MERCHANT.c.uscc, _MERCHANT.c.id).where(_MERCHANT.c.uscc.in_(codes))
    )
    return {row.uscc: row.id for row in found}


def add_tills(
    session: Session, shops: list[dict[str, Any]], cashiers: list[dict[str, Any]]
) -> None:
    """Insert shops and their cashiers."""
    if shops:
        session.execute(insert(_SHOP), shops)
        session.execute(insert(_CASHIER), cashiers)


def cashiers_on_old_keys(
    session: Session, *, field_key: int, lookup_keys: list[int], most: int
) -> list[CashierRow]:
    """Cashiers whose identity is encrypted or hashed under other than these keys, locked."""
    old = or_(
        func.get_byte(CashierRow.identity_cipher, 0) != field_key,
        CashierRow.identity_key_ids != lookup_keys,
    )
    statement = select(CashierRow).where(CashierRow.identity_cipher.is_not(None), old)
    locked = statement.order_by(CashierRow.id).limit(most).with_for_update(skip_locked=True)
    return list(session.scalars(locked))
