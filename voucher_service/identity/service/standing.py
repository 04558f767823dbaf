"""Who of many residents may not claim, in one read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.infra.database import array
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ResidentId

from ..model import IdentityRequired, ResidentBlocked

# A crowd's residents may nearly all claim, so only the others come back.
_REFUSED = text("""
SELECT u.id, coalesce(r.status = 'active', true)
FROM unnest(CAST(:residents AS uuid[])) AS u (id) LEFT JOIN resident r ON r.id = u.id
WHERE r.id IS NULL OR r.status <> 'active' OR r.verified_at IS NULL
""")


def standings(
    session: Session, *, residents: Sequence[ResidentId]
) -> dict[ResidentId, DomainError]:
    """The refusal of each resident who is unknown, unverified or blocked; the others may claim."""
    rows = session.execute(_REFUSED, {"residents": array(residents)})
    return {
        ResidentId(id): IdentityRequired() if active else ResidentBlocked() for id, active in rows
    }
