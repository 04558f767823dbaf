"""Short messages to merchants: wanted with what they tell of, sent by a job of their own."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra import outbox
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import MerchantId, new_id

from .. import onboarding_store as store
from ..messages import Message, text
from ..onboarding_tables import MerchantApplicationRow
from .dossier import MOBILE

JOB = "tell_merchant"


def tell(session: Session, *, application: UUID, message: Message, facts: Mapping[str, str]) -> str:
    """Want whoever applied told something; the key of the job that sends it."""
    key = f"{JOB}:{new_id()}"
    told = {"application": str(application), "message": str(message), "facts": dict(facts)}
    outbox.add(session, kind=JOB, key=key, args=told)
    return key


def tell_merchant(
    session: Session, *, merchant: MerchantId, message: Message, facts: Mapping[str, str]
) -> None:
    """Want a merchant told something; one that was entered without an application has no mobile."""
    row = store.application(session, MerchantApplicationRow.merchant_id == merchant)
    if row is not None:
        tell(session, application=row.id, message=message, facts=facts)


def send_message(
    core: Core, *, application: UUID, message: Message, facts: Mapping[str, str]
) -> None:
    """Send one message now. A process that dies right after sends it twice.

    Raises SmsUnavailable.
    """
    with core.transaction() as session:
        row = store.application(session, MerchantApplicationRow.id == application)
        if row is None:
            return
        mobile = store.person(core.keyring, row)[MOBILE]
        now = core.now(session)
    core.sms.send(mobile=mobile, code=str(message), text=text(message, facts), at=now)
