"""The recount: one statement over the raw rows, which an outsider can read.

It is deliberately plain SQL over other features' tables: what is counted is written here once, in
the words of the reports' definitions. One statement sees one instant, so a voucher that is claimed
or redeemed while it runs counts everywhere or nowhere.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import CampaignId, OfferId, ProgrammeId

# Days are business days in Shanghai. Issued: a slot held is a live right, counted once; the area is
# the issuing campaign's. Redeemed: the shop's area and trade, the merchant's size, the day of the
# claim beside the day at the till; a voucher that is spent in parts counts once, where it was used
# first; one whose order went back whole does not count. `threshold_fen` is the least order that
# brings the discount. What is refunded comes off on its own day, where the order was. Evidenced: a
# merchant's first order with a payment reference.
_RECOUNT = text("""
INSERT INTO rollup (programme_id, campaign_id, offer_id, day, claim_day, area, trade, merchant_size,
    released_fen, issued_fen, redeemed_fen, leveraged_fen, refunded_fen,
    threshold_fen, face_redeemed_fen, evidenced_fen, vouchers_issued, vouchers_redeemed)
WITH offers AS (
    SELECT o.id, o.campaign_id, o.face_value_fen * o.pieces AS value_fen, o.threshold_fen,
        o.rate_bps, c.area
    FROM offer o JOIN campaign c ON c.id = o.campaign_id
    WHERE c.programme_id = :programme AND c.kind = 'voucher'
      AND c.status IN ('published', 'paused', 'closed')
), released AS (
    SELECT offer_id, date(opens_at AT TIME ZONE 'Asia/Shanghai') AS day, sum(quota) AS vouchers
    FROM release
    WHERE offer_id IN (SELECT id FROM offers)
    GROUP BY offer_id, day
), issued AS (
    SELECT offer_id, date(occurred_at AT TIME ZONE 'Asia/Shanghai') AS day,
        sum(face_value_fen) AS face_fen, count(*) AS vouchers
    FROM voucher
    WHERE offer_id IN (SELECT id FROM offers) AND holds_slot
    GROUP BY offer_id, day
), evidenced AS (
    SELECT DISTINCT ON (merchant_id, payment_reference) id
    FROM redemption
    WHERE status = 'committed' AND payment_reference IS NOT NULL AND voucher_id IS NOT NULL
    ORDER BY merchant_id, payment_reference, occurred_at, id
), orders AS (
    SELECT r.id, r.offer_id, date(r.occurred_at AT TIME ZONE 'Asia/Shanghai') AS day,
        date(v.occurred_at AT TIME ZONE 'Asia/Shanghai') AS claim_day,
        s.area, s.trade, m.size_class, r.discount_fen,
        greatest(o.threshold_fen,
            ceil(r.discount_fen * 10000::numeric / coalesce(o.rate_bps, 10000)))::bigint
            AS threshold_fen,
        r.refunded_discount_fen < r.discount_fen AS stands,
        r.part = 1 OR NOT EXISTS (
            SELECT FROM redemption f WHERE f.voucher_id = r.voucher_id AND f.status = 'committed'
                AND f.refunded_discount_fen < f.discount_fen AND f.part < r.part) AS is_first,
        r.discount_fen AS redeemed_fen, r.order_amount_fen AS leveraged_fen,
        0::bigint AS refunded_fen, e.id IS NOT NULL AS is_evidenced
    FROM redemption r
    LEFT JOIN evidenced e ON e.id = r.id
    JOIN offers o ON o.id = r.offer_id
    JOIN voucher v ON v.id = r.voucher_id
    JOIN shop s ON s.id = r.shop_id
    JOIN merchant m ON m.id = r.merchant_id
    WHERE r.status = 'committed'
), refunds AS (
    SELECT o.id, o.offer_id, date(f.occurred_at AT TIME ZONE 'Asia/Shanghai') AS day, o.claim_day,
        o.area, o.trade, o.size_class, 0::bigint AS discount_fen, 0::bigint AS threshold_fen,
        false AS stands, false AS is_first, -f.subsidy_part_fen AS redeemed_fen,
        -f.amount_fen AS leveraged_fen, f.amount_fen AS refunded_fen, o.is_evidenced
    FROM orders o JOIN redemption_refund f ON f.redemption_id = o.id
), redeemed AS (
    SELECT offer_id, day, claim_day, area, trade, size_class,
        sum(redeemed_fen) AS redeemed_fen, sum(leveraged_fen) AS leveraged_fen,
        sum(refunded_fen) AS refunded_fen,
        coalesce(sum(threshold_fen) FILTER (WHERE stands), 0) AS threshold_fen,
        coalesce(sum(discount_fen) FILTER (WHERE stands), 0) AS face_fen,
        coalesce(sum(leveraged_fen) FILTER (WHERE is_evidenced), 0) AS evidenced_fen,
        count(*) FILTER (WHERE stands AND is_first) AS vouchers
    FROM (SELECT * FROM orders UNION ALL SELECT * FROM refunds) moved
    GROUP BY offer_id, day, claim_day, area, trade, size_class
)
SELECT :programme, o.campaign_id, o.id, x.day, NULL, o.area, NULL, NULL,
    x.vouchers * o.value_fen, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM released x JOIN offers o ON o.id = x.offer_id
UNION ALL
SELECT :programme, o.campaign_id, o.id, x.day, x.day, o.area, NULL, NULL,
    0, x.face_fen, 0, 0, 0, 0, 0, 0, x.vouchers, 0
FROM issued x JOIN offers o ON o.id = x.offer_id
UNION ALL
SELECT :programme, o.campaign_id, o.id, x.day, x.claim_day, x.area, x.trade, x.size_class,
    0, 0, x.redeemed_fen, x.leveraged_fen, x.refunded_fen,
    x.threshold_fen, x.face_fen, x.evidenced_fen, 0, x.vouchers
FROM redeemed x JOIN offers o ON o.id = x.offer_id
""")
_OFFERS = text("""
SELECT c.id, o.id
FROM offer o JOIN campaign c ON c.id = o.campaign_id
WHERE c.programme_id = :programme AND o.status <> 'draft'
ORDER BY c.id, o.id
""")
# Every claim, redemption and lapse posts to the pool of its offer; folding moves no figure. A
# refund that leaves the whole subsidy posts nothing: it counts until a run that began well after.
_CHANGED = text("""
SELECT p.slug
FROM ledger.entry e
JOIN ledger.transfer t ON t.id = e.transfer_id AND t.code <> 'folded'
JOIN ledger.account a ON a.id = e.account_id AND a.owner_type = 'pool'
JOIN offer o ON o.id = a.owner_id
JOIN campaign c ON c.id = o.campaign_id
JOIN programme p ON p.id = c.programme_id
WHERE e.id > :after
UNION
SELECT p.slug
FROM redemption_refund f
JOIN redemption r ON r.id = f.redemption_id
JOIN offer o ON o.id = r.offer_id
JOIN campaign c ON c.id = o.campaign_id
JOIN programme p ON p.id = c.programme_id
JOIN rollup_run u ON u.programme_id = p.id
WHERE f.subsidy_part_fen = 0 AND f.recorded_at > u.started_at - interval '1 minute'
ORDER BY slug
""")


def lock(session: Session, *, programme: ProgrammeId) -> None:
    """Wait for other runs on this programme, and keep them waiting until the transaction ends.

    A recount takes seconds and sorts many rows: this transaction gets the time and memory for it.
    """
    for setting in ("statement_timeout = '10min'", "lock_timeout = '1min'", "work_mem = '64MB'"):
        session.execute(text(f"SET LOCAL {setting}"))
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('reconcile:' || :programme, 0))"),
        {"programme": str(programme)},
    )


def recount(session: Session, *, programme: ProgrammeId) -> None:
    """Replace the programme's rollups by what the raw rows say now."""
    session.execute(
        text("DELETE FROM rollup WHERE programme_id = :programme"), {"programme": programme}
    )
    session.execute(_RECOUNT, {"programme": programme})


def offers(session: Session, *, programme: ProgrammeId) -> list[tuple[CampaignId, OfferId]]:
    """Every offer that was ever published, with its campaign."""
    rows = session.execute(_OFFERS, {"programme": programme})
    return [(CampaignId(campaign), OfferId(offer)) for campaign, offer in rows]


def mark(session: Session, *, programme: ProgrammeId, as_of: datetime) -> None:
    """Note that the rollups are of this instant."""
    session.execute(
        text(
            "INSERT INTO rollup_run (programme_id, as_of, run) VALUES (:programme, :as_of, 1)"
            " ON CONFLICT (programme_id) DO UPDATE SET as_of = excluded.as_of,"
            " run = rollup_run.run + 1, started_at = now()"
        ),
        {"programme": programme, "as_of": as_of},
    )


def newest_entry(session: Session) -> int:
    """The highest ledger entry so far; 0 in an empty ledger."""
    newest = session.execute(text("SELECT max(id) FROM ledger.entry")).scalar_one()
    return int(newest or 0)


def changed(session: Session, *, after: int) -> list[str]:
    """Slugs of the programmes with a ledger entry above that one."""
    return list(session.execute(_CHANGED, {"after": after}).scalars())
