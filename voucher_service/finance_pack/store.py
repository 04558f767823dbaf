"""Reads and writes of packs; decides nothing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from .model import Facts, Pack, PackId
from .tables import FinancePackRow


def newest(session: Session, batch: UUID) -> Pack | None:
    """The last pack of a batch."""
    statement = select(FinancePackRow).where(FinancePackRow.batch_id == batch)
    row = session.scalars(statement.order_by(FinancePackRow.number.desc()).limit(1)).one_or_none()
    return None if row is None else _view(row)


def add(session: Session, pack: Pack) -> None:
    """Write a pack. Raises IntegrityError when another one took its number."""
    session.add(
        FinancePackRow(
            id=pack.id,
            batch_id=pack.batch_id,
            number=pack.number,
            facts=_told(pack.facts),
            sha256=pack.sha256,
            size=pack.size,
            made_by=pack.made_by,
            occurred_at=pack.facts.at,
        )
    )
    session.flush()


def _told(facts: Facts) -> dict[str, Any]:
    return asdict(facts) | {"at": facts.at.isoformat(), "cases": list(facts.cases)}


def _view(row: FinancePackRow) -> Pack:
    told = row.facts
    facts = Facts(
        **told | {"at": datetime.fromisoformat(told["at"]), "cases": tuple(told["cases"])}
    )
    return Pack(PackId(row.id), row.batch_id, row.number, facts, row.sha256, row.size, row.made_by)
