"""Reads of the lines of channels' files; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, exists, or_, select, true
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.money import ZERO
from voucher_service.settlement.model import PaymentId

from ..model import Finding, Part
from .model import ChannelLine, DifferenceId, Event, OurSide, Status, TheirSide
from .tables import ChannelFileRow, ChannelLineRow, DifferenceNoteRow, DifferenceRow

_AT_ONCE = 1_000
_FILE = cast(Table, ChannelFileRow.__table__)
_LINE = cast(Table, ChannelLineRow.__table__)
_DIFFERENCE = cast(Table, DifferenceRow.__table__)
_NOTE = cast(Table, DifferenceNoteRow.__table__)
_KEY = ("kind", "reference", "ordinal", "finding")
# A line that did not match says what a difference says, in whichever file of the same scope.
SAME = and_(
    _LINE.c.finding != Finding.MATCHED, *(_DIFFERENCE.c[one] == _LINE.c[one] for one in _KEY)
)
OF_FILE = and_(*(_DIFFERENCE.c[one] == _FILE.c[one] for one in ("channel", "scope")))
BESIDE = and_(_LINE.c.file_id == _DIFFERENCE.c.file_id, _LINE.c.place == _DIFFERENCE.c.place)


def unmatched(
    session: Session, *, file: UUID, channel: str, scope: str, also_theirs: bool
) -> Iterator[tuple[ChannelLine, int]]:
    """The lines of a file that did not match, with their ordinals; fetched a part at a time.

    What people decided about the same line of an earlier file is left out, and without
    `also_theirs` what only the file has.
    """
    where = [
        _LINE.c.file_id == file,
        _LINE.c.finding != Finding.MATCHED,
        ~_decided(channel, scope),
    ]
    if not also_theirs:
        where.append(_LINE.c.finding != Finding.ONLY_THEIRS)
    rows = session.execute(
        select(_LINE).where(*where).order_by(_LINE.c.place).execution_options(yield_per=_AT_ONCE)
    )
    for row in rows:
        yield line_of(row), row.ordinal


def lines(
    session: Session, *where: ColumnElement[bool], limit: int | None = None
) -> Iterator[ChannelLine]:
    """Lines that match, each with the status of its difference: the one that it made, else the
    newest that another file made of the same. Fetched a part at a time.
    """
    newest = (
        select(_DIFFERENCE.c.status, _DIFFERENCE.c.id.label("difference_id"))
        .where(SAME, OF_FILE)
        .order_by(BESIDE.desc(), _DIFFERENCE.c.occurred_at.desc())
        .limit(1)
        .correlate(_LINE, _FILE)
        .lateral()
    )
    rows = session.execute(
        select(_LINE, newest.c.status, newest.c.difference_id)
        .join(_FILE, _FILE.c.id == _LINE.c.file_id)
        .outerjoin(newest, true())
        .where(*where)
        .order_by(_LINE.c.file_id, _LINE.c.place)
        .limit(limit)
        .execution_options(yield_per=_AT_ONCE)
    )
    for row in rows:
        yield line_of(row, row.status, row.difference_id)


def shown_by(file: UUID) -> ColumnElement[bool]:
    """Differences that a line of a file shows, whichever file opened them."""
    about = _FILE.c.id == file, OF_FILE, _LINE.c.file_id == _FILE.c.id, SAME
    return exists().where(*about).correlate(_DIFFERENCE)


def line_of(row: Any, status: Any = None, difference: UUID | None = None) -> ChannelLine:
    """A line of a row, and where the difference stands that it made, if any."""
    ours = theirs = None
    if row.our_at is not None:
        order = RedemptionId(row.redemption_id) if row.redemption_id else None
        payment = PaymentId(row.payment_id) if row.payment_id else None
        sums = (row.our_order_fen or ZERO, row.our_discount_fen or ZERO, row.our_paid_fen or ZERO)
        ours = OurSide(order, payment, row.our_at, *sums)
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
        DifferenceId(difference) if difference else None,
    )


def _decided(channel: str, scope: str) -> ColumnElement[bool]:
    """Whether people explained, accepted or corrected what a line says again. A correction changed
    our sums; nothing else may have changed.

    Looked up by the line's reference: joined, all that was ever decided may be read for each line,
    for nothing is known yet of how many lines a new file has.
    """
    was, row, note = _LINE.alias("was"), _DIFFERENCE.c, _NOTE.c
    by_a_person = exists().where(note.difference_id == row.id, note.event == str(Event.EXPLAINED))
    same = ("their_order_fen", "their_discount_fen", "their_paid_fen", "redemption_id")
    found = select(true()).where(
        row.channel == channel,
        row.scope == scope,
        *(row[name] == _LINE.c[name] for name in _KEY),
        or_(
            row.status.in_((Status.CORRECTED, Status.ACCEPTED)),
            and_(row.status == Status.EXPLAINED, by_a_person),
        ),
        was.c.file_id == row.file_id,
        was.c.place == row.place,
        *(was.c[name].is_not_distinct_from(_LINE.c[name]) for name in same),
        or_(
            row.status == Status.CORRECTED,
            was.c.our_paid_fen.is_not_distinct_from(_LINE.c.our_paid_fen),
        ),
    )
    return found.limit(1).correlate(_LINE).scalar_subquery().is_not(None)
