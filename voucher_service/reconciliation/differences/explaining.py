"""Which open differences a new file ends, or our own books; decides by statements alone."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId, ShopId

from .layout import Against, Format
from .model import DifferenceId

# Open differences that a new file explains: what we alone had stands in it.
_FOUND_THERE = text("""
SELECT d.id
FROM difference d
JOIN channel_line l ON l.file_id = :file AND l.kind = d.kind AND l.file_line IS NOT NULL
    AND coalesce(l.redemption_id, l.payment_id) = coalesce(d.redemption_id, d.payment_id)
WHERE d.channel = :channel AND d.scope = :scope AND d.status = 'open'
  AND d.finding = 'only_ours' AND (d.kind = 'payment' OR l.reference = d.reference)
""")
# … what they alone had has come to our books since, with the same sum …
_FOUND_HERE = text("""
SELECT d.id
FROM difference d
JOIN channel_line l ON l.file_id = d.file_id AND l.place = d.place
WHERE d.channel = :channel AND d.scope = :scope AND d.status = 'open'
  AND d.finding = 'only_theirs' AND d.kind = 'payment' AND EXISTS (
    SELECT FROM redemption r
    WHERE r.status = 'committed' AND (
        CAST(:shop AS uuid) IS NULL AND r.payment_reference = d.reference
        OR r.shop_id = :shop AND r.order_reference = d.reference)
      AND (CAST(:merchant AS uuid) IS NULL OR r.merchant_id = :merchant)
      AND (l.their_paid_fen IS NULL
        OR l.their_paid_fen = coalesce(r.paid_fen, r.order_amount_fen - r.discount_fen)))
""")
# … or a payment stands in our books as the bank says, or no longer as one that it paid …
_PAID_HERE = text("""
SELECT d.id
FROM difference d
JOIN channel_line l ON l.file_id = d.file_id AND l.place = d.place
JOIN settlement_payment p ON p.flow_number = d.reference
WHERE d.channel = :channel AND d.scope = :scope AND d.status = 'open' AND (
    d.finding = 'only_theirs' AND p.amount_fen = l.their_paid_fen
        AND CASE d.kind WHEN 'refund' THEN p.status IN ('bounced', 'returned', 'corrected')
            ELSE p.status IN ('sent', 'paid') OR p.returned_at IS NOT NULL END
    OR d.finding = 'only_ours' AND d.kind = 'payment'
        AND p.status IN ('bounced', 'returned', 'corrected'))
""")
# … and what earlier files about the same days said, and this one no longer does.
_NO_LONGER = text("""
SELECT d.id
FROM difference d
JOIN channel_file f ON f.id = d.file_id
JOIN channel_file now ON now.id = :file
    AND (now.first_day, now.last_day) = (f.first_day, f.last_day)
WHERE d.channel = :channel AND d.scope = :scope AND d.status = 'open'
  AND (d.kind, d.reference, d.ordinal, d.finding) NOT IN (
    SELECT l.kind, l.reference, l.ordinal, l.finding FROM channel_line l
    WHERE l.file_id = :file AND l.finding <> 'matched')
""")


def explained(
    session: Session,
    *,
    file: UUID,
    format: Format,
    scope: str,
    merchant: MerchantId | None,
    shop: ShopId | None,
) -> dict[DifferenceId, str]:
    """Open differences that end by a new file, with the reason: `there here booked replaced`."""
    told = {
        "file": file,
        "channel": format.channel,
        "scope": scope,
        "merchant": merchant,
        "shop": shop,
    }
    of_bank = format.against is Against.TRANSFERS
    ours = ("booked", _PAID_HERE) if of_bank else ("here", _FOUND_HERE)
    reasons = (("replaced", _NO_LONGER), ("there", _FOUND_THERE), ours)
    return {
        DifferenceId(id): why
        for why, statement in reasons
        for id in session.scalars(statement, told)
    }
