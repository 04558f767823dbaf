"""Whose hands a thing went through, by the audit trail."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session

from voucher_service.kernel.actor import ActorKind

from .tables import EventRow

_STAFF = f"{ActorKind.STAFF}:"


def hands(
    session: Session, *, objects: Mapping[str, Collection[UUID]], moves: Collection[str] = ()
) -> set[UUID]:
    """The members of staff who made or changed these objects, which are given by type.

    Moves along a lifecycle are decisions about a thing, not work on it: only those named count.
    """
    keys = [(kind, str(id)) for kind, ids in objects.items() for id in ids]
    found = session.scalars(
        select(EventRow.actor)
        .where(
            tuple_(EventRow.object_type, EventRow.object_id).in_(keys),
            or_(EventRow.to_status.is_(None), EventRow.action.in_(moves)),
            EventRow.actor.startswith(_STAFF),
        )
        .distinct()
    )
    return {UUID(actor.removeprefix(_STAFF)) for actor in found}
