"""Search the audit trail. Who searches is on record like anybody else."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select, text
from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.infra.sheet_files import guarded
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.page import CursorInvalid, Page, decode_cursor, encode_cursor

from . import service
from .model import READS, Act, Criteria
from .tables import EventRow

EXPORTED = 10_000
"""The most events of one file."""
# Said as the indexes say it, with no value to bind, so that each plan may use them.
_OF_STAFF = text("audit.event.actor LIKE 'staff:%'")
_READS = text(f"audit.event.action IN {READS}")
_COLUMNS = ("id", "occurred_at", "actor", "action", "object_type", "object_id", "from", "to")


def page(
    core: Core, *, actor: Actor, criteria: Criteria, cursor: str | None, limit: int
) -> Page[Act]:
    """Events that fit, newest first; for auditors of the whole city. Raises NotAllowed,
    CursorInvalid.
    """
    check_searcher(actor)
    with core.transaction() as session:
        if cursor is None:
            record_search(session, actor, "audit.searched", core.now(session), _told(criteria))
        return _page(session, _fitting(criteria), cursor, limit)


def file(core: Core, *, actor: Actor, criteria: Criteria) -> bytes:
    """The newest events that fit, as CSV; no text of it is a formula to a spreadsheet.

    Raises NotAllowed.
    """
    check_searcher(actor)
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow((*_COLUMNS, "detail"))
    with core.transaction() as session:
        found = _page(session, _fitting(criteria), None, EXPORTED).items
        told = _told(criteria) | {"events": len(found)}
        record_search(session, actor, "audit.exported", core.now(session), told)
    for one in found:
        detail = json.dumps(one.detail, ensure_ascii=False, sort_keys=True) if one.detail else ""
        cells = (
            one.id,
            one.occurred_at.isoformat(),
            one.actor,
            one.action,
            one.object_type,
            one.object_id,
            one.from_status or "",
            one.to_status or "",
            detail,
        )
        writer.writerow([guarded(cell) for cell in cells])
    return content.getvalue().encode("utf-8-sig")


def history(session: Session, *, object_type: str, object_id: str, limit: int) -> list[Act]:
    """The newest events of one thing."""
    mine = Criteria(object_type=object_type, object_id=object_id)
    return list(_page(session, _fitting(mine), None, limit).items)


def reads(
    session: Session,
    *,
    resident: UUID | None,
    hashes: Sequence[str],
    cursor: str | None,
    limit: int,
) -> Page[Act]:
    """Who looked up or revealed a person: by account, and by the keyed hashes of their number."""
    of_person = or_(
        EventRow.object_id == str(resident),
        EventRow.detail["sought"].astext.in_(hashes),
        EventRow.detail["identity"].astext.in_(hashes),
    )
    return _page(session, select(EventRow).where(_READS, of_person), cursor, limit)


def reads_by(session: Session, *, actor: Actor, since: datetime) -> list[datetime]:
    """When a member of staff read personal data after an instant, oldest first."""
    return list(
        session.scalars(
            select(EventRow.occurred_at)
            .where(
                _READS,
                _OF_STAFF,
                EventRow.actor == actor.name,
                EventRow.occurred_at > since,
            )
            .order_by(EventRow.occurred_at)
        )
    )


def check_searcher(actor: Actor) -> None:
    """Events carry no area: only auditors of the whole city search them. Raises NotAllowed."""
    if not actor.has(Role.AUDITOR) or actor.area:
        raise NotAllowed


def record_search(
    session: Session, actor: Actor, action: str, now: datetime, told: Mapping[str, Any]
) -> None:
    """Write that somebody searched, and for what."""
    service.record(
        session,
        actor=actor,
        action=action,
        object_type="audit",
        object_id=str(actor.id),
        now=now,
        detail=told,
    )


def _told(criteria: Criteria) -> dict[str, Any]:
    return {name: str(value) for name, value in asdict(criteria).items() if value is not None}


def _fitting(criteria: Criteria) -> Select[EventRow]:
    statement = select(EventRow)
    for column, wanted in (
        (EventRow.actor, criteria.actor),
        (EventRow.action, criteria.action),
        (EventRow.object_type, criteria.object_type),
        (EventRow.object_id, criteria.object_id),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if criteria.actor is not None and criteria.actor.startswith("staff:"):
        statement = statement.where(_OF_STAFF)
    if criteria.since is not None:
        statement = statement.where(EventRow.occurred_at >= criteria.since)
    if criteria.until is not None:
        statement = statement.where(EventRow.occurred_at < criteria.until)
    return statement


def _page(
    session: Session, statement: Select[EventRow], cursor: str | None, limit: int
) -> Page[Act]:
    if cursor is not None:
        (last,) = decode_cursor(cursor, 1)
        if type(last) is not int or not 0 <= last < 2**63:
            raise CursorInvalid
        statement = statement.where(EventRow.id < last)
    rows = list(session.scalars(statement.order_by(EventRow.id.desc()).limit(limit + 1)))
    items = [
        Act(
            row.id,
            row.occurred_at,
            row.actor,
            row.action,
            row.object_type,
            row.object_id,
            row.from_status,
            row.to_status,
            row.detail or {},
        )
        for row in rows[:limit]
    ]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > limit else None)
