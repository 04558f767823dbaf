"""Residents: their verified identity, and what other features may know of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import areas, database
from voucher_service.infra.core import Core
from voucher_service.infra.secrets import Keyring, LookupHash
from voucher_service.infra.verification import Match
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import Clock, day_of
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ResidentId

from .. import documents, store
from ..documents import Document, Identity
from ..model import (
    RESIDENT,
    RESIDENT_OWNER,
    AlreadyVerified,
    ConsentRequired,
    IdentityCard,
    IdentityMismatch,
    IdentityRequired,
    IdentityTaken,
    IdNumberInvalid,
    Resident,
    ResidentBlocked,
    ResidentEvent,
    ResidentStatus,
)
from ..tables import ResidentRow
from . import throttle

T = TypeVar("T")
MOBILE = "mobile"
IDENTITY = "identity"


def bound(id: UUID, field: str) -> str:
    """What a resident's cipher texts are bound to."""
    return f"resident:{id}:{field}"


def verify_identity(
    core: Core,
    *,
    actor: Actor,
    name: str,
    id_number: str,
    consent_version: str,
    document: Document = Document.RESIDENT_ID,
) -> Resident:
    """Give the acting resident a verified real name. The same identity again changes nothing.

    Raises, in this order: NameInvalid, IdNumberInvalid, ConsentRequired, VerificationUnavailable,
    ResidentBlocked, TooManyRequests, AlreadyVerified, IdentityMismatch, IdentityTaken.
    """
    if actor.kind is not ActorKind.RESIDENT or actor.id is None:
        raise NotAllowed
    full_name = documents.name(name)
    identity = documents.identity(document, id_number)
    if not re.fullmatch(r"[!-~]{1,40}", consent_version):
        raise ConsentRequired
    # Before the transaction: no connection waits for somebody else's service.
    match = core.verification.verify(document=document, name=full_name, number=identity.number)
    with core.transaction() as session:
        now = core.now(session)
        if identity.born and identity.born > day_of(now):
            raise IdNumberInvalid
        row = _found(store.resident(session, actor.id, lock=True))
        if row.status is ResidentStatus.BLOCKED:
            raise ResidentBlocked
        login = throttle.login_of(core, "identity", str(row.id))
        limit = core.settings.sign_in.failures_per_quarter_hour
        throttle.refuse_when_closed(session, login=login, now=now, limit=limit)
        hashes = store.digests(identity_hashes(core.keyring, identity))
        if row.identity_hash is not None and row.identity_hash not in hashes:
            raise AlreadyVerified
        if match is Match.SAME:
            if row.identity_hash is None:
                columns = identity_columns(core, row.id, identity, full_name)
                columns |= verified_columns(
                    identity, full_name, consent_version=consent_version, now=now
                )
                _bind(session, row, columns, hashes)
                facts = {"document": str(document), "consent_version": consent_version}
                _record(session, actor, "resident.verified", row, now, **facts)
            return view(row)
        throttle.count_failure(session, login=login, now=now)
        _record(session, actor, "resident.identity_refused", row, now, document=str(document))
    raise IdentityMismatch


def _bind(session: Session, row: ResidentRow, columns: dict[str, Any], hashes: list[bytes]) -> None:
    if store.identity_holder(session, hashes):
        raise IdentityTaken
    try:
        with session.begin_nested():
            for column, value in columns.items():
                setattr(row, column, value)
            session.flush()
    except IntegrityError as error:  # another account was quicker
        raise IdentityTaken from error


def mobile_columns(core: Core, resident: UUID, number: str) -> dict[str, Any]:
    """The columns of a resident that the id and the mobile fill."""
    keyed = core.keyring.lookup(MOBILE, number)
    return {
        "id": resident,
        "mobile_cipher": core.keyring.encrypt(number, bound_to=bound(resident, "mobile")),
        "mobile_hash": keyed.digest,
        "mobile_key_id": keyed.key_id,
    }


def identity_columns(
    core: Core, resident: UUID, identity: Identity, full_name: str
) -> dict[str, Any]:
    """The columns of a resident that depend on keys and a verified identity."""
    keyring = core.keyring
    keyed = keyring.lookup(IDENTITY, identity.key)
    return {
        "name_cipher": keyring.encrypt(full_name, bound_to=bound(resident, "name")),
        "id_number_cipher": keyring.encrypt(identity.number, bound_to=bound(resident, "id_number")),
        "identity_hash": keyed.digest,
        "identity_key_id": keyed.key_id,
    }


def verified_columns(
    identity: Identity, full_name: str, *, consent_version: str, now: datetime
) -> dict[str, Any]:
    """The columns of a resident that a verified identity fills besides."""
    return {
        "document": identity.document,
        "display_name": documents.masked(full_name),
        "honorific": identity.honorific,
        "area": areas.current(identity.division) if identity.division else None,
        "consent_version": consent_version,
        "consented_at": now,
        "verified_at": now,
    }


def load(session: Session, *, resident: ResidentId) -> Resident:
    """A resident. Raises NoSuchThing."""
    return view(_found(store.seen(session, resident)))


def require_verified(session: Session, *, resident: ResidentId) -> Resident:
    """A resident who may claim and spend. Raises ResidentBlocked and IdentityRequired."""
    found = load(session, resident=resident)
    if not found.active:
        raise ResidentBlocked
    if not found.verified:
        raise IdentityRequired
    return found


def identity_hashes(keyring: Keyring, identity: Identity) -> list[LookupHash]:
    """The hashes by which an identity is found, under each key in use, newest first."""
    return keyring.lookups(IDENTITY, identity.key)


def holds_identity(session: Session, *, resident: ResidentId, hashes: Collection[bytes]) -> bool:
    """Whether the resident's verified identity is one of these, given as keyed hashes."""
    return bool(hashes) and store.identity_holder(session, hashes) == resident


def resident_actor(core: Core, subject: UUID, *, issued_at: datetime | None = None) -> Actor | None:
    """Who a request of the resident face acts as, by a token made at `issued_at`.

    None when there is no such account, it was forgotten, or it signed out of everything after that.
    """
    with core.transaction() as session:
        found = store.seen(session, subject)
    if found is None or found.status is ResidentStatus.FORGOTTEN:
        return None
    if issued_at and found.signed_out_at and issued_at < found.signed_out_at:
        return None
    return Actor(ActorKind.RESIDENT, found.id)


def sign_out_everywhere(core: Core, *, actor: Actor) -> None:
    """Void every token of the acting resident that was made before now.

    By the clock of PostgreSQL, as tokens are made by real time. Raises NotAllowed, NoSuchThing.
    """
    if actor.kind is not ActorKind.RESIDENT or actor.id is None:
        raise NotAllowed
    with core.transaction() as session:
        row = _found(store.resident(session, actor.id, lock=True))
        row.signed_out_at = database.now(session, Clock())
        session.flush()
        _record(session, actor, "resident.signed_out_everywhere", row, core.now(session))


def card(core: Core, *, resident: ResidentId) -> IdentityCard:
    """What residents see of their own data. Raises NoSuchThing."""
    with core.transaction() as session:
        row = _found(store.resident(session, resident))
    number, name, mobile = (
        core.keyring.decrypt(cipher, bound_to=bound(row.id, field)) if cipher else ""
        for cipher, field in (
            (row.id_number_cipher, "id_number"),
            (row.name_cipher, "name"),
            (row.mobile_cipher, "mobile"),
        )
    )
    return IdentityCard(
        mobile=documents.masked_mobile(mobile),
        name=name or None,
        id_last4=number[-4:] or None,
        document=row.document,
        consent_version=row.consent_version,
    )


def block_resident(core: Core, *, actor: Actor, resident: ResidentId, reason: str) -> Resident:
    """Keep a resident from claiming and spending. Raises NotAllowed, IllegalTransition."""
    return _move(core, actor, resident, ResidentEvent.BLOCK, reason)


def unblock_resident(core: Core, *, actor: Actor, resident: ResidentId, reason: str) -> Resident:
    """Let a blocked resident claim and spend again. Raises NotAllowed, IllegalTransition."""
    return _move(core, actor, resident, ResidentEvent.UNBLOCK, reason)


def _move(
    core: Core, actor: Actor, resident: ResidentId, event: ResidentEvent, reason: str
) -> Resident:
    with core.transaction() as session:
        row = _found(store.resident(session, resident))
        if actor.kind is not ActorKind.SYSTEM and not actor.has(*RESIDENT_OWNER[row.status]):
            raise NotAllowed
        audit.transition(
            session,
            ResidentRow,
            id=row.id,
            current=row.status,
            lifecycle=RESIDENT,
            event=event,
            actor=actor,
            now=core.now(session),
            detail={"reason": reason},
        )
        session.refresh(row)
        return view(row)


def view(row: ResidentRow | Row[*tuple[Any, ...]]) -> Resident:
    """A row as the rest of the house sees it."""
    return Resident(
        id=ResidentId(row.id),
        verified=row.verified_at is not None,
        display_name=row.display_name,
        honorific=row.honorific,
        area=row.area,
        status=row.status,
    )


def _found(row: T | None) -> T:
    if row is None:
        raise NoSuchThing
    return row


def _record(
    session: Session,
    actor: Actor,
    action: str,
    row: ResidentRow,
    now: datetime,
    **detail: str,
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="resident",
        object_id=str(row.id),
        now=now,
        detail=detail,
    )
