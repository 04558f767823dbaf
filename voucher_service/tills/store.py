"""Reads and writes of tills' keys; decides nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import CashierId, ShopId

from .model import TillKey, TillKeyId
from .public_keys import fingerprint
from .tables import TillKeyRow, TillNonceRow

_NONCE = cast(Table, TillNonceRow.__table__)
_FORGET = 10_000


def keys(session: Session, *, shop: UUID) -> list[TillKey]:
    """The keys of a shop's tills by name and till, newest first."""
    rows = session.scalars(
        select(TillKeyRow)
        .where(TillKeyRow.shop_id == shop)
        .order_by(TillKeyRow.name, TillKeyRow.cashier_id, TillKeyRow.occurred_at.desc())
    )
    return [view(row) for row in rows]


def of_till(session: Session, cashier: UUID) -> list[TillKeyRow]:
    """The keys of a till, locked first, so that of two additions the second sees the other's."""
    mine = TillKeyRow.cashier_id == cashier
    session.execute(select(TillKeyRow.id).where(mine).with_for_update())
    return list(session.scalars(select(TillKeyRow).where(mine)))


def one(session: Session, id: UUID) -> TillKeyRow | None:
    """A key, locked."""
    return session.scalars(
        select(TillKeyRow).where(TillKeyRow.id == id).with_for_update()
    ).one_or_none()


def active(session: Session, id: UUID) -> TillKeyRow | None:
    """A key that counts."""
    wanted = select(TillKeyRow).where(TillKeyRow.id == id, TillKeyRow.revoked_at.is_(None))
    return session.scalars(wanted).one_or_none()


def take_nonce(
    session: Session, *, key: UUID, nonce: str, now: datetime, free_before: datetime
) -> bool:
    """Use a nonce; False when the key used it since `free_before`."""
    statement = insert(_NONCE).values(key_id=key, nonce=nonce, used_at=now)
    taken = session.execute(
        statement.on_conflict_do_update(
            index_elements=["key_id", "nonce"],
            set_={"used_at": now},
            where=_NONCE.c.used_at < free_before,
        ).returning(_NONCE.c.key_id)
    )
    return taken.scalar_one_or_none() is not None


def touch(session: Session, id: UUID, *, now: datetime, unless_since: datetime) -> None:
    """Note that a key was used."""
    stale = or_(TillKeyRow.last_used_at.is_(None), TillKeyRow.last_used_at < unless_since)
    session.execute(update(TillKeyRow).where(TillKeyRow.id == id, stale).values(last_used_at=now))


def forget_nonces(session: Session, *, before: datetime) -> int:
    """Delete one batch of nonces that may be used again; how many."""
    old = select(_NONCE.c.key_id, _NONCE.c.nonce).where(_NONCE.c.used_at < before).limit(_FORGET)
    both = func.row(_NONCE.c.key_id, _NONCE.c.nonce)
    gone: Any = session.execute(delete(_NONCE).where(both.in_(old)))
    return int(gone.rowcount)


def view(row: TillKeyRow) -> TillKey:
    """A row as the rest of the house sees it."""
    return TillKey(
        TillKeyId(row.id),
        CashierId(row.cashier_id),
        ShopId(row.shop_id),
        row.name,
        fingerprint(row.public_key),
        row.occurred_at,
        row.last_used_at,
        row.revoked_at,
    )
