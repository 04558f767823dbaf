"""What was approved, paid or not, as decisions that can be made again a part at a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra.core import core_of
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.money import Money

from ...revision import Decision, Past
from .. import recording, store
from ..model import ApplicationStatus, Card
from .dossier import typed
from .paying import may_be_paid


def past(
    session: Session, *, since: datetime | None = None, after: tuple[datetime, UUID], most: int
) -> list[Past]:
    """Approved applications before a decision (`at`, its id), newest first; those decided since."""
    rows = store.decisions(session, since=since, after=after, most=most)
    return [_past(row) for row in rows]


def standing(session: Session, *, ids: Collection[UUID]) -> dict[UUID, Money]:
    """What was decided of those of these applications that are approved."""
    return {row.id: row.subsidy_fen for row in store.decided(session, ids) if row.subsidy_fen}


def cards(session: Session, *, ids: Collection[UUID]) -> dict[UUID, Card]:
    """The applicants' own cards, in clear, of those of these applications that were paid, or may be
    now: a card that a bank refused, or that nobody looked at, is not told.
    """
    now = core_of(session).now(session)
    found = {
        row.id: typed(session, row)[2]
        for row in store.decided(session, ids)
        if row.status is ApplicationStatus.PAID or may_be_paid(row, now)
    }
    return {id: card for id, card in found.items() if card is not None}


def _past(row: Any) -> Past:
    # What was approved was decided: the table's own check.
    case = recording.case_from(row.decision)
    decision = Decision(row.id, case, row.subsidy_fen, row.policy_id)
    return Past(decision, ResidentId(row.resident_id), row.area, row.decided_at)
