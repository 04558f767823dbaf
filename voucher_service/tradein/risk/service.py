"""What was found in sales and applications, for those who review them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from . import store
from .facts import Subject
from .findings import Finding, Weight


@dataclass(frozen=True, slots=True)
class Look:
    """What the machine says of one subject. `at` None: it has not looked yet."""

    at: datetime | None
    weight: Weight
    findings: tuple[Finding, ...]


def weights(session: Session, *, kind: Subject, ids: Collection[UUID]) -> dict[UUID, Weight]:
    """How much was found in each, 0 to 100; who was not looked at yet is left out."""
    return store.weights(session, kind, ids)


def findings(session: Session, *, kind: Subject, id: UUID) -> Look:
    """What was found in one, the heaviest first. `words.sentence` tells each."""
    at = store.assessed_since(session, kind, [id]).get(id)
    weight = store.weights(session, kind, [id]).get(id, Weight(0))
    return Look(at, weight, tuple(store.findings(session, kind, [id])[id]))


def look_again(session: Session, *, kind: Subject, id: UUID) -> None:
    """Have one looked at anew, since a paper or a part of it changed."""
    store.mark_due(session, kind, [id])
