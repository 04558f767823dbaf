"""Two accounts side by side, as sets in PostgreSQL: what `model.match` says of a shop's day, said
of a million lines. Decides by one statement, which an outsider can read.

Both sides stand in temporary tables of the transaction: `channel_theirs` as the file was read, and
`channel_ours`, what our books have of the same days or under the same references.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.kernel.money import Money

from ..model import Finding
from .layout import Against, Days, Format, LineKind, Told
from .model import ChannelFileId

_DAY = timedelta(days=1)
_SETTINGS = (
    "statement_timeout = '15min'",
    "idle_in_transaction_session_timeout = '15min'",
    "work_mem = '128MB'",
)
_THEIRS = """
CREATE TEMP TABLE channel_theirs (line int, kind text, reference text, at timestamptz, day date,
    order_fen bigint, discount_fen bigint, paid_fen bigint) ON COMMIT DROP
"""
_OURS = """
CREATE TEMP TABLE channel_ours (kind text, reference text, id uuid, refund_id uuid, at timestamptz,
    order_fen bigint, discount_fen bigint, paid_fen bigint, undone boolean, expected boolean)
    ON COMMIT DROP
"""
# What corrections took from orders: a part of what our books say of a payment, and no refunds that
# a channel knows of.
_CORRECTED = """
CREATE TEMP TABLE channel_corrected ON COMMIT DROP AS
SELECT f.redemption_id, CAST(sum(f.amount_fen) AS bigint) AS order_fen,
    CAST(sum(f.subsidy_part_fen) AS bigint) AS discount_fen,
    CAST(sum(f.cash_part_fen) AS bigint) AS paid_fen
FROM difference_refund c JOIN redemption_refund f ON f.id = c.refund_id
GROUP BY f.redemption_id
"""
_SIDES = ("ours_fen", "theirs_fen")
_COPY = "COPY channel_theirs FROM STDIN"
# Orders of one ticket are paid together: they stand as one. What came to nothing has no sums.
_PAYMENTS = text("""
INSERT INTO channel_ours
WITH expected AS (
    SELECT *, true AS expected FROM redemption
    WHERE occurred_at >= :first AND occurred_at < :last AND payment_reference ~ :ours
      AND status = 'committed'
), named AS (
    SELECT *, false AS expected FROM redemption
    WHERE payment_reference IN (SELECT reference FROM channel_theirs WHERE kind = 'payment')
      AND status <> 'frozen'
      AND NOT (occurred_at >= :first AND occurred_at < :last AND payment_reference ~ :ours
        AND status = 'committed')
), found AS (
    SELECT id, payment_reference AS reference, ticket_reference, shop_id, occurred_at AS at,
        order_amount_fen - coalesce(c.order_fen, 0) AS order_fen,
        r.discount_fen - coalesce(c.discount_fen, 0) AS discount_fen,
        coalesce(r.paid_fen, order_amount_fen - r.discount_fen) - coalesce(c.paid_fen, 0)
            AS paid_fen,
        status <> 'committed' OR coalesce(c.order_fen >= order_amount_fen, false) AS undone,
        expected
    FROM (SELECT * FROM expected UNION ALL SELECT * FROM named) r
    LEFT JOIN channel_corrected c ON c.redemption_id = r.id
    WHERE CAST(:merchant AS uuid) IS NULL OR merchant_id = :merchant
), alone AS (
    SELECT * FROM found WHERE ticket_reference IS NULL
    UNION ALL
    SELECT (array_agg(id ORDER BY at, id))[1], reference, ticket_reference, shop_id, min(at),
        sum(order_fen), sum(discount_fen), sum(paid_fen), undone, bool_or(expected)
    FROM found WHERE ticket_reference IS NOT NULL
    GROUP BY reference, shop_id, ticket_reference, undone
)
SELECT 'payment', reference, id, NULL, at, CASE WHEN undone THEN 0 ELSE order_fen END,
    CASE WHEN undone THEN 0 ELSE discount_fen END, CASE WHEN undone THEN 0 ELSE paid_fen END,
    undone, expected
FROM alone
""")
_REFUNDS = text("""
INSERT INTO channel_ours
SELECT 'refund', r.payment_reference, r.id, f.id, f.occurred_at, NULL, NULL, f.cash_part_fen,
    false, f.occurred_at >= :first AND f.occurred_at < :last AND r.payment_reference ~ :ours
FROM redemption_refund f JOIN redemption r ON r.id = f.redemption_id
WHERE r.payment_reference IS NOT NULL AND f.cash_part_fen > 0
  AND (CAST(:merchant AS uuid) IS NULL OR r.merchant_id = :merchant)
  AND (
    f.occurred_at >= :first AND f.occurred_at < :last AND r.payment_reference ~ :ours
    OR r.payment_reference IN (SELECT reference FROM channel_theirs WHERE kind = 'refund')
  )
  AND NOT EXISTS (SELECT FROM difference_refund c WHERE c.refund_id = f.id)
""")
_ORDERS = text("""
INSERT INTO channel_ours
SELECT 'payment', r.order_reference, r.id, NULL, r.occurred_at,
    CASE WHEN r.status = 'committed' THEN r.order_amount_fen - coalesce(c.order_fen, 0) ELSE 0 END,
    CASE WHEN r.status = 'committed' THEN r.discount_fen - coalesce(c.discount_fen, 0) ELSE 0 END,
    CASE WHEN r.status = 'committed'
        THEN coalesce(r.paid_fen, r.order_amount_fen - r.discount_fen) - coalesce(c.paid_fen, 0)
        ELSE 0 END,
    r.status <> 'committed' OR coalesce(c.order_fen >= r.order_amount_fen, false),
    r.occurred_at >= :first AND r.occurred_at < :last
FROM redemption r LEFT JOIN channel_corrected c ON c.redemption_id = r.id
WHERE r.shop_id = :shop AND r.status <> 'frozen' AND (
    r.status = 'committed' AND r.occurred_at >= :first AND r.occurred_at < :last
    OR r.order_reference IN (SELECT reference FROM channel_theirs)
)
""")
# A payment is expected on the day of the bank's answer. Without one it is missed once all days
# passed on which it may stand, unless a file had it. What came back is expected as such;
# that it was paid before is known and not missed. What came back days after it was paid is expected
# twice, as a payment and as its return, each on its day. A payment of which the bank has nothing
# but its return is no second difference beside that.
_TRANSFERS = text("""
INSERT INTO channel_ours
WITH theirs AS (
    SELECT reference, bool_or(kind = 'payment') AS paid FROM channel_theirs GROUP BY reference
), seen AS (
    SELECT l.payment_id FROM channel_file f JOIN channel_line l ON l.file_id = f.id
    WHERE f.channel = :channel AND f.last_day >= :since AND l.payment_id IS NOT NULL
      AND l.file_line IS NOT NULL
), found AS (
    SELECT p.id, p.flow_number, p.amount_fen, p.status, p.returned_at, t.paid,
        coalesce(p.answered_at, b.sent_at) AS at,
        coalesce(p.returned_at, p.answered_at) AS back_at,
        coalesce(p.returned_at, p.answered_at) >= :first
            AND coalesce(p.returned_at, p.answered_at) < :last AS back_expected,
        p.answered_at >= :first AND p.answered_at < :last OR p.answered_at IS NULL
            AND b.sent_at >= :sent_first AND b.sent_at < :sent_last
            AND p.id NOT IN (SELECT payment_id FROM seen) AS expected
    FROM settlement_payment p JOIN settlement b ON b.id = p.batch_id
    LEFT JOIN theirs t ON t.reference = p.flow_number
    WHERE b.sent_at IS NOT NULL AND (
        t.reference IS NOT NULL
        OR p.answered_at >= :first AND p.answered_at < :last
        OR p.returned_at >= :first AND p.returned_at < :last
        OR p.status = 'sent' AND b.sent_at >= :sent_first AND b.sent_at < :sent_last)
)
SELECT 'payment', flow_number, id, NULL::uuid, at, NULL::bigint, NULL::bigint, amount_fen,
    status = 'withdrawn', expected AND paid IS NOT FALSE
        AND (status IN ('sent', 'paid') OR returned_at IS NOT NULL)
FROM found
UNION ALL
SELECT 'refund', flow_number, id, NULL, back_at, NULL, NULL, amount_fen, false, back_expected
FROM found WHERE status IN ('bounced', 'returned', 'corrected')
""")
# A payment is found by its reference, a second line of it is a duplicate; so is a second order of
# ours that names the same payment. Several refunds of one payment are told apart by their sums,
# where there may be several.
_COMPARE = text("""
INSERT INTO channel_line (file_id, place, kind, reference, ordinal, finding, differs, redemption_id,
    payment_id, refund_id, our_at, our_order_fen, our_discount_fen, our_paid_fen, file_line,
    their_at, their_day, their_order_fen, their_discount_fen, their_paid_fen)
WITH theirs AS (
    SELECT *, row_number() OVER (
        PARTITION BY kind, reference, CASE WHEN several THEN paid_fen END ORDER BY line
    ) AS ordinal, CASE WHEN several THEN paid_fen ELSE 0 END AS part
    FROM (SELECT *, kind = 'refund' AND :several AS several FROM channel_theirs) t
), ours AS (
    SELECT *, row_number() OVER (
        PARTITION BY kind, reference, CASE WHEN several THEN paid_fen END ORDER BY undone, at, id
    ) AS ordinal, CASE WHEN several THEN paid_fen ELSE 0 END AS part
    FROM (SELECT *, kind = 'refund' AND :several AS several FROM channel_ours) o
), pairs AS (
    SELECT coalesce(t.kind, o.kind) AS kind, coalesce(t.reference, o.reference) AS reference,
        coalesce(t.ordinal, o.ordinal) AS ordinal, coalesce(t.several, o.several) AS several, o.id,
        o.refund_id, o.undone, o.at AS our_at,
        o.order_fen AS our_order_fen, o.discount_fen AS our_discount_fen,
        o.paid_fen AS our_paid_fen, t.line, t.at AS their_at, t.day AS their_day,
        t.order_fen AS their_order_fen, t.discount_fen AS their_discount_fen,
        t.paid_fen AS their_paid_fen,
        array_remove(ARRAY[
            CASE WHEN abs(o.order_fen - t.order_fen) > :tolerance THEN 'order' END,
            CASE WHEN abs(o.discount_fen - t.discount_fen) > :tolerance THEN 'discount' END,
            CASE WHEN abs(o.paid_fen - t.paid_fen) > :tolerance THEN 'paid' END
        ], NULL) AS differs
    FROM theirs t FULL JOIN ours o ON o.kind = t.kind AND o.reference = t.reference
        AND o.part = t.part
        AND o.ordinal = CASE WHEN t.several THEN t.ordinal ELSE 1 END
    WHERE t.line IS NOT NULL
       OR NOT o.undone AND (o.expected OR o.kind = 'payment' AND o.ordinal > 1)
), judged AS (
    SELECT *, CASE
        WHEN NOT several AND ordinal > 1 THEN 'duplicate'
        WHEN line IS NULL THEN 'only_ours'
        WHEN id IS NULL THEN 'only_theirs'
        WHEN undone THEN 'undone'
        WHEN differs <> '{}' THEN 'amount_differs'
        WHEN their_day <> CAST(our_at AT TIME ZONE 'UTC' + :offset AS date) THEN 'date_shifted'
        ELSE 'matched' END AS finding
    FROM pairs
)
SELECT :file, row_number() OVER (ORDER BY line NULLS LAST, our_at, id), kind, reference, ordinal,
    finding, CASE finding WHEN 'amount_differs' THEN differs ELSE '{}' END,
    CASE WHEN NOT :transfers THEN id END, CASE WHEN :transfers THEN id END, refund_id, our_at,
    our_order_fen, our_discount_fen, our_paid_fen, line, their_at, their_day, their_order_fen,
    their_discount_fen, their_paid_fen
FROM judged
""")
_COUNT = text("""
SELECT finding, count(*) AS lines,
    coalesce(sum(our_paid_fen) FILTER (
        WHERE kind = 'payment' AND (ordinal = 1 OR file_line IS NULL)), 0) AS ours_fen,
    coalesce(sum(their_paid_fen) FILTER (WHERE kind = 'payment'), 0) AS theirs_fen
FROM channel_line WHERE file_id = :file GROUP BY finding
""")


@dataclass(frozen=True, slots=True)
class Span:
    """The business days that a file is about, and what of ours it may hold."""

    days: Days
    merchant: MerchantId | None
    shop: ShopId | None


def prepare(session: Session) -> None:
    """Make the transaction ready for many rows: its limits, and the temporary tables."""
    for setting in _SETTINGS:
        session.execute(text(f"SET LOCAL {setting}"))
    session.execute(text(_THEIRS))
    session.execute(text(_OURS))
    note_corrections(session)


def note_corrections(session: Session) -> None:
    """Put what corrections took from orders where statements of this transaction look for it."""
    session.execute(text(_CORRECTED))


def stage(session: Session, lines: Iterable[Told]) -> None:
    """Copy the lines of a file. What reading them raises goes through."""
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(_COPY) as stream:
        for one in lines:
            stream.write_row(
                (
                    one.line,
                    one.kind.value,
                    one.reference,
                    one.at,
                    one.day,
                    one.order,
                    one.discount,
                    one.paid,
                )
            )
    session.execute(text("ANALYZE channel_theirs"))


def gather(session: Session, *, format: Format, span: Span) -> None:
    """Put our side beside the file's: what of ours may be in it, and what it names."""
    first, last = span.days.first, span.days.last
    asked = {
        "first": format.begins(first),
        "last": format.begins(last + _DAY),
        "ours": format.ours,
        "merchant": span.merchant,
        "shop": span.shop,
    }
    if format.against is Against.ORDERS:
        session.execute(_ORDERS, asked)
    elif format.against is Against.TRANSFERS:
        shift = timedelta(days=format.shift_days)
        asked |= {
            "channel": format.channel,
            "since": first - 2 * shift,
            "sent_first": format.begins(first - shift),
            "sent_last": format.begins(last + _DAY - shift),
        }
        session.execute(_TRANSFERS, asked)
    else:
        session.execute(_PAYMENTS, asked)
        if LineKind.REFUND in format.kinds.values():
            session.execute(_REFUNDS, asked)
    session.execute(text("ANALYZE channel_ours"))


def compare(session: Session, *, file: ChannelFileId, format: Format) -> None:
    """Keep every line of both sides with what was found for it on the other."""
    transfers = format.against is Against.TRANSFERS
    told = {
        "file": file,
        "tolerance": format.tolerance.fen,
        "offset": format.offset,
        "transfers": transfers,
        "several": not transfers,
    }
    session.execute(_COMPARE, told)


def count(session: Session, *, file: UUID) -> tuple[dict[Finding, int], Money, Money]:
    """How many lines have which finding, and what customers paid by our lines and by theirs."""
    rows = list(session.execute(_COUNT, {"file": file}))
    found = {Finding(row.finding): int(row.lines) for row in rows}
    ours, theirs = (sum(int(getattr(row, side)) for row in rows) for side in _SIDES)
    return {one: found.get(one, 0) for one in Finding}, Money(ours), Money(theirs)
