"""The counts of trade-in, by days that moved or of everything, beside those of vouchers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import Delete, delete, text
from sqlalchemy.orm import Session

from voucher_service.kernel.clock import end_of, start_of
from voucher_service.kernel.ids import ProgrammeId

from .grain import spans
from .tables import TradeInRollupRow

KEY = "campaign_id, offer_id, day, claim_day, category, area, trade, merchant_size, brand"
FIGURES = (
    "units, applications, subsidy_fen, turnover_fen, refunded_fen, invoiced_fen, merchant_fen,"
    " bank_fen, platform_fen"
)
CELL = f"programme_id, {KEY}, {FIGURES}"
# Days are business days in Shanghai. A sale counts on the day on which it was committed, at the
# price before the subsidy; one whose order went back whole is no unit. What is refunded comes off
# on its own day. The merchant's part is what the price is below the list price, where that was
# told. An application counts on the day of its approval, by the division of its invoice: it holds
# its place from the handing in on, so that whoever holds one and is not under review was approved.
COUNT = """
WITH offers AS (
    SELECT o.id, o.campaign_id
    FROM offer o JOIN campaign c ON c.id = o.campaign_id
    WHERE c.programme_id = :programme AND c.kind = 'trade_in'
      AND c.status IN ('published', 'paused', 'closed')
), sales AS NOT MATERIALIZED (
    SELECT r.id, r.offer_id, r.occurred_at,
        date(q.occurred_at AT TIME ZONE 'Asia/Shanghai') AS claim_day, x.category, x.brand, s.area,
        s.trade, m.size_class, r.refunded_fen < r.order_amount_fen AS stands, r.discount_fen,
        r.order_amount_fen, coalesce(x.list_price_fen, r.order_amount_fen) AS list_price_fen,
        r.discounts
    FROM redemption r
    JOIN offers o ON o.id = r.offer_id
    JOIN trade_in_sale x ON x.redemption_id = r.id
    JOIN qualification q ON q.id = x.qualification_id
    JOIN shop s ON s.id = r.shop_id
    JOIN merchant m ON m.id = r.merchant_id
    WHERE r.status = 'committed'
), moved AS (
    SELECT offer_id, date(occurred_at AT TIME ZONE 'Asia/Shanghai') AS day, claim_day, category,
        brand, area, trade, size_class, stands::integer AS units, 0 AS applications,
        discount_fen AS subsidy_fen, order_amount_fen AS turnover_fen, 0::bigint AS refunded_fen,
        0::bigint AS invoiced_fen,
        CASE WHEN stands THEN list_price_fen - order_amount_fen ELSE 0 END AS merchant_fen,
        discounts AS others, 1 AS sign
    FROM sales WHERE occurred_at >= :since AND occurred_at < :until
    UNION ALL
    SELECT x.offer_id, date(f.occurred_at AT TIME ZONE 'Asia/Shanghai'), x.claim_day, x.category,
        x.brand, x.area, x.trade, x.size_class, 0, 0, -f.subsidy_part_fen, -f.amount_fen,
        f.amount_fen, 0, 0, f.others, -1
    FROM redemption_refund f JOIN sales x ON x.id = f.redemption_id
    WHERE f.occurred_at >= :since AND f.occurred_at < :until
    UNION ALL
    SELECT p.offer_id, date(a.decided_at AT TIME ZONE 'Asia/Shanghai'),
        date(a.filed_at AT TIME ZONE 'Asia/Shanghai'), a.decision->'case'->>'category',
        NULL, a.area, NULL, NULL, 0, 1, a.subsidy_fen, 0, 0,
        (a.decision->'case'->>'price_fen')::bigint, 0, NULL, 1
    FROM application a
    JOIN application_place p ON p.id = a.id AND p.holds_slot
    JOIN offers o ON o.id = p.offer_id
    WHERE a.status NOT IN ('submitted', 'prechecked', 'sent_back')
      AND a.decided_at >= :since AND a.decided_at < :until
)
SELECT CAST(:programme AS uuid), o.campaign_id, x.offer_id, x.day, x.claim_day, x.category, x.area,
    x.trade, x.size_class, x.brand, sum(x.units), sum(x.applications), sum(x.subsidy_fen),
    sum(x.turnover_fen), sum(x.refunded_fen), sum(x.invoiced_fen), sum(x.merchant_fen),
    coalesce(sum(x.sign * gave.bank_fen), 0), coalesce(sum(x.sign * gave.platform_fen), 0)
FROM moved x JOIN offers o ON o.id = x.offer_id, LATERAL (
    SELECT sum((one->>'amount_fen')::bigint) FILTER (WHERE one->>'payer' = 'bank') AS bank_fen,
        sum((one->>'amount_fen')::bigint) FILTER (WHERE one->>'payer' = 'platform') AS platform_fen
    FROM jsonb_array_elements(
        CASE jsonb_typeof(x.others) WHEN 'array' THEN x.others ELSE '[]' END) one
) gave
GROUP BY o.campaign_id, x.offer_id, x.day, x.claim_day, x.category, x.area, x.trade, x.size_class,
    x.brand
"""
_INSERT = text(f"INSERT INTO trade_in_rollup ({CELL}) {COUNT}")
_ANY = text("""
SELECT EXISTS (SELECT FROM campaign WHERE programme_id = :programme AND kind = 'trade_in')
""")
EVER = {"since": "-infinity", "until": "infinity"}


def recount(session: Session, *, programme: ProgrammeId, days: Collection[date]) -> None:
    """Count the cells of some days anew."""
    session.execute(_mine(programme).where(TradeInRollupRow.day.in_(days)))
    for one in spans(days):
        asked = {"since": start_of(one.first), "until": end_of(one.last)}
        session.execute(_INSERT, {"programme": programme, **asked})


def recount_whole(session: Session, *, programme: ProgrammeId) -> None:
    """Count every cell of a programme anew."""
    session.execute(_mine(programme))
    if any_(session, programme=programme):
        session.execute(_INSERT, {"programme": programme, **EVER})


def any_(session: Session, *, programme: ProgrammeId) -> bool:
    """Whether a programme has trade-in: if not, nothing is looked for among a million orders."""
    return bool(session.execute(_ANY, {"programme": programme}).scalar_one())


def _mine(programme: ProgrammeId) -> Delete:
    return delete(TradeInRollupRow).where(TradeInRollupRow.programme_id == programme)
