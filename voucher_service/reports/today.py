"""What happens today, by area: read from the rows themselves, so that a board is live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import ProgrammeId
from voucher_service.kernel.money import ZERO, Money

# By the areas of the report: a claim by the campaign's, an order by the shop's.
_TODAY = text("""
    WITH offers AS (
        SELECT offer.id, campaign.area FROM offer JOIN campaign ON campaign.id = offer.campaign_id
        WHERE campaign.programme_id = :programme AND campaign.kind = 'voucher'),
    claims AS (
        SELECT offers.area, sum(voucher.face_value_fen) AS issued
        FROM voucher JOIN offers ON offers.id = voucher.offer_id
        WHERE voucher.occurred_at >= :since AND voucher.holds_slot GROUP BY offers.area),
    orders AS (
        SELECT shop.area, sum(discount_fen - refunded_discount_fen) AS redeemed,
            sum(order_amount_fen - refunded_fen) AS leveraged
        FROM redemption JOIN offers ON offers.id = redemption.offer_id
        JOIN shop ON shop.id = redemption.shop_id
        WHERE redemption.occurred_at >= :since AND redemption.status = 'committed'
            AND redemption.voucher_id IS NOT NULL GROUP BY shop.area)
    SELECT area, coalesce(issued, 0) AS issued, coalesce(redeemed, 0) AS redeemed,
        coalesce(leveraged, 0) AS leveraged
    FROM claims FULL JOIN orders USING (area)""")


@dataclass(frozen=True, slots=True)
class Today:
    """What was issued, redeemed and leveraged in an area since the day began, net of refunds."""

    issued: Money = ZERO
    redeemed: Money = ZERO
    leveraged: Money = ZERO


def by_area(session: Session, *, programme: ProgrammeId, since: datetime) -> Mapping[str, Today]:
    """Each area in which something happened since then."""
    rows = session.execute(_TODAY, {"programme": programme, "since": since})
    return {
        row.area: Today(Money(int(row.issued)), Money(int(row.redeemed)), Money(int(row.leveraged)))
        for row in rows
    }
