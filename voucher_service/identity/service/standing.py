"""Who of many residents may not claim, in one read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ResidentId

from ..model import IdentityRequired, ResidentBlocked, ResidentStatus
from ..tables import ResidentRow


def standings(
    session: Session, *, residents: Sequence[ResidentId]
) -> dict[ResidentId, DomainError]:
    """The refusal of each resident who is unknown, unverified or blocked; the others may claim."""
    rows = {
        row.id: row
        for row in session.execute(
            select(ResidentRow.id, ResidentRow.status, ResidentRow.verified_at).where(
                ResidentRow.id.in_(residents)
            )
        )
    }
    refused: dict[ResidentId, DomainError] = {}
    for resident in residents:
        row = rows.get(resident)
        if row is not None and row.status is not ResidentStatus.ACTIVE:
            refused[resident] = ResidentBlocked()
        elif row is None or row.verified_at is None:
            refused[resident] = IdentityRequired()
    return refused
