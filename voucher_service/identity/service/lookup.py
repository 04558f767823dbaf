"""Find residents by what they signed up with, for operators' tools."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.ids import ResidentId

from ..tables import ResidentRow
from .residents import MOBILE


def by_mobile(
    session: Session, *, keyring: Keyring, mobiles: Sequence[str]
) -> dict[str, ResidentId]:
    """The residents with these mobiles; a mobile nobody has is left out."""
    hashes = {one.digest: mobile for mobile in mobiles for one in keyring.lookups(MOBILE, mobile)}
    rows = session.execute(
        select(ResidentRow.mobile_hash, ResidentRow.id).where(ResidentRow.mobile_hash.in_(hashes))
    )
    return {hashes[bytes(digest)]: ResidentId(id) for digest, id in rows}
