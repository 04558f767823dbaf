"""Reads and writes of rollups; what they count stands in `counting`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, TextClause, delete, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.kernel.clock import end_of, start_of
from voucher_service.kernel.ids import CampaignId, OfferId, ProgrammeId

from . import counting
from .grain import Moved, Side, Span, spans
from .tables import (
    RollupCellRow,
    RollupDraftRepeatRow,
    RollupDraftRow,
    RollupRepeatRow,
    RollupRow,
    RollupRunRow,
    RollupTaskRow,
)

_CELL: Any = RollupCellRow.__table__
_OFFERS = text("""
SELECT c.id, o.id
FROM offer o JOIN campaign c ON c.id = o.campaign_id
WHERE c.programme_id = :programme AND o.status <> 'draft'
ORDER BY c.id, o.id
""")
# Every claim, redemption and lapse posts to the pool of its offer; folding moves no figure. A
# refund that leaves the whole subsidy posts nothing, and stands in the trail.
_CHANGED = text("""
WITH moved AS (
    SELECT DISTINCT a.owner_id AS offer_id
    FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id
    JOIN ledger.transfer t ON t.id = e.transfer_id
    WHERE e.xid >= :since AND a.owner_type LIKE 'pool%' AND t.code <> 'folded'
    UNION
    SELECT r.offer_id FROM audit.event v JOIN redemption r ON r.id = v.object_id::uuid
    WHERE v.xid >= :since AND v.action = 'redemption.refunded'
)
SELECT DISTINCT p.slug
FROM moved JOIN offer o ON o.id = moved.offer_id
JOIN campaign c ON c.id = o.campaign_id
JOIN programme p ON p.id = c.programme_id
ORDER BY p.slug
""")
# An order is a repeat when an earlier one of its merchant in the programme named the same payment.
# Of the payments that orders of some days name: who is one now, and was none before, or was one.
_REPEATS = text(f"""
WITH {counting.OFFERS}, named AS (
    SELECT DISTINCT r.merchant_id, r.payment_reference
    FROM redemption r JOIN offers o ON o.id = r.offer_id
    WHERE r.payment_reference IS NOT NULL AND r.occurred_at >= :since AND r.occurred_at < :until
), placed AS (
    SELECT f.id, f.occurred_at, counts AND row_number() OVER (
        PARTITION BY merchant_id, payment_reference, counts ORDER BY f.occurred_at, f.id) > 1
        AS again
    FROM named JOIN redemption f USING (merchant_id, payment_reference)
    JOIN offers o ON o.id = f.offer_id
    CROSS JOIN LATERAL (SELECT f.status = 'committed' AND f.voucher_id IS NOT NULL AS counts) c
), changed AS (
    SELECT p.id, date(p.occurred_at AT TIME ZONE 'Asia/Shanghai') AS day, p.again
    FROM placed p LEFT JOIN rollup_repeat known ON known.redemption_id = p.id
    WHERE p.again <> (known.redemption_id IS NOT NULL)
), gone AS (
    DELETE FROM rollup_repeat WHERE redemption_id IN (SELECT id FROM changed WHERE NOT again)
), come AS (
    INSERT INTO rollup_repeat (redemption_id, programme_id, day)
    SELECT id, :programme, day FROM changed WHERE again
)
SELECT DISTINCT day FROM changed
""")  # noqa: S608 - constants of the code, here and below
_ALL_REPEATS = text(f"""
WITH {counting.OFFERS}, twice AS (
    SELECT merchant_id, payment_reference FROM redemption WHERE payment_reference IS NOT NULL
    GROUP BY merchant_id, payment_reference HAVING count(*) > 1)
INSERT INTO rollup_draft_repeat (redemption_id, programme_id, day)
SELECT id, :programme, day FROM (
    SELECT r.id, date(r.occurred_at AT TIME ZONE 'Asia/Shanghai') AS day, row_number() OVER (
        PARTITION BY merchant_id, payment_reference ORDER BY r.occurred_at, r.id) > 1 AS again
    FROM redemption r JOIN twice USING (merchant_id, payment_reference)
    JOIN offers o ON o.id = r.offer_id
    WHERE r.status = 'committed' AND r.voucher_id IS NOT NULL) placed
WHERE again
""")  # noqa: S608
_MERGE_REPEATS = text("""
INSERT INTO rollup_repeat (redemption_id, programme_id, day)
SELECT redemption_id, programme_id, day FROM rollup_draft_repeat WHERE programme_id = :programme
ON CONFLICT (redemption_id) DO UPDATE SET programme_id = excluded.programme_id, day = excluded.day
""")
_PROGRESS = text("""
SELECT p.slug, r.as_of, t.done, t.parts, r.proved_at, r.proved_cells, r.differing
FROM programme p LEFT JOIN rollup_run r ON r.programme_id = p.id
CROSS JOIN LATERAL (SELECT count(done_at) AS done, count(*) AS parts
                    FROM rollup_task WHERE programme_id = p.id) t
ORDER BY p.opens_on DESC, p.slug
""")
_UNPROVED = text("""
SELECT p.slug FROM programme p JOIN rollup_run r ON r.programme_id = p.id
WHERE coalesce(r.proved_at, '-infinity') < :since ORDER BY r.proved_at NULLS FIRST, p.slug
""")


_AFFORDED = (
    "statement_timeout = '10min'",
    "work_mem = '64MB'",
    "client_connection_check_interval = '5s'",
)


def afford(session: Session) -> None:
    """A count takes seconds and sorts many rows: the transaction gets the time and memory for it.

    Its statements all see one instant. One whose process was killed ends soon, and so do its locks.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    for setting in _AFFORDED:
        session.execute(text(f"SET LOCAL {setting}"))


def offers(session: Session, *, programme: ProgrammeId) -> list[tuple[CampaignId, OfferId]]:
    """Every offer that was ever published, with its campaign."""
    rows = session.execute(_OFFERS, {"programme": programme})
    return [(CampaignId(campaign), OfferId(offer)) for campaign, offer in rows]


def changed(session: Session, *, since: int) -> list[str]:
    """Slugs of the programmes that transactions from a horizon on moved."""
    return list(session.execute(_CHANGED, {"since": since}).scalars())


def counted(session: Session, *, programme: ProgrammeId) -> int | None:
    """The horizon of what the cells hold; None before the first run."""
    return session.scalar(select(RollupRunRow.xid).where(RollupRunRow.programme_id == programme))


def plan(session: Session, *, programme: ProgrammeId, within: Span, xid: int) -> None:
    """Put a full recount on the list, in parts; draft what opens and every repeated payment."""
    tasks = [
        {"programme_id": programme, "first": one.first, "last": one.last, "xid": xid}
        for one in within.parts()
    ]
    session.execute(insert(RollupTaskRow), tasks)
    for statement in (_ALL_REPEATS, counting.RELEASES[counting.DRAFT]):
        session.execute(statement, {"programme": programme})


def tasks(session: Session, *, programme: ProgrammeId) -> list[RollupTaskRow]:
    """The parts of the full recount under way, in order; none when there is none."""
    mine = select(RollupTaskRow).where(RollupTaskRow.programme_id == programme)
    return list(session.scalars(mine.order_by(RollupTaskRow.first)))


def draft(session: Session, *, programme: ProgrammeId, within: Span, now: datetime) -> None:
    """Count a part of a full recount and note that it is done, unless it is done already."""
    taken = (
        update(RollupTaskRow)
        .where(
            RollupTaskRow.programme_id == programme,
            RollupTaskRow.first == within.first,
            RollupTaskRow.done_at.is_(None),
        )
        .values(done_at=now)
        .returning(RollupTaskRow.first)
    )
    if session.execute(taken).first() is not None:
        both = (Side.CLAIMS, Side.LAPSES)
        _count(session, programme, within, counting.CLAIMS[counting.DRAFT], *both)
        _count(session, programme, within, counting.ORDERS[counting.DRAFT])


def merge(session: Session, *, programme: ProgrammeId) -> None:
    """The draft takes the place of every cell, and no sum stands."""
    _forget(session, programme, RollupCellRow, RollupRow, RollupRepeatRow)
    for statement in (counting.MERGE, _MERGE_REPEATS):
        session.execute(statement, {"programme": programme})


def forget_draft(session: Session, *, programme: ProgrammeId) -> None:
    """A full recount is over: its draft and the list of its parts are gone."""
    _forget(session, programme, RollupDraftRow, RollupDraftRepeatRow, RollupTaskRow)


def repeats(session: Session, *, programme: ProgrammeId, days: Collection[date]) -> Moved:
    """Find out which orders name a payment again, now that orders of these days changed.

    An order may give its place as the first to one of another day: the days that this moved.
    """
    moved: set[date] = set()
    for one in spans(days):
        asked = {"programme": programme, **_instants(one)}
        moved |= set(session.execute(_REPEATS, asked).scalars())
    return Moved(orders=frozenset(moved))


def recount(session: Session, *, programme: ProgrammeId, moved: Moved) -> None:
    """Count the cells of some days anew."""
    session.execute(delete(RollupCellRow).where(_of(programme, moved)))
    if moved.releases:
        session.execute(counting.RELEASES[counting.CELLS], {"programme": programme})
    for side, days, statements in (
        (Side.CLAIMS, moved.claims, counting.CLAIMS),
        (Side.LAPSES, moved.lapses, counting.LAPSES),
        (Side.ORDERS, moved.orders, counting.ORDERS),
    ):
        for one in spans(days):
            _count(session, programme, one, statements[counting.CELLS], side)


def days_of(
    session: Session, *, programme: ProgrammeId, moved: Moved
) -> tuple[set[date], set[date]]:
    """The days and the claim days of the cells that a recount of what moved writes anew."""
    cells = select(_CELL.c.day, _CELL.c.claim_day).where(_of(programme, moved))
    found = session.execute(cells.distinct()).all()
    return {day for day, _ in found}, {claim_day for _, claim_day in found}


def _of(programme: ProgrammeId, moved: Moved) -> ColumnElement[bool]:
    """The cells of what moved; if a release moved, those of all releases."""
    mine: ColumnElement[bool] = _CELL.c.programme_id == programme
    return mine & or_(
        (_CELL.c.side == Side.RELEASES) & literal(bool(moved.releases)),
        (_CELL.c.side == Side.CLAIMS) & _CELL.c.claim_day.in_(moved.claims),
        (_CELL.c.side == Side.LAPSES) & _CELL.c.day.in_(moved.lapses),
        (_CELL.c.side == Side.ORDERS) & _CELL.c.day.in_(moved.orders),
    )


def all_days(session: Session, *, programme: ProgrammeId) -> tuple[set[date], set[date]]:
    """The days and the claim days of all cells."""
    mine = _CELL.c.programme_id == programme
    days, claim_days = (
        set(session.execute(select(column).where(mine).distinct()).scalars())
        for column in (_CELL.c.day, _CELL.c.claim_day)
    )
    return days, claim_days


def sum_up(
    session: Session,
    *,
    programme: ProgrammeId,
    days: Collection[date],
    claim_days: Collection[date],
) -> None:
    """Sum the cells of these days, and of these days of claims, for those who read."""
    asked = {"period": days, "cohort": claim_days}
    for basis, of in asked.items():
        session.execute(
            delete(RollupRow).where(
                RollupRow.programme_id == programme,
                RollupRow.basis == basis,
                RollupRow.day.in_(of),
            )
        )
    session.execute(
        counting.SUM_UP,
        {"programme": programme, "days": sorted(days), "claim_days": sorted(claim_days)},
    )


def mark(
    session: Session, *, programme: ProgrammeId, as_of: datetime, xid: int, **proved: Any
) -> None:
    """Note of which instant the rollups are and of which horizon, and what a full recount found."""
    values = {"as_of": as_of, "xid": xid, "started_at": func.now(), **proved}
    statement = insert(RollupRunRow).values(programme_id=programme, run=1, **values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[RollupRunRow.programme_id],
            set_={"run": RollupRunRow.run + 1, **values},
        )
    )


def progress(session: Session) -> list[Mapping[str, Any]]:
    """How far each programme is."""
    return [dict(row) for row in session.execute(_PROGRESS).mappings()]


def unproved(session: Session, *, since: datetime) -> list[str]:
    """Slugs of the programmes whose last full recount is older; the longest ago comes first."""
    return list(session.execute(_UNPROVED, {"since": since}).scalars())


def _count(
    session: Session, programme: ProgrammeId, within: Span, statement: TextClause, *sides: Side
) -> None:
    values = {"programme": programme, "sides": [str(one) for one in sides], **_instants(within)}
    session.execute(statement, values)


def _instants(within: Span) -> dict[str, datetime]:
    return {"since": start_of(within.first), "until": end_of(within.last)}


def _forget(session: Session, programme: ProgrammeId, *rows: Any) -> None:
    for row in rows:
        session.execute(delete(row).where(row.programme_id == programme))
