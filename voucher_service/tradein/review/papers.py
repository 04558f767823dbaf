"""The papers of sales with what their cameras noted, for whoever compares them.

It knows nothing of reviews or risk, so that both may read it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.infra import files
from voucher_service.infra.files import Facts

from .model import Proof
from .tables import ProofRow


def papers(session: Session, *, sales: Collection[UUID]) -> dict[UUID, list[Proof]]:
    """The papers of each of these sales; of one without any an empty list."""
    found: dict[UUID, list[Proof]] = {one: [] for one in sales}
    rows = list(
        session.scalars(
            select(ProofRow)
            .where(ProofRow.sale_id.in_(sales))
            .order_by(ProofRow.sale_id, ProofRow.kind)
            .execution_options(populate_existing=True)
        )
    )
    drawn = files.pictures(session, files=[row.file_id for row in rows])
    for row in rows:
        facts = facts_from(row.facts)
        found[row.sale_id].append(
            Proof(
                kind=row.kind,
                file_id=row.file_id,
                picture=row.file_id in drawn,
                handed_in_at=row.occurred_at,
                number=row.number,
                taken_at=facts.taken_at,
                latitude=facts.latitude,
                longitude=facts.longitude,
                likeness=facts.likeness,
            )
        )
    return found


def facts_as_json(facts: Facts) -> dict[str, Any]:
    """What a camera noted as plain JSON, without what it did not."""
    told = {
        "taken_at": facts.taken_at.isoformat() if facts.taken_at else None,
        "latitude": facts.latitude,
        "longitude": facts.longitude,
        "likeness": facts.likeness,
    }
    return {name: value for name, value in told.items() if value is not None}


def facts_from(told: dict[str, Any]) -> Facts:
    """What a camera noted, as it was stored."""
    taken_at = told.get("taken_at")
    return Facts(
        taken_at=datetime.fromisoformat(taken_at) if taken_at else None,
        latitude=told.get("latitude"),
        longitude=told.get("longitude"),
        likeness=told.get("likeness"),
    )
