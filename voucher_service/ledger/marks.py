"""Balance marks: what an account held at some past instants, so that no sum reads a whole book.

They are made beside the hot path and are no books: with none of them every balance is the same.
A mark counts exactly the entries up to its instant whose transactions had all ended when marks were
last made: those with a number below the horizon. A late one, be it that its transaction was open
for long or that it tells of the past, has a number above it, or makes the marks after it anew.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

EVERY = 500

_HORIZON = text("""
SELECT xid, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS settled,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next
FROM balance_horizon FOR UPDATE
""")
_UNMARK = text("""
DELETE FROM balance_mark m
USING (
    SELECT account_id, min(occurred_at) AS since FROM ledger.entry
    WHERE xid >= :horizon AND xid < :settled GROUP BY account_id
) fresh
WHERE m.account_id = fresh.account_id AND m.at >= fresh.since
""")
# The window's frame takes in all entries of one instant: a mark is after the last of them.
_MARK = text("""
INSERT INTO balance_mark (account_id, at, balance_fen)
WITH base AS (
    SELECT fresh.account_id, coalesce(m.at, '-infinity') AS at, coalesce(m.balance_fen, 0) AS fen
    FROM (
        SELECT DISTINCT account_id FROM ledger.entry WHERE xid >= :horizon AND xid < :settled
    ) fresh
    LEFT JOIN LATERAL (
        SELECT at, balance_fen FROM balance_mark
        WHERE account_id = fresh.account_id ORDER BY at DESC LIMIT 1
    ) m ON true
), running AS (
    SELECT b.account_id, e.occurred_at,
        b.fen + sum(e.amount_fen) OVER (PARTITION BY b.account_id ORDER BY e.occurred_at) AS fen,
        row_number() OVER (PARTITION BY b.account_id ORDER BY e.occurred_at) AS number
    FROM base b JOIN ledger.entry e
        ON e.account_id = b.account_id AND e.occurred_at > b.at AND e.xid < :settled
)
SELECT DISTINCT account_id, occurred_at, fen FROM running WHERE number % :every = 0
""")


def advance(session: Session, *, every: int = EVERY) -> int:
    """Take in what was written since the last time; how many marks were made.

    Marks of an account are `every` entries apart. Waits for another run that is under way.
    """
    session.execute(text("SET LOCAL statement_timeout = '10min'"))
    horizon, settled, following = session.execute(_HORIZON).one()
    if horizon > following:
        # Restored from a dump into a younger server, whose numbers start low.
        session.execute(text("DELETE FROM balance_mark"))
        horizon = 0
    elif settled <= horizon:
        return 0
    numbers = {"horizon": horizon, "settled": settled}
    session.execute(_UNMARK, numbers)
    made: Any = session.execute(_MARK, {**numbers, "every": every})
    session.execute(text("UPDATE balance_horizon SET xid = :settled"), {"settled": settled})
    return int(made.rowcount)
