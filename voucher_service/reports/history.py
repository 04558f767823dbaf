"""What became of offers: how many vouchers were taken and spent, how fast, on what orders."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.foreseeing import Past
from voucher_service.campaigns.model import Campaign
from voucher_service.kernel.money import Money

# Vouchers are counted as they stand, in one pass without sorting; redemptions as they were counted
# last, since a million of them take too long for somebody who waits for a page.
_PAST = text("""
    WITH taken AS (
        SELECT status, date(occurred_at AT TIME ZONE 'Asia/Shanghai') AS day,
            count(*) AS vouchers, sum(face_value_fen) AS fen
        FROM voucher WHERE offer_id = ANY(CAST(:offers AS uuid[])) AND status <> 'returned'
        GROUP BY status, day),
    spent AS (
        SELECT day - claim_day AS days, sum(vouchers_redeemed) AS vouchers,
            sum(threshold_fen) AS thresholds, sum(leveraged_fen) AS orders
        FROM rollup_cell WHERE programme_id = :programme AND dimension = 'offer'
            AND key = ANY(CAST(:offers AS text[])) AND side = 'orders' AND face_redeemed_fen > 0
        GROUP BY days),
    paced AS (
        SELECT days, sum(vouchers) OVER (ORDER BY days) AS so_far, sum(vouchers) OVER () AS whole
        FROM spent)
    SELECT (SELECT coalesce(sum(quota), 0) FROM release
            WHERE offer_id = ANY(CAST(:offers AS uuid[])) AND opens_at <= :now) AS opened,
        coalesce(sum(vouchers), 0) AS claimed,
        coalesce(sum(vouchers) FILTER (WHERE status IN ('redeemed', 'expired')), 0) AS ended,
        coalesce(sum(vouchers) FILTER (WHERE status = 'redeemed'), 0) AS redeemed,
        count(DISTINCT day) AS claim_days,
        coalesce(sum(fen), 0) AS issued,
        (SELECT coalesce(sum(thresholds), 0) FROM spent) AS thresholds,
        (SELECT coalesce(sum(orders), 0) FROM spent) AS orders,
        (SELECT min(days) FROM paced WHERE so_far * 2 >= whole) AS half
    FROM taken""")


def past(session: Session, campaign: Campaign, now: datetime) -> Past:
    """What became of a campaign's offers until now; of redemptions, until they were last counted.

    Which of them are still live is known at once, what was bought and when with the rollups.
    """
    offers = [str(one.id) for one in campaigns.campaign_offers(session, campaign=campaign.id)]
    row = session.execute(
        _PAST, {"offers": offers, "programme": campaign.programme.id, "now": now}
    ).one()
    return Past(
        opened=int(row.opened),
        claimed=int(row.claimed),
        ended=int(row.ended),
        redeemed=int(row.redeemed),
        claim_days=row.claim_days,
        issued=Money(int(row.issued)),
        thresholds=Money(int(row.thresholds)),
        orders=Money(int(row.orders)),
        half_redeemed_days=row.half,
    )
