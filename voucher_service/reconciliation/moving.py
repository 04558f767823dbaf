"""Which days of a programme moved since a horizon, by what was written: the ledger and the trail.

Rows carry the number of their transaction, and a horizon is the lowest number that was still open:
a transaction that commits late has a higher one, so it is seen the next time and never skipped.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.kernel.clock import day_of, end_of, start_of
from voucher_service.kernel.ids import ProgrammeId

from .counting import OFFERS
from .grain import Moved, Span, spans

HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
# What comes into an offer's outstanding was claimed or lives again, what comes into its committed
# was redeemed, or granted to an application: on the day of the transfer. What goes out is told by
# the trail, with the row's id, by which rows are looked up before it is asked whose they are: a
# programme has many. A voucher that lapsed and kept its slot stays issued, one that let go of it
# does not. Releases are published with their campaign, and never change.
_MOVED = text("""
WITH offers AS (
    SELECT o.id, o.campaign_id, c.kind FROM offer o JOIN campaign c ON c.id = o.campaign_id
    WHERE c.programme_id = :programme AND c.status IN ('published', 'paused', 'closed')
), legs AS (
    SELECT DISTINCT e.account_id, date(e.occurred_at AT TIME ZONE 'Asia/Shanghai') AS day
    FROM ledger.entry e WHERE e.xid >= :since AND e.amount_fen > 0
), told AS MATERIALIZED (
    SELECT action, object_id, detail, date(occurred_at AT TIME ZONE 'Asia/Shanghai') AS day
    FROM audit.event
    WHERE xid >= :since AND action IN ('voucher.expired', 'voucher.returned', 'voucher.revived',
        'redemption.reversed', 'redemption.refunded', 'campaign.published')
), ended AS MATERIALIZED (
    SELECT v.offer_id, v.holds_slot, v.valid_until, v.occurred_at
    FROM told, LATERAL (
        SELECT jsonb_array_elements_text(detail -> 'ids') AS id WHERE detail ? 'ids'
        UNION ALL SELECT object_id WHERE NOT coalesce(detail ? 'ids', false)) one
    JOIN voucher v ON v.id = one.id::uuid
    WHERE action LIKE 'voucher.%' AND (v.status = 'expired' OR NOT v.holds_slot)
), undone AS MATERIALIZED (
    SELECT action, day, r.offer_id, r.occurred_at
    FROM told JOIN redemption r ON r.id = object_id::uuid WHERE action LIKE 'redemption.%'
), days AS (
    SELECT CASE a.stage WHEN 'outstanding' THEN 'claims' ELSE 'orders' END AS side, o.kind, l.day
    FROM legs l JOIN ledger.account a ON a.id = l.account_id JOIN offers o ON o.id = a.owner_id
    WHERE a.stage IN ('outstanding', 'committed')
    UNION
    SELECT CASE WHEN holds_slot THEN 'lapses' ELSE 'claims' END, o.kind,
        date(CASE WHEN holds_slot THEN valid_until - interval '1 second' ELSE occurred_at
            END AT TIME ZONE 'Asia/Shanghai')
    FROM ended JOIN offers o ON o.id = offer_id
    UNION
    SELECT 'orders', o.kind, date(occurred_at AT TIME ZONE 'Asia/Shanghai')
    FROM undone JOIN offers o ON o.id = offer_id
    UNION
    SELECT 'orders', o.kind, day FROM undone JOIN offers o ON o.id = offer_id
    WHERE action = 'redemption.refunded'
    UNION
    SELECT 'releases', o.kind, date(r.opens_at AT TIME ZONE 'Asia/Shanghai')
    FROM told JOIN offers o ON o.campaign_id = object_id::uuid JOIN release r ON r.offer_id = o.id
    WHERE action = 'campaign.published'
)
SELECT DISTINCT CASE kind WHEN 'trade_in' THEN 'sales' ELSE side END, day
FROM days WHERE kind = 'voucher' OR side = 'orders'
""")
# An order may give its place as the first of a voucher that is spent in parts to another.
_LATER_PARTS = text(f"""
WITH {OFFERS}
SELECT DISTINCT date(f.occurred_at AT TIME ZONE 'Asia/Shanghai')
FROM redemption r JOIN offers o ON o.id = r.offer_id
JOIN redemption f ON f.voucher_id = r.voucher_id AND f.part > r.part
WHERE o.kind IN ('pack', 'balance') AND r.occurred_at >= :first AND r.occurred_at < :last
""")  # noqa: S608 - a constant of the code, here and below
# Where nothing was claimed yet, what opens. A refund may lie before its order: clocks are set.
_ALL = text(f"""
WITH {OFFERS}, refunded AS (
    SELECT f.occurred_at FROM redemption_refund f
    JOIN redemption r ON r.id = f.redemption_id JOIN offers o ON o.id = r.offer_id)
SELECT coalesce(least(min(v.first), min(r.first), (SELECT min(occurred_at) FROM refunded)),
        min(e.first)),
    coalesce(greatest(max(v.last), max(r.last), (SELECT max(occurred_at) FROM refunded)),
        min(e.first))
FROM offers o
CROSS JOIN LATERAL (SELECT min(opens_at) AS first FROM release WHERE offer_id = o.id) e
CROSS JOIN LATERAL (SELECT min(occurred_at) AS first, max(occurred_at) AS last
                    FROM voucher WHERE offer_id = o.id) v
CROSS JOIN LATERAL (SELECT min(occurred_at) AS first, max(occurred_at) AS last
                    FROM redemption WHERE offer_id = o.id) r
""")  # noqa: S608


def horizon(session: Session) -> int:
    """Every transaction with a lower number has ended."""
    return int(session.execute(HORIZON).scalar_one())


def whole(session: Session, *, programme: ProgrammeId) -> Span | None:
    """The days on which a programme's rows lie, some more perhaps; None while nothing opens."""
    first, last = session.execute(_ALL, {"programme": programme}).one()
    return None if first is None else Span(day_of(first), day_of(last))


def moved(session: Session, *, programme: ProgrammeId, since: int) -> Moved:
    """The days of which rows may have changed that transactions from a horizon on wrote."""
    days: dict[str, set[date]] = {side: set() for side in Moved.__slots__}
    for side, day in session.execute(_MOVED, {"programme": programme, "since": since}):
        days[side].add(day)
    days["orders"] |= _later_parts(session, programme, spans(days["orders"]))
    return Moved(**{side: frozenset(found) for side, found in days.items()})


def _later_parts(session: Session, programme: ProgrammeId, within: Iterable[Span]) -> set[date]:
    found: set[date] = set()
    for one in within:
        span: dict[str, Any] = {"first": start_of(one.first), "last": end_of(one.last)}
        found |= set(session.execute(_LATER_PARTS, {"programme": programme, **span}).scalars())
    return found
