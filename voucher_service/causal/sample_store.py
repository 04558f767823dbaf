"""What the keys, shops and areas that an invented file is about have redeemed; decides nothing."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import Money

_KEYS = text("""
SELECT encode(k.key, 'hex'), coalesce(sum(r.discount_fen - r.refunded_discount_fen), 0)
FROM outcome_key k
LEFT JOIN voucher v ON v.resident_id = k.resident_id
LEFT JOIN redemption r ON r.voucher_id = v.id AND r.offer_id = k.offer_id
    AND r.status = 'committed'
WHERE k.offer_id = :offer AND k.provider = :provider
GROUP BY k.key ORDER BY k.key
""")
_SHOPS = text("""
SELECT shop_id::text, sum(discount_fen - refunded_discount_fen)
FROM redemption WHERE offer_id = :offer AND status = 'committed'
GROUP BY shop_id ORDER BY shop_id
""")
_AREAS = text("""
SELECT s.area, sum(r.discount_fen - r.refunded_discount_fen)
FROM redemption r
JOIN shop s ON s.id = r.shop_id
JOIN offer o ON o.id = r.offer_id
JOIN campaign c ON c.id = o.campaign_id
WHERE c.programme_id = :programme AND r.status = 'committed' AND r.voucher_id IS NOT NULL
GROUP BY s.area ORDER BY s.area
""")


def keys(session: Session, offer: OfferId, provider: str) -> dict[str, Money]:
    """Each key handed to a provider for an offer, and what its person redeemed of it."""
    told = session.execute(_KEYS, {"offer": offer, "provider": provider})
    return {key: Money(int(amount)) for key, amount in told}


def shops(session: Session, offer: OfferId) -> dict[str, Money]:
    """Each shop that redeemed an offer, and how much."""
    told = session.execute(_SHOPS, {"offer": offer})
    return {shop: Money(int(amount)) for shop, amount in told}


def areas(session: Session, programme: UUID) -> dict[str, Money]:
    """Each area of shops that redeemed vouchers of a programme, and how much."""
    told = session.execute(_AREAS, {"programme": programme})
    return {area: Money(int(amount)) for area, amount in told}
