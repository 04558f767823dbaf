"""Read on in the trail without missing a late commit.

Numbers are given out in another order than transactions commit. So the trail is read by
transactions: those that ended since the last time, and only those that all older ones ended before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

# A number may be taken a moment before its transaction counts as begun.
_MARGIN = 1_000
_NOW = text("""
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS settled,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS following,
    (SELECT coalesce(max(id), 0) FROM audit.event) AS newest
""")
_READ = text("""
SELECT id, action, object_id, detail, occurred_at FROM audit.event
WHERE id > :event_id AND xid >= :xid AND xid < :settled AND action = ANY(:actions)
ORDER BY id
""")


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far the trail was read.

    Every event of a transaction below `xid` was read, and none that is still to be read has a
    number up to `event_id`. When all transactions below `next_xid` have ended, that holds for
    `next_event_id`.
    """

    xid: int
    event_id: int
    next_xid: int
    next_event_id: int


@dataclass(frozen=True, slots=True)
class Seen:
    """An event. `objects` are the ids that it is about: one, or those of a set."""

    id: int
    action: str
    objects: tuple[str, ...]
    occurred_at: datetime


def read_on(
    session: Session, horizon: Horizon, *, actions: Collection[str]
) -> tuple[Horizon, list[Seen]]:
    """What ended since the horizon, and the next horizon; at a horizon of zeros, nothing."""
    settled, following, newest = session.execute(_NOW).one()
    if not horizon.xid:
        return Horizon(settled, 0, following, max(0, newest - _MARGIN)), []
    told = {"event_id": horizon.event_id, "xid": horizon.xid, "settled": settled}
    rows = session.execute(_READ, told | {"actions": list(actions)}).all()
    seen = [
        Seen(one.id, one.action, _about(one.object_id, one.detail), one.occurred_at) for one in rows
    ]
    if settled < horizon.next_xid:
        return Horizon(settled, horizon.event_id, horizon.next_xid, horizon.next_event_id), seen
    return Horizon(settled, horizon.next_event_id, following, max(0, newest - _MARGIN)), seen


def _about(object_id: str, detail: Mapping[str, Any] | None) -> tuple[str, ...]:
    ids = (detail or {}).get("ids")
    return tuple(ids) if ids else (object_id,)
