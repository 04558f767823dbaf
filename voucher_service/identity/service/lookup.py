"""Find residents by what they signed up with, for operators' tools, lists and notices."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import Uuid, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.ids import ResidentId

from .. import documents
from ..documents import Document, Identity
from ..tables import ResidentRow
from .residents import IDENTITY, MOBILE, bound


def by_mobile(
    session: Session, *, keyring: Keyring, mobiles: Sequence[str]
) -> dict[str, ResidentId]:
    """The residents with these mobiles; a mobile nobody has is left out."""
    hashes = {one.digest: mobile for mobile in mobiles for one in keyring.lookups(MOBILE, mobile)}
    rows = session.execute(
        select(ResidentRow.mobile_hash, ResidentRow.id).where(ResidentRow.mobile_hash.in_(hashes))
    )
    return {hashes[bytes(digest)]: ResidentId(id) for digest, id in rows if digest is not None}


def by_identity(
    session: Session, *, keyring: Keyring, identities: Sequence[Identity]
) -> dict[Identity, ResidentId]:
    """The residents who verified these identities; one that nobody has is left out."""
    hashes = {
        keyed.digest: one for one in identities for keyed in keyring.lookups(IDENTITY, one.key)
    }
    rows = session.execute(
        select(ResidentRow.identity_hash, ResidentRow.id).where(
            ResidentRow.identity_hash.in_(hashes)
        )
    )
    return {hashes[bytes(digest)]: ResidentId(id) for digest, id in rows if digest is not None}


def holders(session: Session, *, hashes: Collection[bytes]) -> dict[bytes, ResidentId]:
    """The residents who verified identities with these keyed hashes, by hash."""
    rows = session.execute(
        select(ResidentRow.identity_hash, ResidentRow.id).where(
            ResidentRow.identity_hash.in_(hashes)
        )
    )
    return {bytes(digest): ResidentId(id) for digest, id in rows if digest is not None}


def births(
    session: Session, *, keyring: Keyring, residents: Sequence[ResidentId]
) -> dict[ResidentId, date | None]:
    """The dates of birth of those residents who are verified; None where the document has none."""
    rows = session.execute(
        select(ResidentRow.id, ResidentRow.document, ResidentRow.id_number_cipher).where(
            ResidentRow.id.in_(residents), ResidentRow.verified_at.is_not(None)
        )
    )
    return {
        ResidentId(id): _born(keyring, ResidentId(id), document, cipher)
        for id, document, cipher in rows
    }


def mobile_of(session: Session, *, keyring: Keyring, resident: ResidentId) -> str | None:
    """A resident's mobile in clear, for the moment in which a message is sent to it."""
    cipher = session.scalars(
        select(ResidentRow.mobile_cipher).where(ResidentRow.id == resident)
    ).one_or_none()
    return None if cipher is None else keyring.decrypt(cipher, bound_to=bound(resident, "mobile"))


def mobiles_of(
    session: Session, *, keyring: Keyring, residents: Collection[ResidentId]
) -> dict[ResidentId, str]:
    """The same of however many at once; who was forgotten is left out."""
    asked = func.any(literal(list(residents), ARRAY(Uuid)))
    rows = session.execute(
        select(ResidentRow.id, ResidentRow.mobile_cipher).where(ResidentRow.id == asked)
    )
    return {
        ResidentId(id): keyring.decrypt(cipher, bound_to=bound(ResidentId(id), "mobile"))
        for id, cipher in rows
        if cipher is not None
    }


def name_of(session: Session, *, keyring: Keyring, resident: ResidentId) -> str | None:
    """A resident's verified name in clear, for the moment in which it is compared."""
    cipher = session.scalars(
        select(ResidentRow.name_cipher).where(ResidentRow.id == resident)
    ).one_or_none()
    return None if cipher is None else keyring.decrypt(cipher, bound_to=bound(resident, "name"))


def names_of(
    session: Session, *, keyring: Keyring, residents: Collection[ResidentId]
) -> dict[ResidentId, str]:
    """The same of several at once; who has no verified name is left out."""
    rows = session.execute(
        select(ResidentRow.id, ResidentRow.name_cipher).where(
            ResidentRow.id.in_(residents), ResidentRow.name_cipher.is_not(None)
        )
    )
    return {
        ResidentId(id): keyring.decrypt(cipher, bound_to=bound(ResidentId(id), "name"))
        for id, cipher in rows
        if cipher is not None
    }


def number_ends_with(
    session: Session, *, keyring: Keyring, resident: ResidentId, last_four: str
) -> bool:
    """Whether a verified resident's document number ends with these four characters."""
    cipher = session.scalars(
        select(ResidentRow.id_number_cipher).where(ResidentRow.id == resident)
    ).one_or_none()
    if cipher is None:
        return False
    number = keyring.decrypt(cipher, bound_to=bound(resident, "id_number"))
    return hmac.compare_digest(number[-4:].encode(), last_four.strip().upper().encode())


def _born(
    keyring: Keyring, id: ResidentId, document: Document | None, cipher: bytes | None
) -> date | None:
    assert document is not None and cipher is not None  # of a verified resident
    number = keyring.decrypt(cipher, bound_to=bound(id, "id_number"))
    return documents.identity(document, number).born
