"""Reads and writes of channels' files, their lines and differences; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Table,
    Uuid,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Session

from voucher_service.infra.database import array
from voucher_service.kernel.ids import MerchantId, RedemptionId, ShopId
from voucher_service.kernel.money import ZERO, Money

from ..model import Finding, Part
from .model import (
    UNDER_WAY,
    ChannelFile,
    ChannelFileId,
    ChannelLine,
    Difference,
    DifferenceId,
    Note,
    OurSide,
    Status,
    TheirSide,
)
from .tables import ChannelFileRow, ChannelLineRow, DifferenceNoteRow, DifferenceRow

_AT_ONCE = 1_000
_FILE = cast(Table, ChannelFileRow.__table__)
_LINE = cast(Table, ChannelLineRow.__table__)
_DIFFERENCE = cast(Table, DifferenceRow.__table__)
_NOTE = cast(Table, DifferenceNoteRow.__table__)
_BESIDE = and_(_LINE.c.file_id == _DIFFERENCE.c.file_id, _LINE.c.place == _DIFFERENCE.c.place)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('channel_file:' || :about, 0))")
_PLACES = text("""
SELECT r.id, s.id, s.area
FROM redemption r JOIN shop s ON s.id = r.shop_id
WHERE r.id IN (SELECT unnest(CAST(:ids AS uuid[])))
""")
# Open differences that a new file explains: what we alone had stands in it.
_FOUND_THERE = text("""
SELECT d.id
FROM difference d
JOIN channel_line l ON l.file_id = :file AND l.redemption_id = d.redemption_id
    AND l.kind = d.kind AND l.file_line IS NOT NULL
WHERE d.channel = :channel AND d.scope = :scope AND d.status = 'open'
  AND d.finding = 'only_ours' AND (d.kind = 'payment' OR l.reference = d.reference)
""")
# … what they alone had has come to our books since, with the same sum …
_FOUND_HERE = text("""
SELECT d.id
FROM difference d
JOIN channel_line l ON l.file_id = d.file_id AND l.place = d.place
WHERE d.channel = :channel AND d.scope = :scope AND d.status = 'open'
  AND d.finding = 'only_theirs' AND d.kind = 'payment' AND EXISTS (
    SELECT FROM redemption r
    WHERE r.status = 'committed' AND (
        CAST(:shop AS uuid) IS NULL AND r.payment_reference = d.reference
        OR r.shop_id = :shop AND r.order_reference = d.reference)
      AND (CAST(:merchant AS uuid) IS NULL OR r.merchant_id = :merchant)
      AND (l.their_paid_fen IS NULL
        OR l.their_paid_fen = coalesce(r.paid_fen, r.order_amount_fen - r.discount_fen)))
""")
# … and what earlier files about the same days said, and this one no longer does.
_NO_LONGER = text("""
SELECT d.id
FROM difference d
JOIN channel_file f ON f.id = d.file_id
JOIN channel_file now ON now.id = :file
    AND (now.first_day, now.last_day) = (f.first_day, f.last_day)
WHERE d.channel = :channel AND d.scope = :scope AND d.status = 'open' AND NOT EXISTS (
    SELECT FROM channel_line l
    WHERE l.file_id = :file AND l.kind = d.kind AND l.reference = d.reference
      AND l.ordinal = d.ordinal AND l.finding = d.finding)
""")
_HOLDING = text("""
SELECT id FROM difference
WHERE holds AND status IN ('open', 'proposed')
  AND redemption_id IN (SELECT unnest(CAST(:ids AS uuid[])))
""")
# A channel's line is about all orders of a ticket, of which the difference names the first.
_ORDERS = text("""
WITH named AS (
    SELECT r.*, f.shop_id IS NULL AS paid_together
    FROM difference d JOIN channel_file f ON f.id = d.file_id
    JOIN redemption r ON r.id = d.redemption_id
    WHERE d.id IN (SELECT unnest(CAST(:ids AS uuid[])))
)
SELECT id, order_amount_fen - refunded_fen, occurred_at AS at FROM named
UNION
SELECT r.id, r.order_amount_fen - r.refunded_fen, r.occurred_at
FROM named n JOIN redemption r ON r.shop_id = n.shop_id
    AND r.ticket_reference = n.ticket_reference AND r.payment_reference = n.payment_reference
WHERE n.paid_together AND r.status = 'committed'
ORDER BY at, id
""")


def lock(session: Session, *, about: str) -> None:
    """Wait for other imports of the same channel and scope."""
    session.execute(_LOCK, {"about": about})


def add_file(session: Session, values: Mapping[str, Any]) -> None:
    """Keep a file."""
    session.execute(insert(_FILE), dict(values))


def files(
    session: Session, *where: ColumnElement[bool], limit: int | None = None
) -> list[ChannelFile]:
    """Files that match, newest first, with how many differences of each are under way."""
    left = (
        select(func.count())
        .where(_DIFFERENCE.c.file_id == _FILE.c.id, _DIFFERENCE.c.status.in_(UNDER_WAY))
        .scalar_subquery()
    )
    rows = session.execute(
        select(_FILE, left.label("left"))
        .where(*where)
        .order_by(_FILE.c.occurred_at.desc(), _FILE.c.id.desc())
        .limit(limit)
    )
    return [
        ChannelFile(
            ChannelFileId(row.id),
            row.format,
            MerchantId(row.merchant_id) if row.merchant_id else None,
            ShopId(row.shop_id) if row.shop_id else None,
            row.with_others,
            row.file_name,
            row.sha256.hex(),
            row.size_bytes,
            row.first_day,
            row.last_day,
            {one: row.counts.get(str(one), 0) for one in Finding},
            row.ours_fen,
            row.theirs_fen,
            ChannelFileId(row.replaces) if row.replaces else None,
            row.made_by,
            row.occurred_at,
            row.left,
        )
        for row in rows
    ]


def known(session: Session, *, sha256: bytes, scope: str, day: date | None) -> ChannelFileId | None:
    """The file with this content, if it was imported. Files without a line are alike, and told
    apart by their day.
    """
    row, line = ChannelFileRow, ChannelLineRow
    said = exists().where(line.file_id == row.id, line.place == 1, line.file_line.is_not(None))
    same = said if day is None else (row.first_day <= day) & (row.last_day >= day)
    found = session.scalar(select(row.id).where(row.sha256 == sha256, row.scope == scope, same))
    return ChannelFileId(found) if found else None


def same_days(
    session: Session, *, channel: str, scope: str, first: date, last: date
) -> ChannelFileId | None:
    """The newest file of a channel and scope about exactly these days."""
    row = ChannelFileRow
    about = row.channel == channel, row.scope == scope, row.first_day == first, row.last_day == last
    found = session.scalar(select(row.id).where(*about).order_by(row.occurred_at.desc()).limit(1))
    return ChannelFileId(found) if found else None


def unmatched(
    session: Session, *, file: UUID, also_theirs: bool
) -> Iterator[tuple[ChannelLine, int]]:
    """The lines of a file that did not match, with their ordinals; fetched a part at a time.

    Without `also_theirs` those that only the file has are left out.
    """
    where = [_LINE.c.file_id == file, _LINE.c.finding != Finding.MATCHED]
    if not also_theirs:
        where.append(_LINE.c.finding != Finding.ONLY_THEIRS)
    rows = session.execute(
        select(_LINE).where(*where).order_by(_LINE.c.place).execution_options(yield_per=_AT_ONCE)
    )
    for row in rows:
        yield _line(row), row.ordinal


def places(
    session: Session, redemptions: Collection[RedemptionId]
) -> dict[RedemptionId, tuple[ShopId, str]]:
    """The shop and the area of each redemption."""
    rows = session.execute(_PLACES, {"ids": array(redemptions)})
    return {RedemptionId(id): (ShopId(shop), area) for id, shop, area in rows}


def add_differences(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[DifferenceId]:
    """Insert those that are not under way already; the ids of the new ones."""
    made: list[DifferenceId] = []
    for start in range(0, len(rows), _AT_ONCE):
        part = [dict(row) for row in rows[start : start + _AT_ONCE]]
        statement = pg_insert(_DIFFERENCE).values(part).on_conflict_do_nothing()
        made += [DifferenceId(id) for id in session.scalars(statement.returning(_DIFFERENCE.c.id))]
    return made


def explained(
    session: Session,
    *,
    file: UUID,
    channel: str,
    scope: str,
    merchant: MerchantId | None,
    shop: ShopId | None,
) -> dict[DifferenceId, str]:
    """Open differences that end by a new file, with the reason: `there here replaced`."""
    told = {
        "file": file,
        "channel": channel,
        "scope": scope,
        "merchant": merchant,
        "shop": shop,
    }
    reasons = (("replaced", _NO_LONGER), ("there", _FOUND_THERE), ("here", _FOUND_HERE))
    return {
        DifferenceId(id): why
        for why, statement in reasons
        for id in session.scalars(statement, told)
    }


def still_open(session: Session, ids: Collection[DifferenceId]) -> list[Difference]:
    """Those of these differences that are open, locked."""
    chosen = func.any(bindparam("ids", list(ids), type_=ARRAY(Uuid)))
    return differences(
        session, DifferenceRow.id == chosen, DifferenceRow.status == Status.OPEN, lock=True
    )


def orders(session: Session, ids: Collection[DifferenceId]) -> dict[RedemptionId, Money]:
    """The orders that these differences are about, oldest first: what of each is not refunded."""
    rows = session.execute(_ORDERS, {"ids": array(ids)})
    return {RedemptionId(id): Money(left) for id, left, _ in rows}


def holding(session: Session, redemptions: Collection[RedemptionId]) -> list[DifferenceId]:
    """The differences under way that name one of these redemptions and hold it."""
    rows = session.scalars(_HOLDING, {"ids": array(redemptions)})
    return [DifferenceId(id) for id in rows]


def differences(
    session: Session,
    *where: ColumnElement[bool],
    limit: int | None = None,
    lock: bool = False,
) -> list[Difference]:
    """Differences that match, the one that is due first at the beginning; without their notes."""
    statement = (
        select(DifferenceRow, ChannelLineRow, ChannelFileRow.format)
        .join(ChannelLineRow, _BESIDE)
        .join(ChannelFileRow, ChannelFileRow.id == DifferenceRow.file_id)
        .where(*where)
        .order_by(DifferenceRow.due_at, DifferenceRow.id)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    if lock:
        statement = statement.with_for_update(of=DifferenceRow)
    return [_difference(*row) for row in session.execute(statement)]


def count(session: Session, *where: ColumnElement[bool]) -> int:
    """How many differences match."""
    return session.scalars(select(func.count()).select_from(_DIFFERENCE).where(*where)).one()


def first_due(session: Session, *where: ColumnElement[bool]) -> datetime | None:
    """When the first of the differences that match is due."""
    found: datetime | None = session.scalar(select(func.min(_DIFFERENCE.c.due_at)).where(*where))
    return found


def lines(
    session: Session, *where: ColumnElement[bool], limit: int | None = None
) -> Iterator[ChannelLine]:
    """Lines that match, each with the status of its difference; fetched a part at a time."""
    rows = session.execute(
        select(_LINE, _DIFFERENCE.c.status)
        .outerjoin(_DIFFERENCE, _BESIDE)
        .where(*where)
        .order_by(_LINE.c.file_id, _LINE.c.place)
        .limit(limit)
        .execution_options(yield_per=_AT_ONCE)
    )
    for row in rows:
        yield _line(row, row.status)


def add_notes(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append words to differences."""
    if rows:
        session.execute(insert(_NOTE), [dict(row) for row in rows])


def notes(session: Session, difference: DifferenceId) -> tuple[Note, ...]:
    """What was said of a difference, oldest first."""
    rows = session.execute(
        select(_NOTE).where(_NOTE.c.difference_id == difference).order_by(_NOTE.c.id)
    )
    return tuple(Note(row.by_staff, row.event, row.body, row.occurred_at) for row in rows)


def set_owner(session: Session, difference: DifferenceId, owner: UUID) -> None:
    """Say who looks after it."""
    session.execute(
        _DIFFERENCE.update().where(_DIFFERENCE.c.id == difference).values(owner_id=owner)
    )


def after(moment: tuple[datetime, UUID]) -> ColumnElement[bool]:
    """Differences that stand after this one in a list."""
    return tuple_(DifferenceRow.due_at, DifferenceRow.id) > moment


def before_file(moment: tuple[datetime, UUID]) -> ColumnElement[bool]:
    """Files that stand after this one in a list that begins with the newest."""
    at, id = moment
    return or_(
        ChannelFileRow.occurred_at < at,
        and_(ChannelFileRow.occurred_at == at, ChannelFileRow.id < id),
    )


def _line(row: Any, status: Any = None) -> ChannelLine:
    ours = theirs = None
    if row.redemption_id is not None:
        sums = (row.our_order_fen or ZERO, row.our_discount_fen or ZERO, row.our_paid_fen or ZERO)
        ours = OurSide(RedemptionId(row.redemption_id), row.our_at, *sums)
    if row.file_line is not None:
        told = row.their_order_fen, row.their_discount_fen, row.their_paid_fen
        theirs = TheirSide(row.file_line, row.their_at, row.their_day, *told)
    return ChannelLine(
        row.place,
        row.kind,
        row.reference,
        row.finding,
        tuple(Part(one) for one in row.differs),
        ours,
        theirs,
        status,
    )


def _difference(row: DifferenceRow, line: ChannelLineRow, format: str) -> Difference:
    return Difference(
        DifferenceId(row.id),
        ChannelFileId(row.file_id),
        format,
        _line(line, row.status),
        row.area,
        ShopId(row.shop_id) if row.shop_id else None,
        row.status,
        row.owner_id,
        row.due_at,
        row.correction_fen,
        row.holds,
        row.occurred_at,
        row.closed_at,
    )
