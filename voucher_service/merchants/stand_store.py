"""Reads and writes of a merchant's people, devices and points; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Table, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra.sessions import SessionRow

from .model import CashierStatus
from .tables import CashierRow, DeviceRow, EnrolmentCodeRow, PointRow, ShopRow, StandRow

_STAND = cast(Table, StandRow.__table__)
Name = tuple[str, UUID]


def shops(session: Session, merchant: UUID) -> list[ShopRow]:
    """A merchant's shops by name."""
    statement = select(ShopRow).where(ShopRow.merchant_id == merchant)
    return list(session.scalars(statement.order_by(ShopRow.name, ShopRow.id)))


def people(
    session: Session,
    merchant: UUID,
    *,
    shop: UUID | None,
    status: CashierStatus,
    after: Name | None,
    most: int,
) -> Sequence[Row[CashierRow, str]]:
    """Accounts that people sign in with, by username, each with the shop's name."""
    statement = (
        select(CashierRow, ShopRow.name)
        .join(ShopRow, ShopRow.id == CashierRow.shop_id)
        .where(
            ShopRow.merchant_id == merchant,
            CashierRow.status == status,
            CashierRow.password_hash.is_not(None),
        )
        .order_by(CashierRow.username, CashierRow.id)
        .limit(most)
    )
    if shop is not None:
        statement = statement.where(CashierRow.shop_id == shop)
    if after is not None:
        statement = statement.where(tuple_(CashierRow.username, CashierRow.id) > tuple_(*after))
    return session.execute(statement).all()


def device(session: Session, id: UUID) -> DeviceRow | None:
    """A device by id."""
    return session.get(DeviceRow, id)


def device_by_token(session: Session, token_hash: bytes) -> DeviceRow | None:
    """A device by the hash of its token."""
    statement = select(DeviceRow).where(DeviceRow.token_hash == token_hash)
    return session.scalars(statement).one_or_none()


def devices(
    session: Session, merchant: UUID, *, after: tuple[datetime, UUID] | None, most: int
) -> list[DeviceRow]:
    """A merchant's devices that were not revoked, the newest first."""
    key = tuple_(DeviceRow.enrolled_at, DeviceRow.id)
    statement = select(DeviceRow).where(
        DeviceRow.merchant_id == merchant, DeviceRow.revoked_at.is_(None)
    )
    if after is not None:
        statement = statement.where(key < tuple_(*after))
    return list(
        session.scalars(
            statement.order_by(DeviceRow.enrolled_at.desc(), DeviceRow.id.desc()).limit(most)
        )
    )


def touch_device(session: Session, *, id: UUID, now: datetime) -> None:
    """Note that a device was used."""
    session.execute(update(DeviceRow).where(DeviceRow.id == id).values(seen_at=now))


def living_sessions_on(session: Session, device: UUID) -> Sequence[Row[UUID, UUID]]:
    """The sessions that stand on a device and were not ended: id and account of each."""
    statement = (
        select(SessionRow.id, SessionRow.subject_id)
        .join(_STAND, _STAND.c.session_id == SessionRow.id)
        .where(_STAND.c.device_id == device, SessionRow.ended_at.is_(None))
    )
    return session.execute(statement).all()


def spend_code(session: Session, code_hashes: Collection[bytes], now: datetime) -> Any:
    """Use up an enrolment code: its shop and maker, or None when it can't be used any more."""
    table: Any = EnrolmentCodeRow.__table__
    statement = (
        update(table)
        .where(table.c.code_hash.in_(code_hashes), table.c.used_at.is_(None))
        .where(table.c.expires_at > now)
        .values(used_at=now)
        .returning(table.c.shop_id, table.c.made_by)
    )
    return session.execute(statement).one_or_none()


def forget_codes(session: Session, before: datetime) -> None:
    """Delete the enrolment codes that ended before an instant."""
    session.execute(delete(EnrolmentCodeRow).where(EnrolmentCodeRow.expires_at < before))


def stand(session: Session, id: UUID, **at: UUID | None) -> None:
    """Note what a session stands at: `device_id`, `point_id`; what is not told stays."""
    statement = insert(_STAND).values(session_id=id, **at)
    session.execute(statement.on_conflict_do_update(index_elements=["session_id"], set_=at))


def point(session: Session, id: UUID) -> PointRow | None:
    """A point by id."""
    return session.get(PointRow, id)


def points(
    session: Session, shop: UUID, *, closed: bool, after: Name | None, most: int
) -> list[PointRow]:
    """The points of a shop by name: those in use, or those that were closed."""
    statement = select(PointRow).where(
        PointRow.shop_id == shop,
        PointRow.closed_at.is_not(None) if closed else PointRow.closed_at.is_(None),
    )
    if after is not None:
        statement = statement.where(tuple_(PointRow.name, PointRow.id) > tuple_(*after))
    return list(session.scalars(statement.order_by(PointRow.name, PointRow.id).limit(most)))


def point_names(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """Names of points by id."""
    rows = session.execute(select(PointRow.id, PointRow.name).where(PointRow.id.in_(ids)))
    return {row.id: row.name for row in rows}
