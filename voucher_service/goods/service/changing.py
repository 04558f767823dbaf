"""The library changes by tables: one person hands one in, another one approves it as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.ids import new_id
from voucher_service.kernel.page import CursorInvalid, Page, cut, decode_cursor, decode_moment

from .. import reading, store
from ..model import (
    LIFECYCLE,
    ChangeEvent,
    ChangeStatus,
    Difference,
    LibraryChange,
    LibraryChangeId,
    LibraryUnchanged,
)
from ..tables import LibraryChangeRow

CHANGE = "goods.change"
_DAY = timedelta(days=1)
_MOST_INT = 2**31 - 1


def propose(core: Core, *, actor: Actor, file_name: str, content: bytes) -> LibraryChange:
    """Read a table of products and ask a second person to put it into the library.

    A product that the library lacks counts from its own day, or else from the day of the approval;
    a known one changes on the day after the approval at the earliest, so that no sale is judged
    anew. Raises NotAllowed for staff of a county, GoodsFileInvalid with every line that is wrong,
    LibraryUnchanged.
    """
    if actor.area or actor.id is None:
        raise NotAllowed
    id = LibraryChangeId(new_id())
    with core.transaction() as session:
        now = core.now(session)
        row = LibraryChangeRow(
            id=id,
            file_name=file_name,
            sha256=hashlib.sha256(content).hexdigest(),
            fresh=0,
            changed=0,
            same=0,
            status=LIFECYCLE.initial,
            created_by=actor.id,
            created_at=now,
        )
        store.add_change(session, row)
        store.add_lines(session, id, reading.products(content))
        row.fresh, row.changed, row.same = store.count(session, id, day_of(now) + _DAY)
        if not row.fresh + row.changed:
            raise LibraryUnchanged
        session.flush()
        made = store.change(session, id)
        approvals.propose(
            session,
            action=CHANGE,
            object_type=LIFECYCLE.name,
            object_id=id,
            area="",
            title=file_name,
            payload=_frozen(made),
            maker=actor,
            now=now,
        )
        return made


def changes(core: Core, *, cursor: str | None, limit: int) -> Page[LibraryChange]:
    """Every change that was handed in, newest first. Raises CursorInvalid."""
    after = decode_moment(cursor)
    where = [store.before_change(after)] if after else []
    with core.transaction() as session:
        found = store.changes(session, *where, limit=limit + 1)
    return cut(found, limit, lambda one: (one.created_at, one.id))


def change(core: Core, *, change: LibraryChangeId) -> LibraryChange:
    """One change. Raises NoSuchThing."""
    with core.transaction() as session:
        return store.change(session, change)


def differences(
    core: Core, *, change: LibraryChangeId, cursor: str | None, limit: int
) -> Page[Difference]:
    """What a change would do to the library of today, by its lines; nothing once it is decided.

    Raises NoSuchThing, CursorInvalid.
    """
    after = _line(cursor)
    with core.transaction() as session:
        if store.change(session, change).status is not ChangeStatus.SUBMITTED:
            return Page(())
        tomorrow = day_of(core.now(session)) + _DAY
        found = store.differences(session, change, tomorrow=tomorrow, after=after, most=limit + 1)
    return cut(found, limit, lambda one: (one.listed.line,))


def _line(cursor: str | None) -> int:
    if not cursor:
        return 0
    (line,) = decode_cursor(cursor, 1)
    if type(line) is not int or not 0 <= line <= _MOST_INT:
        raise CursorInvalid
    return line


def _frozen(change: LibraryChange) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON."""
    return {
        "change": str(change.id),
        "file_name": change.file_name,
        "file_sha256": change.sha256,
        "fresh": change.fresh,
        "changed": change.changed,
        "same": change.same,
    }


def _approve(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = store.change(session, LibraryChangeId(UUID(payload["change"])), lock=True)
    today = day_of(now)
    counted = store.count(session, found.id, today + _DAY)
    if _frozen(found) != payload or counted != (found.fresh, found.changed, found.same):
        raise ChangedSinceProposed
    _move(session, found, ChangeEvent.APPROVED, actor, now)
    store.apply(session, found.id, today, today + _DAY)


def _reject(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = store.change(session, LibraryChangeId(UUID(payload["change"])), lock=True)
    _move(session, found, ChangeEvent.REJECTED, actor, now)


def _move(
    session: Session, found: LibraryChange, event: ChangeEvent, actor: Actor, now: datetime
) -> None:
    audit.transition(
        session,
        LibraryChangeRow,
        id=found.id,
        current=found.status,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
        detail={"fresh": found.fresh, "changed": found.changed, "file_sha256": found.sha256},
    )


approvals.register(CHANGE, execute=_approve, refuse=_reject)
