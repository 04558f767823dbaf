"""Short messages to applicants: wanted with what they tell of, sent by a job of their own."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.identity import service as identity
from voucher_service.infra import outbox
from voucher_service.infra.core import Core
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.kernel.money import ZERO

from .. import store
from ..messages import Message, text
from .dossier import typed

JOB = "tell_applicant"


def tell(session: Session, *, application: UUID, message: Message) -> str:
    """Want the applicant told something; the key of the job that sends it."""
    key = f"{JOB}:{new_id()}"
    told = {"application": str(application), "message": str(message)}
    outbox.add(session, kind=JOB, key=key, args=told)
    return key


def send_message(core: Core, *, application: UUID, message: Message) -> None:
    """Send one message now. A process that dies right after sends it twice.

    Raises SmsUnavailable.
    """
    with core.transaction() as session:
        row = store.application(session, application)
        if row is None:
            return
        resident = ResidentId(row.resident_id)
        mobile = identity.mobile_of(session, keyring=core.keyring, resident=resident)
        _, _, card = typed(session, row)
        told = text(
            message,
            amount=row.subsidy_fen or ZERO,
            last4=card.number[-4:] if card else "",
            last=row.correct_until and day_of(row.correct_until - timedelta(seconds=1)),
        )
        now = core.now(session)
    if mobile is not None:
        core.sms.send(mobile=mobile, code=str(message), text=told, at=now)
