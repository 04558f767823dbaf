"""Applications whole and in clear, for the machine that compares them with each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import ResidentId

from ...policy import Scheme
from .. import store
from ..model import HOLDING, Bought, Card, EvidenceKind, GivenUp
from ..tables import ApplicationRow
from .dossier import typed

Arrival = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Examined:
    """An application that was handed in, last at `submitted_at`; names and numbers are in clear.

    `papers` are file ids by what they are; nothing is `given_up` for a purchase.
    """

    id: UUID
    resident_id: UUID
    scheme: Scheme
    policy_id: str
    submitted_at: datetime
    bought: Bought
    given_up: GivenUp | None
    card: Card
    papers: Mapping[EvidenceKind, UUID]


def handed_in(
    session: Session, *, since: datetime | None, after: Arrival | None, most: int
) -> list[Arrival]:
    """Instant of the last handing in and id of applications that stand, oldest first; handed in
    from an instant on, after a cursor.
    """
    columns = (ApplicationRow.submitted_at, ApplicationRow.id)
    statement = select(*columns).where(
        ApplicationRow.status.in_(HOLDING), ApplicationRow.submitted_at.is_not(None)
    )
    if since is not None:
        statement = statement.where(ApplicationRow.submitted_at >= since)
    if after is not None:
        statement = statement.where(tuple_(*columns) > after)
    rows = session.execute(statement.order_by(*columns).limit(most))
    return [(at, id) for at, id in rows if at is not None]


def handed_in_by(session: Session, *, resident: ResidentId) -> list[UUID]:
    """The ids of a resident's applications."""
    statement = select(ApplicationRow.id).where(ApplicationRow.resident_id == resident)
    return list(session.scalars(statement))


def examined(session: Session, *, ids: Collection[UUID]) -> list[Examined]:
    """Those of these applications that stand."""
    rows = session.scalars(
        select(ApplicationRow)
        .where(ApplicationRow.id.in_(ids), ApplicationRow.status.in_(HOLDING))
        .order_by(ApplicationRow.id)
        .execution_options(populate_existing=True)
    ).all()
    papers = store.evidence(session, [row.id for row in rows])
    found = []
    for row in rows:
        bought, given_up, card = typed(session, row)
        assert bought and card and row.policy_id and row.submitted_at  # handed in
        found.append(
            Examined(
                row.id,
                row.resident_id,
                row.scheme,
                row.policy_id,
                row.submitted_at,
                bought,
                given_up,
                card,
                papers[row.id],
            )
        )
    return found
