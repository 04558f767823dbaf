"""When a gate was filled again, and what had been different: read from the audit trail."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from voucher_service.allocation.upkeep import REBUILT
from voucher_service.audit.tables import EventRow
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import OfferId


@dataclass(frozen=True, slots=True)
class Repair:
    """One gate filled again. `counts` are slots by kind; empty: it was another gate altogether."""

    offer: OfferId
    at: datetime
    counts: Mapping[str, int]


def repairs(core: Core, *, offers: Collection[OfferId], limit: int = 10) -> list[Repair]:
    """The newest repairs of these offers."""
    with core.transaction() as session:
        rows = session.scalars(
            select(EventRow)
            .where(
                EventRow.object_type == "offer",
                EventRow.object_id.in_([str(one) for one in offers]),
                EventRow.action == REBUILT,
            )
            .order_by(EventRow.id.desc())
            .limit(limit)
        ).all()
        return [
            Repair(
                OfferId(UUID(row.object_id)), row.occurred_at, (row.detail or {}).get("counts", {})
            )
            for row in rows
        ]
