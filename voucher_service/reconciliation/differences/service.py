"""Channels' files and the differences in them: commands, and what staff read of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.money import Money
from voucher_service.kernel.page import (
    CursorInvalid,
    Page,
    decode_cursor,
    decode_moment,
    encode_cursor,
)
from voucher_service.redemption import service as redemptions

from ..model import Finding
from . import formats, line_store, store, tying
from .importing import take
from .model import (
    UNDER_WAY,
    ChannelFile,
    ChannelFileId,
    ChannelLine,
    Difference,
    DifferenceId,
    Status,
)
from .sampling import sample
from .tables import ChannelFileRow, ChannelLineRow, DifferenceRow
from .tying import Tie
from .working import ACCEPT, CORRECT, comment, explain, propose, take_over

__all__ = [
    "ACCEPT",
    "CORRECT",
    "OVERDUE",
    "READERS",
    "Overdue",
    "check_reader",
    "comment",
    "difference",
    "differences",
    "explain",
    "export",
    "file",
    "files",
    "lines",
    "propose",
    "sample",
    "take",
    "take_over",
    "waiting",
    "watch",
]

READERS = frozenset({Role.FINANCE, Role.APPROVER, Role.AUDITOR})
# What the alarm is about: all differences of this installation that are late.
OVERDUE = "differences"
_UNDER_WAY = DifferenceRow.status.in_(UNDER_WAY)


@dataclass(frozen=True, slots=True)
class Overdue:
    """How many differences are under way in the reader's area, and when the first is due."""

    count: int
    first_due: datetime | None


def files(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[ChannelFile]:
    """Files, newest first, for staff of the whole city. Raises NotAllowed, CursorInvalid."""
    check_reader(actor, whole_city=True)
    after = decode_moment(cursor)
    where = [store.before_file(after)] if after else []
    with core.transaction() as session:
        found = store.files(session, *where, limit=limit + 1)
    items = found[:limit]
    if len(found) <= limit:
        return Page(items)
    return Page(items, encode_cursor(items[-1].made_at.isoformat(), items[-1].id))


def file(core: Core, *, actor: Actor, file: ChannelFileId) -> ChannelFile:
    """One file. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        return _file(session, actor, file)


def lines(
    core: Core,
    *,
    actor: Actor,
    file: ChannelFileId,
    finding: Finding | None,
    cursor: str | None,
    limit: int,
) -> Page[ChannelLine]:
    """Lines of one finding, or all that did not match, in the order of the file.

    Raises NotAllowed, NoSuchThing, CursorInvalid.
    """
    after = 0 if cursor is None else decode_cursor(cursor, 1)[0]
    if type(after) is not int or not 0 <= after < 2**31:
        raise CursorInvalid
    row = ChannelLineRow
    wanted = row.finding == finding if finding else row.finding != Finding.MATCHED
    with core.transaction() as session:
        _file(session, actor, file)
        where = (row.file_id == file, wanted, row.place > after)
        found = list(line_store.lines(session, *where, limit=limit + 1))
    items = found[:limit]
    return Page(items, encode_cursor(items[-1].place) if len(found) > limit else None)


def export(
    core: Core,
    *,
    actor: Actor,
    file: ChannelFileId,
    write: Callable[[ChannelFile, Tie, Iterator[ChannelLine]], None],
) -> None:
    """Hand a file, what ties it to the ledger, and each of its lines to a writer, a part at a time.

    Raises NotAllowed, NoSuchThing.
    """
    with core.transaction() as session:
        found = _file(session, actor, file)
        tie = tying.tie(session, file=file, of_bank=formats.is_bank(found.format))
        write(found, tie, line_store.lines(session, ChannelLineRow.file_id == file))


def differences(
    core: Core,
    *,
    actor: Actor,
    status: Status,
    finding: Finding | None,
    file: ChannelFileId | None,
    cursor: str | None,
    limit: int,
) -> Page[Difference]:
    """Differences of one status in the actor's area, the one that is due first at the beginning.

    Raises NotAllowed, CursorInvalid.
    """
    check_reader(actor)
    where = [_within(actor), DifferenceRow.status == status]
    if finding is not None:
        where.append(DifferenceRow.finding == finding)
    if file is not None:
        where.append(DifferenceRow.file_id == file)
    if after := decode_moment(cursor):
        where.append(store.after(after))
    with core.transaction() as session:
        found = store.differences(session, *where, limit=limit + 1)
        items = _with_paid(session, found[:limit])
    if len(found) <= limit:
        return Page(items)
    return Page(items, encode_cursor(items[-1].due_at.isoformat(), items[-1].id))


def difference(core: Core, *, actor: Actor, difference: DifferenceId) -> Difference:
    """One difference with what was said of it and what is left of its orders. Raises NotAllowed,
    NoSuchThing.
    """
    check_reader(actor)
    with core.transaction() as session:
        found = store.differences(session, DifferenceRow.id == difference, _within(actor))
        if not found:
            raise NoSuchThing
        orders = store.orders(session, [difference])
        return replace(
            _with_paid(session, found)[0],
            left=Money.total(orders.values()) if orders else None,
            notes=store.notes(session, difference),
        )


def waiting(core: Core, *, actor: Actor) -> Overdue:
    """How many differences the actor may see are under way, and by when the first is due."""
    if actor.kind is not ActorKind.STAFF or not actor.has(*READERS):
        return Overdue(0, None)
    with core.transaction() as session:
        where = _within(actor), _UNDER_WAY
        return Overdue(store.count(session, *where), store.first_due(session, *where))


def watch(core: Core) -> int:
    """Raise the alarm about differences that nobody closed in time, or let it go; how many."""
    with core.transaction() as session:
        now = core.now(session)
        late = _UNDER_WAY, DifferenceRow.due_at <= now
        count = store.count(session, *late)
        detail = {"late": count, "first_due": str(store.first_due(session, *late) or "")}
        broken = {(Kind.DIFFERENCE, OVERDUE): detail} if count else {}
        alarms.settle(session, kinds={Kind.DIFFERENCE}, broken=broken, now=now)
    return count


def _file(session: Session, actor: Actor, id: ChannelFileId) -> ChannelFile:
    check_reader(actor, whole_city=True)
    found = store.files(session, ChannelFileRow.id == id)
    if not found:
        raise NoSuchThing
    return found[0]


def check_reader(actor: Actor, *, whole_city: bool = False) -> None:
    """Who reads differences; files only staff of the whole city. Raises NotAllowed."""
    if actor.kind is ActorKind.SYSTEM:
        return
    if actor.kind is not ActorKind.STAFF or not actor.has(*READERS) or (whole_city and actor.area):
        raise NotAllowed


def _within(actor: Actor) -> ColumnElement[bool]:
    return DifferenceRow.area.startswith(areas.stem(actor.area), autoescape=True)


def _with_paid(session: Session, found: Sequence[Difference]) -> list[Difference]:
    """Differences, and whether the merchant has the money of the order that each names."""
    orders = {one.id: one.line.ours.redemption_id for one in found if one.line.ours}
    named = {order for order in orders.values() if order}
    paid = {id for id, order in redemptions.billed(session, ids=named).items() if order.paid}
    return [replace(one, paid=orders.get(one.id) in paid) for one in found]
