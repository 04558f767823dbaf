"""A file as a channel would write it if it knew what our books know: to try imports with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import BinaryIO

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.ids import ShopId

from . import comparing, formats, writing
from .checks import check_scope
from .layout import Against, Format, LineKind, Told

_AT_ONCE = 1_000
_PAYMENTS = text("""
SELECT 'payment' AS kind, payment_reference AS reference, occurred_at AS at,
    order_amount_fen - coalesce(c.order_fen, 0) AS order_amount_fen,
    r.discount_fen - coalesce(c.discount_fen, 0) AS discount_fen,
    coalesce(r.paid_fen, order_amount_fen - r.discount_fen) - coalesce(c.paid_fen, 0) AS paid_fen
FROM redemption r LEFT JOIN channel_corrected c ON c.redemption_id = r.id
WHERE status = 'committed' AND occurred_at >= :first AND occurred_at < :last
  AND payment_reference ~ :ours AND coalesce(c.order_fen < order_amount_fen, true)
UNION ALL
SELECT 'refund', r.payment_reference, f.occurred_at, NULL, NULL, f.cash_part_fen
FROM redemption_refund f JOIN redemption r ON r.id = f.redemption_id
WHERE f.occurred_at >= :first AND f.occurred_at < :last AND f.cash_part_fen > 0
  AND r.payment_reference ~ :ours
  AND NOT EXISTS (SELECT FROM difference_refund d WHERE d.refund_id = f.id)
ORDER BY at, reference
""")
_ORDERS = text("""
SELECT 'payment' AS kind, order_reference AS reference, occurred_at AS at,
    order_amount_fen - coalesce(c.order_fen, 0) AS order_amount_fen,
    r.discount_fen - coalesce(c.discount_fen, 0) AS discount_fen,
    coalesce(r.paid_fen, order_amount_fen - r.discount_fen) - coalesce(c.paid_fen, 0) AS paid_fen
FROM redemption r LEFT JOIN channel_corrected c ON c.redemption_id = r.id
WHERE shop_id = :shop AND status = 'committed' AND occurred_at >= :first AND occurred_at < :last
  AND coalesce(c.order_fen < order_amount_fen, true)
ORDER BY occurred_at, id
""")
_TRANSFERS = text("""
SELECT kind, flow_number AS reference, at, NULL AS order_amount_fen, NULL AS discount_fen,
    amount_fen AS paid_fen
FROM settlement_payment CROSS JOIN LATERAL (VALUES
    ('payment', CASE WHEN answer = 'paid' THEN answered_at END),
    ('refund', CASE WHEN answer = 'paid' THEN returned_at ELSE answered_at END)) AS told (kind, at)
WHERE status IN ('paid', 'bounced', 'returned', 'corrected') AND at >= :first AND at < :last
ORDER BY at, flow_number, kind
""")
_STATEMENTS = {
    Against.PAYMENTS: _PAYMENTS,
    Against.ORDERS: _ORDERS,
    Against.TRANSFERS: _TRANSFERS,
}


def sample(core: Core, *, format: str, day: date, out: BinaryIO, shop: ShopId | None = None) -> int:
    """Write the file of one business day; how many lines.

    Raises ChannelFormatUnknown, and ScopeInvalid for a till's format without a shop.
    """
    found = formats.get(format)
    check_scope(found, merchant=None, shop=shop)
    with core.transaction() as session:
        comparing.note_corrections(session)
        return writing.write(found, _lines(session, found, day, shop), out).lines


def _lines(session: Session, format: Format, day: date, shop: ShopId | None) -> Iterator[Told]:
    told = {
        "first": format.begins(day),
        "last": format.begins(day + timedelta(days=1)),
        "ours": format.ours,
        "shop": shop,
    }
    rows = session.execute(_STATEMENTS[format.against].execution_options(yield_per=_AT_ONCE), told)
    for row in rows:
        yield Told(
            0,
            LineKind(row.kind),
            row.reference,
            row.at,
            format.business_day(row.at),
            row.order_amount_fen,
            row.discount_fen,
            row.paid_fen,
        )
