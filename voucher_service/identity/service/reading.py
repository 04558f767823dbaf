"""Personal data at the desk: found masked, revealed with a reason, and each reading on record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.audit import search
from voucher_service.audit import service as audit
from voucher_service.audit.model import Act
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.infra.secrets import Keyring, LookupHash
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.page import Page

from .. import documents, store
from ..desk import Field, Masked, Reason
from ..documents import Document
from ..model import TooManyRequests
from ..tables import ResidentRow
from . import throttle
from .residents import IDENTITY, MOBILE, bound

READERS = (Role.REVIEWER, Role.AUDITOR)
_HOUR = timedelta(hours=1)
_VOUCHER = "voucher"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where staff read: the page or call, and the session."""

    page: str
    session: UUID | None


@dataclass(frozen=True, slots=True)
class Sought:
    """What was typed, as keyed hashes: the record keeps one, no table keeps the text."""

    by: str
    hashes: tuple[LookupHash, ...]


def look_up_mobile(core: Core, *, actor: Actor, desk: Desk, mobile: str) -> Masked | None:
    """The resident with this mobile, masked; None when there is none in the actor's area.

    Raises MobileInvalid, NotAllowed, TooManyRequests.
    """
    hashes = core.keyring.lookups(MOBILE, documents.mobile(mobile))
    return _look_up(core, actor, desk, Sought("mobile", tuple(hashes)))


def look_up_identity(
    core: Core,
    *,
    actor: Actor,
    desk: Desk,
    id_number: str,
    document: Document = Document.RESIDENT_ID,
) -> Masked | None:
    """The resident with this document, masked; None when there is none in the actor's area.

    Raises IdNumberInvalid, NotAllowed, TooManyRequests.
    """
    hashes = _identity_hashes(core.keyring, document, id_number)
    return _look_up(core, actor, desk, Sought("id_number", tuple(hashes)))


def look_up_holder(
    core: Core, *, actor: Actor, desk: Desk, voucher: UUID, holder: ResidentId | None
) -> Masked | None:
    """The resident who holds a voucher, masked; None when there is none in the actor's area.

    Raises NotAllowed, TooManyRequests.
    """
    hashes = core.keyring.lookups(_VOUCHER, str(voucher))
    return _look_up(core, actor, desk, Sought("voucher", tuple(hashes)), holder)


def reveal(
    core: Core,
    *,
    actor: Actor,
    desk: Desk,
    resident: ResidentId,
    fields: Collection[Field],
    reason: Reason,
    note: str,
) -> Mapping[Field, str]:
    """A resident's data in clear, for this once; the record says who read what of whom, and why.

    `note` says more about the reason, without personal data. Raises NoSuchThing, NotAllowed,
    TooManyRequests.
    """
    with core.transaction() as session:
        now = core.now(session)
        refused = judge_reader(core, session, actor, now)
        if refused is None:
            row = store.resident(session, resident)
            if row is None or not _may_see(actor, row):
                raise NoSuchThing
            wanted = sorted(set(fields))
            told = {"fields": wanted, "reason": str(reason), "note": note.strip()}
            _record(session, actor, "resident.revealed", row, desk, now, told)
            clear = _in_clear(core, row)
            return {field: clear[field] or "" for field in wanted}
    raise refused


def seen_by(
    core: Core,
    *,
    actor: Actor,
    id_number: str,
    document: Document = Document.RESIDENT_ID,
    cursor: str | None,
    limit: int,
) -> Page[Act]:
    """Who looked up or revealed the person with this number, newest first; for the city's auditors.

    The question is on record too, as a keyed hash. Raises IdNumberInvalid, NotAllowed,
    CursorInvalid.
    """
    search.check_searcher(actor)
    digests = store.digests(_identity_hashes(core.keyring, document, id_number))
    with core.transaction() as session:
        holder = store.identity_holder(session, digests)
        if cursor is None:
            told = {"sought": digests[0].hex()}
            search.record_search(session, actor, "audit.asked_who_saw", core.now(session), told)
        return search.reads(
            session,
            resident=holder,
            hashes=[one.hex() for one in digests],
            cursor=cursor,
            limit=limit,
        )


def _look_up(
    core: Core, actor: Actor, desk: Desk, sought: Sought, holder: ResidentId | None = None
) -> Masked | None:
    digests = store.digests(sought.hashes)
    with core.transaction() as session:
        now = core.now(session)
        refused = judge_reader(core, session, actor, now)
        if refused is None:
            row = _sought(session, sought, digests, holder)
            shown = row if row is not None and _may_see(actor, row) else None
            told = {"by": sought.by, "sought": digests[0].hex(), "found": shown is not None}
            _record(session, actor, "resident.looked_up", shown, desk, now, told)
            return _masked(core, shown) if shown is not None else None
    raise refused


def _sought(
    session: Session, sought: Sought, digests: list[bytes], holder: ResidentId | None
) -> ResidentRow | None:
    if sought.by == "mobile":
        return store.resident_by_mobile(session, digests)
    id = holder if sought.by == "voucher" else store.identity_holder(session, digests)
    return store.resident(session, id) if id is not None else None


def judge_reader(
    core: Core, session: Session, actor: Actor, now: datetime
) -> TooManyRequests | None:
    """None when the actor may read now. The refusal is raised after its alarm is kept.

    Raises NotAllowed.
    """
    if not actor.has(*READERS) or actor.id is None:
        raise NotAllowed
    store.staff(session, actor.id, lock=True)  # one at a time, so that the count is right
    instants = search.reads_by(session, actor=actor, since=now - _HOUR)
    limit = core.settings.desk.personal_reads_per_hour
    try:
        throttle.refuse_above(instants, limit=limit, window=_HOUR, now=now)
    except TooManyRequests as refused:
        alarms.raise_alarm(
            session,
            kind=Kind.PRIVACY,
            subject=actor.name,
            detail={"reads": len(instants), "limit": limit},
            now=now,
            area=actor.area,
        )
        return refused
    return None


def _may_see(actor: Actor, row: ResidentRow) -> bool:
    return areas.within(row.area or "", actor.area)


def _in_clear(core: Core, row: ResidentRow) -> dict[Field, str | None]:
    ciphers = {
        Field.NAME: row.name_cipher,
        Field.MOBILE: row.mobile_cipher,
        Field.ID_NUMBER: row.id_number_cipher,
    }
    return {
        field: core.keyring.decrypt(cipher, bound_to=bound(row.id, field)) if cipher else None
        for field, cipher in ciphers.items()
    }


def _masked(core: Core, row: ResidentRow) -> Masked:
    clear = _in_clear(core, row)
    number = clear[Field.ID_NUMBER]
    return Masked(
        id=ResidentId(row.id),
        name=row.display_name or None,
        mobile=documents.masked_mobile(clear[Field.MOBILE] or ""),
        id_number=documents.masked_number(number) if number else None,
        document=row.document,
        area=row.area,
        status=row.status,
        verified_at=row.verified_at,
    )


def _identity_hashes(keyring: Keyring, document: Document, number: str) -> list[LookupHash]:
    return keyring.lookups(IDENTITY, documents.identity(document, number).key)


def _record(
    session: Session,
    actor: Actor,
    action: str,
    row: ResidentRow | None,
    desk: Desk,
    now: datetime,
    told: Mapping[str, object],
) -> None:
    """Who, when, whose, what, why, from where; the identity as its keyed hash."""
    identity = row.identity_hash.hex() if row is not None and row.identity_hash else None
    where = {"page": desk.page, "session": str(desk.session) if desk.session else None}
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="resident",
        object_id=str(row.id) if row is not None else "nobody",
        now=now,
        detail={**told, "identity": identity, **where},
    )
