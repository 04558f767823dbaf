"""Many residents at once: synthetic ones, a change of keys, and what is no longer needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from voucher_service.audit import service as audit
from voucher_service.infra import sessions
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.ids import ResidentId, new_id

from .. import documents, store
from ..documents import Document, Identity
from ..model import RESIDENT, SyntheticPerson
from ..tables import ResidentRow
from . import throttle
from .residents import MOBILE, bound, identity_columns, mobile_columns, verified_columns
from .rows import otp_bound

_SYNTHETIC_CONSENT = "synthetic"
_DAY = timedelta(days=1)


def register_synthetic(
    core: Core, *, people: Iterable[SyntheticPerson], now: datetime
) -> list[ResidentId]:
    """Register invented residents as if each had signed in and verified a name, thousands at once.

    Returns the ids in the order given; people whose mobile or id number is registered already are
    left out. One audit event names the batch by count and hash. Raises MobileInvalid, NameInvalid,
    IdNumberInvalid.
    """
    rows = [_synthetic(core, person, now) for person in people]
    with core.transaction() as session:
        new = store.add_residents(session, rows)
        ids = [ResidentId(row["id"]) for row in rows if row["id"] in new]
        digest = hashlib.sha256(b"".join(one.bytes for one in ids)).hexdigest()
        audit.record(
            session,
            actor=SYSTEM,
            action="resident.registered_synthetic",
            object_type="resident_batch",
            object_id=digest[:32],
            now=now,
            detail={"count": len(ids), "ids_sha256": digest},
        )
    return ids


def _synthetic(core: Core, person: SyntheticPerson, now: datetime) -> dict[str, Any]:
    resident = new_id()
    identity = documents.identity(Document.RESIDENT_ID, person.id_number)
    name = documents.name(person.name)
    return {
        **mobile_columns(core, resident, documents.mobile(person.mobile)),
        **identity_columns(core, resident, identity, name),
        **verified_columns(identity, name, consent_version=_SYNTHETIC_CONSENT, now=now),
        "status": RESIDENT.initial,
        "synthetic": True,
        "occurred_at": now,
    }


def rotate_fields(core: Core, *, batch: int = 1000) -> int:
    """Encrypt and hash up to `batch` residents anew with the newest keys; how many there were.

    Second factors of staff go along. Call until it answers 0, then drop the old keys from the
    settings. Run the same command of `merchants` first, so that a cashier's own voucher is known
    throughout.
    """
    newest_field = core.keyring.encrypt("", bound_to="")[0]
    newest_lookup = core.keyring.lookup(MOBILE, "").key_id
    with core.transaction() as session:
        rows = store.residents_on_old_keys(
            session, field_key=newest_field, lookup_key=newest_lookup, most=batch
        )
        for row in rows:
            _renew(core, row)
        for member in store.staff_on_old_keys(session, field_key=newest_field):
            for column in ("otp_cipher", "otp_pending_cipher"):
                if cipher := getattr(member, column):
                    secret = core.keyring.decrypt(cipher, bound_to=otp_bound(member.id))
                    renewed = core.keyring.encrypt(secret, bound_to=otp_bound(member.id))
                    setattr(member, column, renewed)
        session.flush()
        if rows:
            audit.record(
                session,
                actor=SYSTEM,
                action="resident.keys_rotated",
                object_type="resident_batch",
                object_id=f"{rows[0].id}..{rows[-1].id}",
                now=core.now(session),
                detail={"count": len(rows), "field": newest_field, "lookup": newest_lookup},
            )
        return len(rows)


def _renew(core: Core, row: ResidentRow) -> None:
    keys = core.keyring
    assert row.mobile_cipher is not None  # who was forgotten is on no key
    mobile = keys.decrypt(row.mobile_cipher, bound_to=bound(row.id, "mobile"))
    columns = mobile_columns(core, row.id, mobile)
    if row.name_cipher and row.id_number_cipher and row.document:
        name = keys.decrypt(row.name_cipher, bound_to=bound(row.id, "name"))
        number = keys.decrypt(row.id_number_cipher, bound_to=bound(row.id, "id_number"))
        columns |= identity_columns(core, row.id, Identity(row.document, number), name)
    for column, value in columns.items():
        setattr(row, column, value)


def forget_expired(core: Core) -> int:
    """Delete one-time codes and challenges older than a day, failed sign-ins older than a quarter
    of an hour, sessions older than half a year.

    Returns how many there were. For a daily job.
    """
    with core.transaction() as session:
        now = core.now(session)
        gone = store.forget_before(session, codes=now - _DAY, failed=now - throttle.QUARTER_HOUR)
        return gone + sessions.forget(session, now=now)
