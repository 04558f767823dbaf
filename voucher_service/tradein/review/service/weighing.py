"""How much subjects weigh: what the findings of risk say together, 0 to 100."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from ...risk import service as risk
from ...risk.facts import Subject as Kind
from ..model import Subject


def weights(session: Session, *, subject: Subject, ids: Collection[UUID]) -> Mapping[UUID, int]:
    """The weight of each that was looked at; who was not is left out."""
    return dict(risk.weights(session, kind=Kind(subject), ids=ids))
