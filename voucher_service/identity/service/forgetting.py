"""Take everything that leads to a person out of an account; the id stays, for the books."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import database
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import ResidentId

from .. import store
from ..model import RESIDENT, ResidentEvent
from ..tables import ResidentRow
from .rows import found

_PERSONAL = (
    "mobile_cipher",
    "mobile_hash",
    "mobile_key_id",
    "document",
    "name_cipher",
    "id_number_cipher",
    "identity_hash",
    "identity_key_id",
    "honorific",
    "area",
    "consent_version",
    "consented_at",
    "verified_at",
)


def forget_resident(session: Session, *, resident: ResidentId, actor: Actor, now: datetime) -> None:
    """Forget name, numbers and mobile of a resident, and void every token.

    Raises NoSuchThing, IllegalTransition for one who is blocked or forgotten already.
    """
    row = found(store.resident(session, resident, lock=True))
    if row.mobile_hash is not None:
        store.forget_codes(session, row.mobile_hash)
    audit.transition(
        session,
        ResidentRow,
        id=row.id,
        current=row.status,
        lifecycle=RESIDENT,
        event=ResidentEvent.FORGET,
        actor=actor,
        now=now,
        set_=dict.fromkeys(_PERSONAL)
        | {"display_name": "", "signed_out_at": database.now(session, Clock())},
    )
    session.expire(row)
