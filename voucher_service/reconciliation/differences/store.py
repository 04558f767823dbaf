"""Reads and writes of channels' files, their lines and differences; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
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
from voucher_service.kernel.money import Money
from voucher_service.settlement.model import PaymentId

from ..model import Finding
from .layout import Days
from .line_store import BESIDE, line_of
from .model import (
    UNDER_WAY,
    ChannelFile,
    ChannelFileId,
    Difference,
    DifferenceId,
    Note,
    Status,
)
from .tables import (
    ChannelFileRow,
    ChannelLineRow,
    DifferenceNoteRow,
    DifferenceRefundRow,
    DifferenceRow,
)

_AT_ONCE = 1_000
_FILE = cast(Table, ChannelFileRow.__table__)
_DIFFERENCE = cast(Table, DifferenceRow.__table__)
_REFUND = cast(Table, DifferenceRefundRow.__table__)
_NOTE = cast(Table, DifferenceNoteRow.__table__)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('channel_file:' || :about, 0))")
_PATIENCE = text("SET LOCAL lock_timeout = '30min'"), text("SET LOCAL statement_timeout = '30min'")
_PLACES = text("""
SELECT r.id, s.id, s.area
FROM redemption r JOIN shop s ON s.id = r.shop_id
WHERE r.id IN (SELECT unnest(CAST(:ids AS uuid[])))
""")
_HOLDING = text("""
SELECT id FROM difference
WHERE holds AND status IN ('open', 'proposed')
  AND redemption_id IN (SELECT unnest(CAST(:ids AS uuid[])))
""")
_HELD_PAYMENTS = text("""
SELECT DISTINCT payment_id FROM difference
WHERE payment_id IS NOT NULL AND id IN (SELECT unnest(CAST(:ids AS uuid[])))
""")
_LOCK_ORDERS = text("""
SELECT id FROM redemption WHERE id IN (SELECT unnest(CAST(:ids AS uuid[])))
ORDER BY id FOR NO KEY UPDATE
""")
# A channel's line is about all orders of a ticket, of which the difference names the first.
_ORDERS = text("""
WITH named AS (
    SELECT r.*, f.shop_id IS NULL AS paid_together
    FROM difference d JOIN channel_file f ON f.id = d.file_id
    JOIN redemption r ON r.id = d.redemption_id
    WHERE d.id IN (SELECT unnest(CAST(:ids AS uuid[])))
)
SELECT id, CASE WHEN status = 'committed' THEN order_amount_fen - refunded_fen ELSE 0 END,
    occurred_at AS at FROM named
UNION
SELECT r.id, r.order_amount_fen - r.refunded_fen, r.occurred_at
FROM named n JOIN redemption r ON r.shop_id = n.shop_id
    AND r.ticket_reference = n.ticket_reference AND r.payment_reference = n.payment_reference
WHERE n.paid_together AND r.status = 'committed'
ORDER BY at, id
""")


def lock(session: Session, *about: str, patient: bool) -> None:
    """Wait for other imports of the same; `patient`: as long as they may take.

    Everybody takes the locks in the same order.
    """
    for setting in _PATIENCE if patient else ():
        session.execute(setting)
    for one in about:
        session.execute(_LOCK, {"about": one})


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


def known(
    session: Session, *, sha256: bytes, scope: str, days: Days | None
) -> ChannelFileId | None:
    """The file with this content, if it was imported as one of these days; of any, where nobody
    says them. Files without a line are alike, and told apart by their days.
    """
    row, line = ChannelFileRow, ChannelLineRow
    same: ColumnElement[bool]
    if days is None:
        same = exists().where(line.file_id == row.id, line.place == 1, line.file_line.is_not(None))
    else:
        same = (row.first_day <= days.first) & (row.last_day >= days.last)
    found = session.scalar(select(row.id).where(row.sha256 == sha256, row.scope == scope, same))
    return ChannelFileId(found) if found else None


def same_days(session: Session, *, channel: str, scope: str, days: Days) -> ChannelFileId | None:
    """The newest file of a channel and scope about exactly these days."""
    row = ChannelFileRow
    same = row.first_day == days.first, row.last_day == days.last
    about = row.channel == channel, row.scope == scope, *same
    found = session.scalar(select(row.id).where(*about).order_by(row.occurred_at.desc()).limit(1))
    return ChannelFileId(found) if found else None


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


def lock_orders(session: Session, ids: Collection[RedemptionId]) -> None:
    """Wait for others that hold these orders or let them go."""
    session.execute(_LOCK_ORDERS, {"ids": array(ids)})


def add_refunds(session: Session, difference: DifferenceId, refunds: Collection[UUID]) -> None:
    """Keep which refunds corrected a difference."""
    rows = [{"refund_id": one, "difference_id": difference} for one in refunds]
    session.execute(insert(_REFUND), rows)


def payments(session: Session, ids: Collection[DifferenceId]) -> set[PaymentId]:
    """The payments that these differences are about."""
    rows = session.scalars(_HELD_PAYMENTS, {"ids": array(ids)})
    return {PaymentId(one) for one in rows}


def differences(
    session: Session,
    *where: ColumnElement[bool],
    limit: int | None = None,
    lock: bool = False,
) -> list[Difference]:
    """Differences that match, the one that is due first at the beginning; without their notes."""
    statement = (
        select(DifferenceRow, ChannelLineRow, ChannelFileRow.format)
        .join(ChannelLineRow, BESIDE)
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


def _difference(row: DifferenceRow, line: ChannelLineRow, format: str) -> Difference:
    return Difference(
        DifferenceId(row.id),
        ChannelFileId(row.file_id),
        format,
        line_of(line, row.status, row.id),
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
