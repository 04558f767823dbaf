"""Reads and writes of redemptions; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.ids import CashierId, OfferId, RedemptionId, ShopId, VoucherId
from voucher_service.kernel.money import ZERO
from voucher_service.merchants import service as merchants
from voucher_service.stops import service as stops

from .model import Redemption, Status, Summary
from .tables import RedemptionRow, RefusalRow

_ROW: Any = RedemptionRow.__table__
_REFUSAL: Any = RefusalRow.__table__
_INSERT = pg_insert(_ROW).on_conflict_do_nothing().returning(_ROW.c.id)
# One round trip for all that a till must know of the past before it decides.
_BEFORE = text(f"""
SELECT
    (SELECT jsonb_agg(jsonb_build_array(
         id, order_reference, encode(key_hash, 'hex'), encode(body_hash, 'hex')))
     FROM redemption
     WHERE shop_id = :shop AND (order_reference = :reference OR key_hash = :key_hash)) AS earlier,
    EXISTS (SELECT FROM redemption WHERE nonce = :nonce) AS nonce_used,
    (SELECT count(*) FROM redemption_refusal
     WHERE shop_id = :shop AND code = :bad AND occurred_at > :since) AS bad_codes,
    (SELECT min(occurred_at) FROM redemption_refusal
     WHERE shop_id = :shop AND code = :bad AND occurred_at > :since) AS first_bad,
    {stops.REDEMPTIONS_STOPPED} AS stopped
""")  # noqa: S608 - a constant of the code


@dataclass(frozen=True, slots=True)
class Earlier:
    """A request of this shop under the same order reference or the same key."""

    id: UUID
    order_reference: str
    key_hash: bytes
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Before:
    """What happened before: the same request, the same code, the last minute's unreadable codes.

    `stopped`: what redemptions are stopped of, by id.
    """

    earlier: tuple[Earlier, ...]
    nonce_used: bool
    bad_codes: int
    first_bad: datetime | None
    stopped: tuple[UUID, ...]


def insert_new(session: Session, values: dict[str, Any]) -> bool:
    """Insert a redemption; False when its order, key, code or voucher is taken."""
    return session.execute(_INSERT, values).scalar_one_or_none() is not None


def insert_refusal(session: Session, values: dict[str, Any]) -> None:
    """Append a refused attempt."""
    session.execute(insert(_REFUSAL).values(values))


def before(
    session: Session,
    *,
    shop: ShopId,
    reference: str,
    key_hash: bytes,
    nonce: bytes,
    bad: str,
    now: datetime,
) -> Before:
    """What this shop and this code have behind them."""
    row = session.execute(
        _BEFORE,
        {
            "shop": shop,
            "reference": reference,
            "key_hash": key_hash,
            "nonce": nonce,
            "bad": bad,
            "since": now - timedelta(minutes=1),
        },
    ).one()
    earlier = tuple(
        Earlier(UUID(id), order, bytes.fromhex(key), bytes.fromhex(body))
        for id, order, key, body in row.earlier or ()
    )
    stopped = tuple(row.stopped or ())
    return Before(earlier, row.nonce_used, row.bad_codes, row.first_bad, stopped)


def nonce_used(session: Session, nonce: bytes) -> bool:
    """Whether a code was redeemed before."""
    return session.execute(select(_ROW.c.id).where(_ROW.c.nonce == nonce)).first() is not None


def redemptions(
    session: Session, *where: ColumnElement[bool], limit: int | None = None
) -> list[Redemption]:
    """Redemptions that match, newest first."""
    rows = list(
        session.scalars(
            select(RedemptionRow)
            .where(*where)
            .order_by(RedemptionRow.occurred_at.desc(), RedemptionRow.id.desc())
            .limit(limit)
        )
    )
    offers = campaigns.terms(session, offers={OfferId(row.offer_id) for row in rows})
    shops = merchants.shop_names(session, shops=[ShopId(i) for i in {r.shop_id for r in rows}])
    return [
        Redemption(
            RedemptionId(row.id),
            VoucherId(row.voucher_id),
            offers[OfferId(row.offer_id)].title,
            ShopId(row.shop_id),
            *shops[ShopId(row.shop_id)],
            CashierId(row.cashier_id),
            row.order_reference,
            row.payment_reference,
            row.order_amount_fen,
            row.discount_fen,
            row.refunded_fen,
            row.refunded_discount_fen,
            row.status,
            row.phase,
            row.occurred_at,
            row.code_window,
        )
        for row in rows
    ]


def of_shop(
    shop: ShopId, span: tuple[datetime, datetime], cursor: tuple[datetime, UUID] | None
) -> ColumnElement[bool]:
    """A shop's redemptions in a span of time, after a cursor."""
    within = and_(
        RedemptionRow.shop_id == shop,
        RedemptionRow.occurred_at >= span[0],
        RedemptionRow.occurred_at < span[1],
    )
    if cursor is None:
        return within
    at, id = cursor
    return and_(
        within,
        or_(
            RedemptionRow.occurred_at < at,
            and_(RedemptionRow.occurred_at == at, RedemptionRow.id < id),
        ),
    )


def summary(session: Session, *, shop: ShopId, span: tuple[datetime, datetime]) -> Summary:
    """Totals of a shop's committed redemptions in a span of time."""
    row = session.execute(
        select(
            func.count(),
            func.sum(_ROW.c.order_amount_fen),
            func.sum(_ROW.c.discount_fen),
            func.sum(_ROW.c.refunded_fen),
        ).where(
            _ROW.c.shop_id == shop,
            _ROW.c.status == Status.COMMITTED,
            _ROW.c.occurred_at >= span[0],
            _ROW.c.occurred_at < span[1],
        )
    ).one()
    order, discount, refunded = (part or ZERO for part in row[1:])
    return Summary(row[0], order, discount, order - discount, refunded)
