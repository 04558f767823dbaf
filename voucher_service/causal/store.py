"""Reads and writes of outcome files, keys and consents; decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from psycopg import Cursor
from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra.database import array
from voucher_service.kernel.ids import OfferId, ResidentId

from .outcomes import Head, Kind, Line, OutcomeFile, OutcomeFileId
from .tables import OutcomeConsentRow, OutcomeFileRow, OutcomeLineRow

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
