"""Reads and writes of revisions; decides nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Table,
    Uuid,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.infra.database import MoneyFen
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import BudgetLineId, CampaignId, ResidentId
from voucher_service.kernel.money import ZERO, Money

from ..quote import Reason
from .model import Line, LineState, Revision, RevisionId, Status, state
from .tables import RevisionLineRow, RevisionRow, RevisionShareRow

_LINE = cast(Table, RevisionLineRow.__table__)
_AT_ONCE = 5_000
MORE: ColumnElement[bool] = RevisionLineRow.after_fen > RevisionLineRow.before_fen
# What refunds and returns left of a difference.
KEPT: Any = func.coalesce(
    RevisionLineRow.kept_fen, RevisionLineRow.after_fen - RevisionLineRow.before_fen, type_=MoneyFen
)


def forget_card(session: Session, resident: ResidentId) -> None:
    """Delete the cards that a resident named."""
    mine = update(RevisionLineRow).where(RevisionLineRow.resident_id == resident)
    session.execute(mine.values(card_cipher=None))


def row(session: Session, id: RevisionId, *, lock: bool = False) -> RevisionRow:
    """One revision; with `lock` as it stands once the lock is held. Raises NoSuchThing."""
    statement = select(RevisionRow).where(RevisionRow.id == id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NoSuchThing
    return found


def view(row: RevisionRow) -> Revision:
    """The revision of a row."""
    return Revision(
        id=RevisionId(row.id),
        policy_id=row.policy_id,
        scheme=row.scheme,
        campaign_id=CampaignId(row.campaign_id),
        area=row.area,
        known_until=row.known_until,
        status=row.status,
        seen=row.seen,
        changed=row.changed,
        more=row.more_fen,
        less=row.less_fen,
        list_sha256=row.list_sha256,
        created_by=row.created_by,
        created_at=row.created_at,
        looked_back_to=row.cursor_at if row.seen else None,
        decided_at=row.decided_at,
    )


def revisions(
    session: Session, *, area: str, after: tuple[datetime, UUID] | None, most: int
) -> list[Revision]:
    """Revisions of an area, newest first."""
    columns = (RevisionRow.created_at, RevisionRow.id)
    statement = select(RevisionRow).where(
        RevisionRow.area.startswith(areas.stem(area), autoescape=True)
    )
    if after is not None:
        statement = statement.where(tuple_(*columns) < after)
    newest = (one.desc() for one in columns)
    return [view(one) for one in session.scalars(statement.order_by(*newest).limit(most))]


def standing(session: Session, *where: ColumnElement[bool]) -> list[RevisionRow]:
    """Revisions that match, locked."""
    return list(
        session.scalars(
            select(RevisionRow)
            .where(*where)
            .order_by(RevisionRow.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def computing(session: Session) -> list[RevisionId]:
    """Revisions that are not computed yet."""
    rows = session.scalars(select(RevisionRow.id).where(RevisionRow.status == Status.COMPUTING))
    return [RevisionId(one) for one in rows]


def added(session: Session, subjects: Collection[UUID]) -> dict[UUID, Money]:
    """What approved revisions added to decisions so far, and still add."""
    total: Any = func.sum(KEPT, type_=MoneyFen)
    rows = session.execute(
        select(RevisionLineRow.subject_id, total.label("added"))
        .join(RevisionRow, RevisionRow.id == RevisionLineRow.revision_id)
        .where(
            RevisionLineRow.subject_id.in_(subjects), RevisionRow.status == Status.APPROVED, MORE
        )
        .group_by(RevisionLineRow.subject_id)
    )
    return {row.subject_id: row.added for row in rows}


def add_lines(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert lines."""
    if rows:
        session.execute(insert(_LINE), list(rows))


def fingerprint(session: Session, revision: RevisionId) -> str:
    """The list of a revision as one hash in hex: each decision, what it got, what it gets."""
    digest = hashlib.sha256()
    for one in _each(session, revision):
        fen = f"{one.before_fen.fen} {one.after_fen.fen}"
        digest.update(f"{one.kind} {one.subject_id} {fen}\n".encode())
    return digest.hexdigest()


def pieces(session: Session, revision: RevisionId) -> Iterator[dict[UUID, Money]]:
    """What each decision of a revision's list got, some thousands at a time."""
    piece: dict[UUID, Money] = {}
    for one in _each(session, revision):
        piece[one.subject_id] = one.before_fen
        if len(piece) == _AT_ONCE:
            yield piece
            piece = {}
    if piece:
        yield piece


def lines(
    session: Session,
    *where: ColumnElement[bool],
    after: tuple[RevisionId, UUID] | None = None,
    most: int | None,
) -> list[tuple[RevisionLineRow, RevisionRow]]:
    """Lines that match with their revisions, by their ids."""
    columns = (RevisionLineRow.revision_id, RevisionLineRow.subject_id)
    statement = (
        select(RevisionLineRow, RevisionRow)
        .join(RevisionRow, RevisionRow.id == RevisionLineRow.revision_id)
        .where(*where)
        .order_by(*columns)
        .limit(most)
        .execution_options(populate_existing=True)
    )
    if after is not None:
        statement = statement.where(tuple_(*columns) > after)
    return [(line, revision) for line, revision in session.execute(statement)]


def kept_of(line: RevisionLineRow) -> Money:
    """What is paid of a line, after refunds and returns."""
    if line.kept_fen is not None:
        return line.kept_fen
    return max(ZERO, line.after_fen - line.before_fen)


def line_view(line: RevisionLineRow, revision: RevisionRow, *, last4: str = "") -> Line:
    """The line of a row."""
    has_card, paid = line.card_cipher is not None, line.paid_at is not None
    difference, kept = line.after_fen - line.before_fen, kept_of(line)
    sent = line.sent_at is not None
    stands: LineState = state(
        line.kind, revision.status, difference, kept, card=has_card, sent=sent, paid=paid
    )
    return Line(
        RevisionId(line.revision_id),
        line.kind,
        line.subject_id,
        ResidentId(line.resident_id),
        line.category,
        line.area,
        line.before_fen,
        line.after_fen,
        tuple(Reason(one) for one in line.reasons),
        stands,
        kept,
        line.paid_at,
        last4,
    )


def line(
    session: Session, revision: RevisionId, subject: UUID, *where: ColumnElement[bool]
) -> tuple[RevisionLineRow, RevisionRow] | None:
    """One line with its revision, if it matches."""
    which = (RevisionLineRow.revision_id == revision, RevisionLineRow.subject_id == subject)
    return next(iter(lines(session, *which, *where, most=1)), None)


def these(named: Collection[tuple[RevisionId, UUID]]) -> ColumnElement[bool]:
    """Lines by revision and decision, however many are named."""
    each = ([one[place] for one in named] for place in (0, 1))
    columns = (RevisionLineRow.revision_id, RevisionLineRow.subject_id)
    return tuple_(*columns).in_(select(*(func.unnest(literal(ids, ARRAY(Uuid))) for ids in each)))


def lock_lines(session: Session, *where: ColumnElement[bool]) -> None:
    """Lock lines of approved revisions, in the order of their ids. A revision that is being
    approved comes first: whoever approves it reads what its decisions are.
    """
    of = select(RevisionLineRow.revision_id).where(*where)
    first = select(RevisionRow.id).where(RevisionRow.id.in_(of)).order_by(RevisionRow.id)
    session.execute(first.with_for_update(read=True)).all()
    columns = (RevisionLineRow.revision_id, RevisionLineRow.subject_id)
    session.execute(select(*columns).where(*where).order_by(*columns).with_for_update()).all()


def set_line(session: Session, revision: RevisionId, subject: UUID, **values: Any) -> bool:
    """Change a line that was not paid; False when it was."""
    statement = (
        update(_LINE)
        .where(
            _LINE.c.revision_id == revision,
            _LINE.c.subject_id == subject,
            _LINE.c.paid_at.is_(None),
        )
        .values(**values)
        .returning(_LINE.c.subject_id)
    )
    return session.execute(statement).first() is not None


def unpay(session: Session, revision: RevisionId, subject: UUID) -> bool:
    """A line that was paid is due again; False when it was not paid."""
    statement = (
        update(_LINE)
        .where(
            _LINE.c.revision_id == revision,
            _LINE.c.subject_id == subject,
            _LINE.c.paid_at.is_not(None),
        )
        .values(paid_at=None, sent_at=None)
        .returning(_LINE.c.subject_id)
    )
    return session.execute(statement).first() is not None


def send(session: Session, named: Collection[tuple[RevisionId, UUID]], at: datetime) -> int:
    """Note that these lines go to the bank; how many were not paid and have something left."""
    unpaid = (RevisionLineRow.paid_at.is_(None), KEPT > ZERO)
    statement = update(_LINE).where(these(named), *unpaid).values(sent_at=at)
    return cast(CursorResult[Any], session.execute(statement)).rowcount


def older(session: Session, newest: int, most: int) -> list[RevisionLineRow]:
    """Lines, locked, whose card is under another key than the newest."""
    return list(
        session.scalars(
            select(RevisionLineRow)
            .where(func.get_byte(RevisionLineRow.card_cipher, 0) != newest)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
    )


def owed(session: Session, revision: RevisionId) -> Iterator[list[ResidentId]]:
    """Whom a revision owes something, some thousands at a time; nobody twice."""
    residents = session.scalars(
        select(RevisionLineRow.resident_id)
        .where(RevisionLineRow.revision_id == revision, MORE)
        .distinct()
        .execution_options(yield_per=_AT_ONCE)
    )
    for piece in residents.partitions():
        yield [ResidentId(one) for one in piece]


def share(session: Session, revision: RevisionId, parts: Mapping[BudgetLineId, Money]) -> None:
    """Keep what each budget line pays of a revision."""
    session.add_all(
        RevisionShareRow(revision_id=revision, line_id=line, amount_fen=part)
        for line, part in parts.items()
    )
    session.flush()


def shares(session: Session, revision: RevisionId) -> dict[BudgetLineId, Money]:
    """What each budget line pays of a revision, as far as it still does."""
    rows = session.execute(
        select(RevisionShareRow.line_id, RevisionShareRow.amount_fen)
        .where(RevisionShareRow.revision_id == revision, RevisionShareRow.amount_fen > ZERO)
        .order_by(RevisionShareRow.line_id)
    )
    return {BudgetLineId(row.line_id): row.amount_fen for row in rows}


def unshare(session: Session, revision: RevisionId, parts: Mapping[BudgetLineId, Money]) -> None:
    """The budget lines of a revision pay that much less."""
    for line, part in parts.items():
        session.execute(
            update(RevisionShareRow)
            .where(RevisionShareRow.revision_id == revision, RevisionShareRow.line_id == line)
            .values(amount_fen=RevisionShareRow.amount_fen - part)
        )


def _each(session: Session, revision: RevisionId) -> Iterator[Any]:
    columns = (_LINE.c.kind, _LINE.c.subject_id, _LINE.c.before_fen, _LINE.c.after_fen)
    statement = (
        select(*columns)
        .where(_LINE.c.revision_id == revision)
        .order_by(_LINE.c.subject_id)
        .execution_options(yield_per=_AT_ONCE)
    )
    yield from session.execute(statement)
