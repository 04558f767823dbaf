"""What estimators compare, counted from the books beside the lines of a file; decides nothing.

It is plain SQL over other features' tables, as `reconciliation.counting` is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import OfferId, ResidentId

from .outcomes import OutcomeFile, OutcomeFileId

# Who entered a lottery, by rank; those who were not drawn come after all who were.
_LOTTERY = """
SELECT e.resident_id, CASE WHEN e.rank <= l.seats THEN 0 ELSE 1 END AS rank, l.closed_at AS decided
FROM lottery_entry e JOIN lottery l ON l.id = e.lottery_id
WHERE l.offer_id = :offer AND l.status = 'drawn' AND e.resident_id IS NOT NULL
"""
# The release that turned most away in its first ten minutes: the last who got one stands at 0.
# Where one stands is decided by what came of the first try. Whoever was refused and got what
# somebody gave back stays outside: who tries again and again is not who was a moment too late. Who
# came after those minutes stood in no queue.
_CUTOFF = """
WITH turned_away AS (
    SELECT r.id AS release_id, r.opens_at, f.resident_id,
        min(f.occurred_at) AS at, min(f.id) AS place
    FROM release r
    JOIN claim_refusal f ON f.offer_id = r.offer_id AND f.code = 'sold_out'
        AND f.occurred_at >= r.opens_at AND f.occurred_at < r.opens_at + interval '10 minutes'
    WHERE r.offer_id = :offer
    GROUP BY r.id, r.opens_at, f.resident_id
), chosen AS (
    SELECT release_id, opens_at FROM turned_away
    GROUP BY release_id, opens_at ORDER BY count(*) DESC, opens_at LIMIT 1
), got AS (
    SELECT v.resident_id, min(v.occurred_at) AS at, min(v.slot) AS place
    FROM voucher v JOIN chosen c ON c.release_id = v.release_id
    WHERE v.occurred_at < c.opens_at + interval '10 minutes' AND NOT EXISTS (
        SELECT FROM turned_away t WHERE t.release_id = v.release_id
            AND t.resident_id = v.resident_id AND t.at < v.occurred_at)
    GROUP BY v.resident_id
)
SELECT resident_id, 1 - row_number() OVER (ORDER BY at DESC, place DESC) AS rank,
    (SELECT opens_at FROM chosen) AS decided
FROM got
UNION ALL
SELECT t.resident_id, row_number() OVER (ORDER BY t.at, t.place), t.opens_at
FROM turned_away t JOIN chosen c ON c.release_id = t.release_id
WHERE t.resident_id NOT IN (SELECT resident_id FROM got)
"""
ENTRANTS = {"lottery": _LOTTERY, "cutoff": _CUTOFF}
_CONSENTED = """
SELECT e.resident_id, e.rank
FROM ({entrants}) e
JOIN outcome_consent c ON c.resident_id = e.resident_id
WHERE c.withdrawn_at IS NULL AND c.given_at < e.decided
ORDER BY e.rank, e.resident_id
"""
_PEOPLE = """
WITH redeemed AS (
    SELECT v.resident_id, sum(r.discount_fen - r.refunded_discount_fen) AS amount
    FROM redemption r JOIN voucher v ON v.id = r.voucher_id
    WHERE r.offer_id = :offer AND r.status = 'committed'
    GROUP BY v.resident_id
), spent AS (
    SELECT key, coalesce(sum(amount_fen) FILTER (WHERE day < :opens), 0) AS earlier,
        coalesce(sum(amount_fen) FILTER (WHERE day >= :opens AND day < :ends), 0) AS during,
        coalesce(sum(amount_fen) FILTER (WHERE day >= :ends), 0) AS later
    FROM outcome_line WHERE file_id = :file GROUP BY key
)
SELECT e.rank, s.key IS NOT NULL, coalesce(s.earlier, 0), coalesce(s.during, 0),
    coalesce(s.later, 0), coalesce(r.amount, 0)
FROM ({entrants}) e
JOIN outcome_consent c ON c.resident_id = e.resident_id
    AND c.withdrawn_at IS NULL AND c.given_at < e.decided
JOIN outcome_key k ON k.resident_id = e.resident_id
    AND k.offer_id = :offer AND k.provider = :provider
LEFT JOIN spent s ON s.key = k.key
LEFT JOIN redeemed r ON r.resident_id = e.resident_id
ORDER BY e.rank, k.key
"""
_AREAS = text("""
WITH weeks AS (
    SELECT area, day, sum(amount_fen) AS amount, max(people) AS people
    FROM outcome_line WHERE file_id = :file GROUP BY area, day
), redeemed AS (
    SELECT a.area, sum(r.discount_fen - r.refunded_discount_fen) AS amount
    FROM (
        SELECT DISTINCT area, CASE WHEN length(area) = 6
            THEN regexp_replace(area, '(00)+$', '') ELSE area END AS stem
        FROM weeks
    ) a
    JOIN shop s ON starts_with(s.area, a.stem)
    JOIN redemption r ON r.shop_id = s.id AND r.status = 'committed'
    JOIN offer o ON o.id = r.offer_id
    JOIN campaign c ON c.id = o.campaign_id
    WHERE c.programme_id = :programme AND r.voucher_id IS NOT NULL
        AND r.occurred_at >= :since AND r.occurred_at < :until
    GROUP BY a.area
)
SELECT w.area, w.day, w.amount, w.people, coalesce(r.amount, 0)
FROM weeks w LEFT JOIN redeemed r ON r.area = w.area
ORDER BY w.area, w.day
""")
_ORDERS = text("""
SELECT shop_id, round(amount_fen::numeric / :step)::bigint AS kind, count(*)
FROM outcome_line
WHERE file_id = :file AND day >= :opens AND day < :ends
GROUP BY shop_id, kind ORDER BY shop_id, kind
""")
_SHOPS = text("""
SELECT r.shop_id, sum(r.discount_fen - r.refunded_discount_fen)
FROM redemption r
WHERE r.offer_id = :offer AND r.status = 'committed' AND r.occurred_at >= :opens
    AND r.occurred_at < :ends
    AND r.shop_id IN (SELECT shop_id FROM outcome_line WHERE file_id = :file)
GROUP BY r.shop_id
""")


def consented(session: Session, offer: OfferId, design: str) -> list[ResidentId]:
    """Entrants who had agreed before it was decided who gets one, winners and losers."""
    rows = session.execute(
        text(_CONSENTED.format(entrants=ENTRANTS[design])), {"offer": offer}
    ).scalars()
    return [ResidentId(one) for one in rows]


def people(
    session: Session, file: OutcomeFile, design: str, opens: Any, ends: Any
) -> list[tuple[int, bool, int, int, int, int]]:
    """Each entrant with a key: rank, whether the panel has them, fen before, during, after, and
    redeemed. Weeks from `opens` to before `ends` are those in which the vouchers are valid.
    """
    rows = session.execute(
        text(_PEOPLE.format(entrants=ENTRANTS[design])),
        {
            "offer": file.head.offer,
            "provider": file.head.provider,
            "file": file.id,
            "opens": opens,
            "ends": ends,
        },
    )
    return [(int(r), known, int(a), int(b), int(c), int(d)) for r, known, a, b, c, d in rows]


def area_weeks(
    session: Session, file: OutcomeFileId, programme: UUID, *, since: datetime, until: datetime
) -> Sequence[Any]:
    """Each area and week: fen spent, people, and fen that the programme's vouchers redeemed there
    from one instant to before another.
    """
    asked = {"file": file, "programme": programme, "since": since, "until": until}
    return session.execute(_AREAS, asked).all()


def order_classes(
    session: Session, file: OutcomeFileId, *, opens: Any, ends: Any, step: int
) -> list[tuple[UUID, int, int]]:
    """How many orders of each shop lie nearest to each multiple of `step` fen."""
    rows = session.execute(_ORDERS, {"file": file, "opens": opens, "ends": ends, "step": step})
    return [(shop, kind, count) for shop, kind, count in rows]


def redeemed_at(
    session: Session, file: OutcomeFile, *, opens: datetime, ends: datetime
) -> dict[UUID, int]:
    """Fen redeemed of the offer at the shops of a file of orders."""
    asked = {"offer": file.head.offer, "file": file.id, "opens": opens, "ends": ends}
    return {shop: int(amount) for shop, amount in session.execute(_SHOPS, asked)}
