"""The counts: what the cells of some days hold, as SQL over the raw rows that an outsider can read.

It is deliberately plain SQL over other features' tables: what is counted is written here once, in
the words of the reports' definitions. A full recount and one of a single day run the same text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import TextClause, text

FIGURES = (
    "released_fen, issued_fen, redeemed_fen, leveraged_fen, refunded_fen, lapsed_fen,"
    " threshold_fen, face_redeemed_fen, evidenced_fen,"
    " vouchers_issued, vouchers_redeemed, vouchers_lapsed"
)
CELL = f"side, day, claim_day, dimension, key, {FIGURES}"
SUM = f"basis, dimension, key, day, {FIGURES}"
OFFERS = """offers AS (
    SELECT o.id, o.kind, o.face_value_fen * o.pieces AS value_fen, o.threshold_fen, o.rate_bps,
        c.area
    FROM offer o JOIN campaign c ON c.id = o.campaign_id
    WHERE c.programme_id = :programme AND c.kind = 'voucher'
      AND c.status IN ('published', 'paused', 'closed'))"""
# Each dimension by itself: cells of all of them at once would be as many as orders.
_BY_ONE = """
    CASE grouping(offer_id, area, trade, size_class, hour) WHEN 15 THEN 'offer' WHEN 23 THEN 'area'
        WHEN 27 THEN 'trade' WHEN 29 THEN 'merchant_size' ELSE 'hour' END,
    CASE grouping(offer_id, area, trade, size_class, hour) WHEN 15 THEN offer_id::text
        WHEN 23 THEN area WHEN 27 THEN trade WHEN 29 THEN size_class
        ELSE lpad(hour::text, 2, '0') END"""
_SETS = """GROUPING SETS ((day, claim_day, offer_id), (day, claim_day, area),
    (day, claim_day, trade), (day, claim_day, size_class), (day, claim_day, hour))"""

# Days and hours are Shanghai's. Released: a release's quota at the offer's value, on its opening.
_RELEASES = """
WITH {offers}, opened AS (
    SELECT o.id AS offer_id, o.area, NULL::text AS trade, NULL::text AS size_class,
        date(r.opens_at AT TIME ZONE 'Asia/Shanghai') AS day,
        date(r.opens_at AT TIME ZONE 'Asia/Shanghai') AS claim_day,
        extract(hour FROM r.opens_at AT TIME ZONE 'Asia/Shanghai')::int AS hour,
        r.quota * o.value_fen AS fen
    FROM release r JOIN offers o ON o.id = r.offer_id)
INSERT INTO {table} (programme_id, {cell})
SELECT :programme, 'releases', day, claim_day, {by_one},
    sum(fen), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM opened GROUP BY {sets}
"""

# Issued: a slot held is a live right, counted once; the area is the issuing campaign's. Lapsed, on
# the last day of its validity: what of an issued voucher nobody spent; no hour is its own. One pass
# over the claims of some days counts both sides, one over what lapsed on some days that one alone.
_CLAIMS = """
WITH {offers}, counted AS (
    SELECT o.id AS offer_id, o.area, date(v.occurred_at AT TIME ZONE 'Asia/Shanghai') AS claim_day,
        extract(hour FROM v.occurred_at AT TIME ZONE 'Asia/Shanghai')::int AS hour,
        CASE WHEN v.status = 'expired' AND v.spent_fen < v.face_value_fen
            THEN date((v.valid_until - interval '1 second') AT TIME ZONE 'Asia/Shanghai')
        END AS lapse_day,
        sum(v.face_value_fen) AS face_fen, count(*) AS vouchers,
        sum(v.face_value_fen - v.spent_fen) AS left_fen
    FROM voucher v JOIN offers o ON o.id = v.offer_id
    WHERE v.holds_slot AND {which}
    GROUP BY 1, 2, 3, 4, 5
), moved AS (
    SELECT 'claims' AS side, offer_id, area, NULL::text AS trade, NULL::text AS size_class,
        claim_day AS day, claim_day, hour, face_fen AS issued_fen, 0 AS lapsed_fen, vouchers,
        0 AS lapsed
    FROM counted
    UNION ALL
    SELECT 'lapses', offer_id, area, NULL, NULL, lapse_day, claim_day, NULL, 0, left_fen, 0,
        vouchers
    FROM counted WHERE lapse_day IS NOT NULL
)
INSERT INTO {table} (programme_id, {cell})
SELECT :programme, side, day, claim_day, {by_one},
    0, sum(issued_fen), 0, 0, 0, sum(lapsed_fen), 0, 0, 0, sum(vouchers), 0, sum(lapsed)
FROM moved WHERE side = ANY(CAST(:sides AS text[])) GROUP BY side, {sets}
"""
_CLAIMED = "v.occurred_at >= :since AND v.occurred_at < :until"
_LAPSED = """v.status = 'expired'
    AND v.valid_until >= CAST(:since AS timestamptz) + interval '1 second'
    AND v.valid_until < CAST(:until AS timestamptz) + interval '1 second'"""

# Redeemed: the shop's area and trade, the merchant's size; a voucher that is spent in parts counts
# once, where it was used first; one whose order went back whole does not count. `threshold_fen` is
# the least order that brings the discount. What is refunded comes off on its own day, where the
# order was. Evidenced: a merchant's first order in the programme with that payment's reference.
_ORDERS = """
WITH {offers}, moved AS (
    SELECT r.offer_id, r.shop_id, r.occurred_at, r.claimed_on AS claim_day,
        r.discount_fen AS redeemed_fen, r.order_amount_fen AS leveraged_fen,
        0::bigint AS refunded_fen,
        CASE WHEN r.refunded_discount_fen < r.discount_fen THEN greatest(o.threshold_fen,
            CASE WHEN o.rate_bps IS NULL THEN r.discount_fen
                ELSE ceil(r.discount_fen * 10000::numeric / o.rate_bps)::bigint END)
            ELSE 0 END AS threshold_fen,
        CASE WHEN r.refunded_discount_fen < r.discount_fen THEN r.discount_fen ELSE 0
            END AS face_fen,
        CASE WHEN r.payment_reference IS NOT NULL AND again.redemption_id IS NULL
            THEN r.order_amount_fen ELSE 0 END AS evidenced_fen,
        (r.refunded_discount_fen < r.discount_fen AND (r.part = 1 OR NOT EXISTS (
            SELECT FROM redemption f WHERE f.voucher_id = r.voucher_id AND f.status = 'committed'
                AND f.refunded_discount_fen < f.discount_fen AND f.part < r.part)))::int AS vouchers
    FROM redemption r
    JOIN offers o ON o.id = r.offer_id
    LEFT JOIN {repeats} again ON again.redemption_id = r.id
    WHERE r.status = 'committed' AND r.voucher_id IS NOT NULL
      AND r.occurred_at >= :since AND r.occurred_at < :until
    UNION ALL
    SELECT r.offer_id, r.shop_id, f.occurred_at, r.claimed_on, -f.subsidy_part_fen, -f.amount_fen,
        f.amount_fen, 0, 0,
        CASE WHEN r.payment_reference IS NOT NULL AND again.redemption_id IS NULL
            THEN -f.amount_fen ELSE 0 END, 0
    FROM redemption_refund f
    JOIN redemption r ON r.id = f.redemption_id
    JOIN offers o ON o.id = r.offer_id
    LEFT JOIN {repeats} again ON again.redemption_id = r.id
    WHERE r.status = 'committed' AND r.voucher_id IS NOT NULL
      AND f.occurred_at >= :since AND f.occurred_at < :until
)
INSERT INTO {table} (programme_id, {cell})
SELECT :programme, 'orders', day, claim_day, {by_one},
    0, 0, sum(redeemed_fen), sum(leveraged_fen), sum(refunded_fen), 0,
    sum(threshold_fen), sum(face_fen), sum(evidenced_fen), 0, sum(vouchers), 0
FROM (
    SELECT m.*, s.area, s.trade, b.size_class,
        date(m.occurred_at AT TIME ZONE 'Asia/Shanghai') AS day,
        extract(hour FROM m.occurred_at AT TIME ZONE 'Asia/Shanghai')::int AS hour
    FROM moved m JOIN shop s ON s.id = m.shop_id JOIN merchant b ON b.id = s.merchant_id) placed
GROUP BY {sets}
"""


class Into(NamedTuple):
    """Where a count writes, and which repeated payments it knows."""

    table: str
    repeats: str


CELLS, DRAFT = Into("rollup_cell", "rollup_repeat"), Into("rollup_draft", "rollup_draft_repeat")
"""What counts, and the draft of it."""


def _into(statement: str, which: str = "") -> Mapping[Into, TextClause]:
    named = {"offers": OFFERS, "cell": CELL, "by_one": _BY_ONE, "sets": _SETS, "which": which}
    return {into: text(statement.format(**into._asdict(), **named)) for into in (CELLS, DRAFT)}


RELEASES = _into(_RELEASES)
CLAIMS = _into(_CLAIMS, _CLAIMED)
LAPSES = _into(_CLAIMS, _LAPSED)
ORDERS = _into(_ORDERS)
MERGE = text(f"""
INSERT INTO rollup_cell (programme_id, {CELL})
SELECT programme_id, {CELL} FROM rollup_draft WHERE programme_id = :programme
""")  # noqa: S608 - constants of the code, here and below
_SUMMED = ", ".join(f"CAST(sum({one.strip()}) AS bigint)" for one in FIGURES.split(","))


def sums(cells: str, *, period: str = "true", cohort: str = "true") -> str:
    """Cells summed up on both bases: of those days of events, and of those of claims."""
    return f"""
SELECT 'period' AS basis, dimension, key, day, {_SUMMED} FROM {cells} WHERE {period}
GROUP BY dimension, key, day
UNION ALL
SELECT 'cohort', dimension, key, claim_day, {_SUMMED} FROM {cells} WHERE {cohort}
GROUP BY dimension, key, claim_day"""  # noqa: S608


_OF_DAYS = sums(
    "rollup_cell",
    period="programme_id = :programme AND day = ANY(CAST(:days AS date[]))",
    cohort="programme_id = :programme AND claim_day = ANY(CAST(:claim_days AS date[]))",
)
SUM_UP = text(f"""
INSERT INTO rollup (programme_id, {SUM}) SELECT :programme, summed.* FROM ({_OF_DAYS}) summed
""")  # noqa: S608
