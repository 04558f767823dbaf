"""Reads and writes of outcomes and estimates; decides nothing.

What is counted of entrants, claims and redemptions is written here in plain SQL over other
features' tables, as the recount of the reports is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from psycopg import Cursor
from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra.database import array
from voucher_service.kernel.ids import OfferId, ResidentId

from .outcomes import Head, Kind, Line, OutcomeFile, OutcomeFileId
from .tables import OutcomeConsentRow, OutcomeFileRow, OutcomeLineRow

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
_COPY = (
    "COPY outcome_line (file_id, number, key, shop_id, order_reference, people, day, trade, area,"
    " amount_fen, count) FROM STDIN"
)
_REPEATED = text("""
SELECT number FROM (
    SELECT number, row_number() OVER (
        PARTITION BY key, shop_id, order_reference, day, trade, area ORDER BY number) AS place
    FROM outcome_line WHERE file_id = :file
) told WHERE place > 1 ORDER BY number LIMIT :most
""")
_HELD = text("""
SELECT count(*) FROM (
    SELECT c.resident_id FROM outcome_consent c
    WHERE c.withdrawn_at IS NULL AND c.resident_id IN (
        SELECT k.resident_id FROM outcome_key k
        WHERE k.offer_id = :offer AND k.provider = :provider
            AND k.key IN (SELECT key FROM outcome_line WHERE file_id = :file))
    FOR SHARE
) held
""")
_UNKNOWN_KEYS = text("""
SELECT min(l.number) AS first FROM outcome_line l
WHERE l.file_id = :file AND NOT EXISTS (
    SELECT FROM outcome_key k JOIN outcome_consent c ON c.resident_id = k.resident_id
    WHERE k.offer_id = :offer AND k.provider = :provider AND k.key = l.key
        AND c.withdrawn_at IS NULL)
GROUP BY l.key ORDER BY first LIMIT :most
""")
_UNKNOWN_SHOPS = text("""
SELECT min(l.number) AS first FROM outcome_line l
WHERE l.file_id = :file AND NOT EXISTS (SELECT FROM shop s WHERE s.id = l.shop_id)
GROUP BY l.shop_id ORDER BY first LIMIT :most
""")


def patient(session: Session) -> None:
    """Let this transaction take the time that a large file needs."""
    session.execute(text("SET LOCAL statement_timeout = '30min'"))


def add_file(session: Session, row: OutcomeFileRow) -> None:
    """Write a file's head."""
    session.add(row)
    session.flush()


def known_file(session: Session, sha256: str) -> bool:
    """Whether a file with this hash was imported."""
    return (
        session.scalar(select(OutcomeFileRow.id).where(OutcomeFileRow.sha256 == sha256)) is not None
    )


def copy(session: Session, file: OutcomeFileId, lines: Iterable[Line]) -> None:
    """Write lines as they come, a stream into the table."""
    driver = session.connection().connection.driver_connection
    assert driver is not None
    with cast(Cursor[Any], driver.cursor()) as cursor, cursor.copy(_COPY) as into:
        for line in lines:
            into.write_row(
                (
                    file,
                    line.number,
                    line.key,
                    line.shop,
                    line.reference,
                    line.people,
                    line.day,
                    line.trade,
                    line.area,
                    line.amount.fen,
                    line.count,
                )
            )


def weeks(session: Session, file: OutcomeFileId) -> int:
    """How many weeks the lines of a file are about."""
    counted = select(func.count(OutcomeLineRow.day.distinct())).where(
        OutcomeLineRow.file_id == file
    )
    return session.execute(counted).scalar_one()


def repeated(session: Session, file: OutcomeFileId, *, most: int) -> list[int]:
    """Numbers of lines that say again what a line before them said."""
    return list(session.execute(_REPEATED, {"file": file, "most": most}).scalars())


def unknown(session: Session, file: OutcomeFileId, head: Head, *, most: int) -> list[int]:
    """The first lines of keys that were not handed out or are withdrawn, or of unknown shops.

    Who takes consent back from now on waits for the transaction's end, and then deletes the lines.
    """
    if head.kind is Kind.PANEL:
        asked = {"file": file, "offer": head.offer, "provider": head.provider}
        session.execute(_HELD, asked)
        return list(session.execute(_UNKNOWN_KEYS, asked | {"most": most}).scalars())
    if head.kind is Kind.ORDERS:
        return list(session.execute(_UNKNOWN_SHOPS, {"file": file, "most": most}).scalars())
    return []


def files(session: Session, *where: ColumnElement[bool], limit: int) -> list[OutcomeFile]:
    """Files that match, newest first."""
    rows = session.scalars(
        select(OutcomeFileRow)
        .where(*where)
        .order_by(OutcomeFileRow.imported_at.desc(), OutcomeFileRow.id.desc())
        .limit(limit)
    )
    return [
        OutcomeFile(
            OutcomeFileId(row.id),
            Head(
                row.kind,
                row.provider,
                row.made_on,
                OfferId(row.offer_id),
                row.amounts,
                row.first_day,
                row.last_day,
                row.lines,
                row.total_fen,
            ),
            row.sha256,
            row.imported_by,
            row.imported_at,
        )
        for row in rows
    ]


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


def add_keys(
    session: Session, offer: OfferId, provider: str, keys: Mapping[bytes, ResidentId]
) -> None:
    """Note which key stands for whom."""
    session.execute(
        text(
            "INSERT INTO outcome_key (offer_id, provider, key, resident_id)"
            " SELECT :offer, :provider, u.key, u.resident"
            " FROM unnest(CAST(:keys AS bytea[]), CAST(:residents AS uuid[])) AS u (key, resident)"
            " ON CONFLICT DO NOTHING"
        ),
        {
            "offer": offer,
            "provider": provider,
            "keys": array(keys),
            "residents": array(keys.values()),
        },
    )


def forget(session: Session, resident: ResidentId) -> None:
    """Delete a resident's lines of every panel, and what tied them to their keys."""
    session.execute(
        text(
            "DELETE FROM outcome_line l USING outcome_file f, outcome_key k"
            " WHERE k.resident_id = :resident AND f.offer_id = k.offer_id"
            " AND f.provider = k.provider AND l.file_id = f.id AND l.key = k.key"
        ),
        {"resident": resident},
    )
    session.execute(
        text("DELETE FROM outcome_key WHERE resident_id = :resident"), {"resident": resident}
    )


def agreed(session: Session, resident: ResidentId) -> bool:
    """Whether a resident agreed and did not take it back."""
    said = select(OutcomeConsentRow.resident_id).where(*_agreed(resident))
    return session.execute(said).first() is not None


def agree(session: Session, resident: ResidentId, version: str, now: datetime) -> bool:
    """Note that a resident agrees; False when that stands already."""
    said = {"version": version, "given_at": now, "withdrawn_at": None}
    noted = insert(OutcomeConsentRow).values(resident_id=resident, **said)
    again = noted.on_conflict_do_update(
        index_elements=[OutcomeConsentRow.resident_id],
        set_=said,
        where=OutcomeConsentRow.withdrawn_at.is_not(None),
    )
    return session.execute(again.returning(OutcomeConsentRow.resident_id)).first() is not None


def withdraw(session: Session, resident: ResidentId, now: datetime) -> bool:
    """Note that a resident takes it back; False when nothing stands."""
    taken = update(OutcomeConsentRow).where(*_agreed(resident)).values(withdrawn_at=now)
    return session.execute(taken.returning(OutcomeConsentRow.resident_id)).first() is not None


def _agreed(resident: ResidentId) -> tuple[ColumnElement[bool], ...]:
    return (OutcomeConsentRow.resident_id == resident, OutcomeConsentRow.withdrawn_at.is_(None))
