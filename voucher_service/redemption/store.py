"""Reads and writes of redemptions; decides nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    and_,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.infra.database import array
from voucher_service.kernel.ids import CashierId, OfferId, RedemptionId, ShopId, VoucherId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.merchants import service as merchants
from voucher_service.stops import service as stops
from voucher_service.tradein.qualifications import QualificationId
from voucher_service.tradein.sales import service as sales
from voucher_service.tradein.sales.model import Sale

from .model import OtherDiscount, Payer, Redemption, Status, Summary, Tombstone
from .tables import RedemptionRow, RefundRow

_ROW: Any = RedemptionRow.__table__
_REFUND: Any = RefundRow.__table__
_COLUMNS = ", ".join(one.name for one in _ROW.columns if one.name != "recorded_at")
# What another order, key, code or live use of the voucher has taken is simply not there afterwards.
_INSERT = text(f"""
INSERT INTO redemption ({_COLUMNS})
SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::redemption, CAST(:rows AS jsonb))
ON CONFLICT DO NOTHING RETURNING id
""")  # noqa: S608 - a constant of the code
_INSERT_REFUSALS = text("""
INSERT INTO redemption_refusal (shop_id, cashier_id, voucher_id, qualification_id, code,
    order_reference, order_amount_fen, occurred_at, address_prefix, device_id, agent_hash)
SELECT shop_id, cashier_id, voucher_id, qualification_id, code, order_reference, order_amount_fen,
    occurred_at, address_prefix, device_id, agent_hash
FROM jsonb_populate_recordset(NULL::redemption_refusal, CAST(:rows AS jsonb))
""")
# One round trip for all that tills must know of the past before it is decided.
_PASTS = text(f"""
SELECT
    (SELECT jsonb_agg(jsonb_build_array(r.id, r.order_reference, encode(r.key_hash, 'hex'),
         encode(r.body_hash, 'hex'), r.status))
     FROM redemption r WHERE r.shop_id = ask.shop
         AND (r.order_reference = ask.reference OR r.key_hash = ask.key_hash)) AS earlier,
    EXISTS (SELECT FROM redemption r WHERE r.nonce = ask.nonce) AS nonce_used,
    bad.codes, bad.first,
    {stops.REDEMPTIONS_STOPPED} AS stopped
FROM unnest(CAST(:shops AS uuid[]), CAST(:references AS text[]), CAST(:key_hashes AS bytea[]),
        CAST(:nonces AS bytea[]))
    WITH ORDINALITY AS ask (shop, reference, key_hash, nonce, place)
CROSS JOIN LATERAL (
    SELECT count(*) AS codes, min(occurred_at) AS first FROM redemption_refusal
    WHERE shop_id = ask.shop AND occurred_at > :since
        AND code IN ('code_invalid', 'id_last_four_wrong')) bad
ORDER BY ask.place
""")  # noqa: S608 - a constant of the code
# Of a shop's day: not the freezes that came to nothing.
SHOWN = (Status.FROZEN, Status.COMMITTED, Status.REVERSED)
_LIVE = RedemptionRow.status.in_((Status.FROZEN, Status.COMMITTED))


@dataclass(frozen=True, slots=True)
class Earlier:
    """A request of this shop under the same order reference or the same key."""

    id: UUID
    order_reference: str
    key_hash: bytes
    body_hash: bytes
    status: Status


@dataclass(frozen=True, slots=True)
class Past:
    """What happened before: the same request, the same code, the last minute's unreadable codes.

    `stopped`: what redemptions are stopped of, by id.
    """

    earlier: tuple[Earlier, ...]
    nonce_used: bool
    bad_codes: int
    first_bad: datetime | None
    stopped: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Freeze:
    """A redemption that holds a voucher or a qualification (`claimed`). `over`: its time had passed
    when it was read.
    """

    id: RedemptionId
    claimed: UUID
    expires_at: datetime
    over: bool


def insert_new(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Insert redemptions; the ids of those whose order, key, code and voucher were free."""
    return set(session.execute(_INSERT, {"rows": _json(rows)}).scalars())


def insert_refusals(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append refused attempts."""
    session.execute(_INSERT_REFUSALS, {"rows": _json(rows)})


def pasts(
    session: Session,
    *,
    shops: Sequence[ShopId],
    references: Sequence[str],
    key_hashes: Sequence[bytes],
    nonces: Sequence[bytes],
    now: datetime,
) -> list[Past]:
    """What these requests have behind them, one for each, in order."""
    rows = session.execute(
        _PASTS,
        {
            "shops": array(shops),
            "references": array(references),
            "key_hashes": array(key_hashes),
            "nonces": array(nonces),
            "since": now - timedelta(minutes=1),
        },
    )
    return [
        Past(
            tuple(
                Earlier(UUID(id), order, bytes.fromhex(key), bytes.fromhex(body), Status(status))
                for id, order, key, body, status in row.earlier or ()
            ),
            row.nonce_used,
            row.codes,
            row.first,
            tuple(row.stopped or ()),
        )
        for row in rows
    ]


def unexpired(at: datetime | None) -> ColumnElement[bool]:
    """Whether a freeze still holds, by the clock of PostgreSQL unless another instant is told.

    Judged by the statement that commits: a timer or an older reading could be late.
    """
    instant = literal(at, DateTime(timezone=True))
    return RedemptionRow.freeze_expires_at > func.coalesce(instant, func.clock_timestamp())


def claimed_in(ids: Collection[UUID]) -> ColumnElement[bool]:
    """Redemptions of these vouchers and qualifications."""
    return or_(RedemptionRow.voucher_id.in_(ids), RedemptionRow.qualification_id.in_(ids))


def freezes(
    session: Session, *where: ColumnElement[bool], at: datetime | None, limit: int | None = None
) -> list[Freeze]:
    """Frozen redemptions that match, those first that end first."""
    rows = session.execute(
        select(
            RedemptionRow.id,
            func.coalesce(RedemptionRow.voucher_id, RedemptionRow.qualification_id),
            RedemptionRow.freeze_expires_at,
            unexpired(at).label("holds"),
        )
        .where(RedemptionRow.status == Status.FROZEN, *where)
        .order_by(RedemptionRow.freeze_expires_at)
        .limit(limit)
    )
    return [
        Freeze(RedemptionId(id), claimed, expires_at, not holds)
        for id, claimed, expires_at, holds in rows
        if expires_at is not None
    ]


def beside(
    session: Session, tickets: Collection[tuple[ShopId, str]]
) -> dict[tuple[UUID, str], list[OfferId]]:
    """The offers of the vouchers that are on these receipts already."""
    found: dict[tuple[UUID, str], list[OfferId]] = {}
    if not tickets:
        return found
    here = tuple_(RedemptionRow.shop_id, RedemptionRow.ticket_reference).in_(tickets)
    rows = session.execute(
        select(RedemptionRow.shop_id, RedemptionRow.ticket_reference, RedemptionRow.offer_id).where(
            here, _LIVE, RedemptionRow.voucher_id.is_not(None)
        )
    )
    for shop, ticket, offer in rows:
        if ticket is not None and offer is not None:
            found.setdefault((shop, ticket), []).append(OfferId(offer))
    return found


def next_parts(session: Session, vouchers: Collection[VoucherId]) -> dict[UUID, int]:
    """The number of the next order of vouchers that are spent bit by bit; 1 is not said."""
    if not vouchers:
        return {}
    rows = session.execute(
        select(RedemptionRow.voucher_id, func.max(RedemptionRow.part) + 1)
        .where(RedemptionRow.voucher_id.in_(vouchers))
        .group_by(RedemptionRow.voucher_id)
    )
    return {voucher: part for voucher, part in rows if voucher is not None and part is not None}


def nonce_used(session: Session, nonce: bytes) -> bool:
    """Whether a code was redeemed before."""
    return session.execute(select(_ROW.c.id).where(_ROW.c.nonce == nonce)).first() is not None


def row(session: Session, *where: ColumnElement[bool], lock: bool = False) -> RedemptionRow | None:
    """One redemption or tombstone as it stands, locked if wanted."""
    statement = select(RedemptionRow).where(*where).execution_options(populate_existing=True)
    return session.scalars(statement.with_for_update() if lock else statement).one_or_none()


def redemptions(
    session: Session, *where: ColumnElement[bool], limit: int | None = None
) -> list[Redemption]:
    """Redemptions that match, newest first; no tombstones."""
    rows = list(
        session.scalars(
            select(RedemptionRow)
            .where(RedemptionRow.status != Status.REFUSED, *where)
            .order_by(RedemptionRow.occurred_at.desc(), RedemptionRow.id.desc())
            .limit(limit)
            .execution_options(populate_existing=True)
        )
    )
    offers = campaigns.terms(
        session, offers={OfferId(one.offer_id) for one in rows if one.offer_id}
    )
    shops = merchants.shop_names(session, shops=[ShopId(i) for i in {r.shop_id for r in rows}])
    units = sales.sales_of(
        session, ids=[RedemptionId(one.id) for one in rows if one.qualification_id]
    )
    return [
        redemption_of(
            vars(one),
            offers[OfferId(one.offer_id)].title if one.offer_id else "",
            *shops[ShopId(one.shop_id)],
            sale=units.get(RedemptionId(one.id)),
        )
        for one in rows
    ]


def redemption_of(
    values: Mapping[str, Any], offer: str, shop: str, merchant: str, *, sale: Sale | None = None
) -> Redemption:
    """The redemption of a row's values, with the names of its offer, shop and merchant."""
    voucher, qualification = values["voucher_id"], values["qualification_id"]
    return Redemption(
        RedemptionId(values["id"]),
        VoucherId(voucher) if voucher else None,
        offer,
        ShopId(values["shop_id"]),
        shop,
        merchant,
        CashierId(values["cashier_id"]),
        values["order_reference"],
        values["payment_reference"],
        values["order_amount_fen"],
        values["discount_fen"],
        values["refunded_fen"],
        values["refunded_discount_fen"],
        values["status"],
        values["phase"],
        values["occurred_at"],
        values["code_window"],
        OfferId(values["offer_id"]),
        values["part"],
        values["paid_fen"],
        tuple(
            OtherDiscount(Payer(one["payer"]), Money(one["amount_fen"]))
            for one in values["discounts"] or ()
        ),
        values["ticket_reference"],
        values["freeze_expires_at"],
        values["reason"],
        values["source"],
        QualificationId(qualification) if qualification else None,
        sale,
    )


def tombstone_of(found: RedemptionRow) -> Tombstone:
    """The tombstone that a row is."""
    return Tombstone(
        RedemptionId(found.id),
        ShopId(found.shop_id),
        CashierId(found.cashier_id),
        found.order_reference,
        found.reason or "",
        found.occurred_at,
    )


def of_shop(
    shop: ShopId, span: tuple[datetime, datetime], cursor: tuple[datetime, UUID] | None
) -> ColumnElement[bool]:
    """A shop's redemptions in a span of time, after a cursor."""
    within = and_(
        RedemptionRow.shop_id == shop,
        RedemptionRow.status.in_(SHOWN),
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
    """Totals of a shop's committed redemptions in a span of time, and of the refunds in it."""
    row = session.execute(
        select(
            func.count(),
            func.sum(_ROW.c.order_amount_fen),
            func.sum(_ROW.c.discount_fen),
            func.sum(_ROW.c.paid_fen),
            select(func.sum(_REFUND.c.amount_fen))
            .where(
                _REFUND.c.shop_id == shop,
                _REFUND.c.occurred_at >= span[0],
                _REFUND.c.occurred_at < span[1],
            )
            .scalar_subquery(),
        ).where(
            _ROW.c.shop_id == shop,
            _ROW.c.status == Status.COMMITTED,
            _ROW.c.occurred_at >= span[0],
            _ROW.c.occurred_at < span[1],
        )
    ).one()
    order, discount, paid, refunded = (part or ZERO for part in row[1:])
    return Summary(row[0], order, discount, order - discount, paid, refunded)


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps([dict(one) for one in rows], default=_spelt)


def _spelt(value: object) -> object:
    if isinstance(value, Money):
        return value.fen
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return value.isoformat() if isinstance(value, datetime) else str(value)
