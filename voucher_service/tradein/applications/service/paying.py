"""What an approved application is paid, what the bank said, and a new card when it refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.identity import documents
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import end_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import OfferId, ResidentId
from voucher_service.kernel.money import ZERO, Money

from .. import store
from ..messages import Message
from ..model import (
    ApplicationEvent,
    ApplicationId,
    ApplicationStatus,
    Card,
    notice_until,
)
from ..tables import ApplicationRow
from .dossier import found, typed
from .judging import refuse_own
from .moving import move
from .reviewing import seen
from .telling import tell


@dataclass(frozen=True, slots=True)
class Payee:
    """Whom an approved application is paid to, and how much; `card` is in clear."""

    application_id: ApplicationId
    card: Card
    amount: Money
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Payout:
    """An approved application that may be paid now, out of which offer's money; `holder` masked."""

    application_id: ApplicationId
    resident_id: ResidentId
    offer_id: OfferId
    holder: str
    amount: Money


def payable(
    session: Session,
    *,
    offers: Collection[OfferId],
    after: ApplicationId | None = None,
    most: int,
) -> tuple[list[Payout], ApplicationId | None]:
    """Applications of these offers that may be paid now, by id, and after which to ask on."""
    now = core_of(session).now(session)
    rows = store.approved(session, offers, after=after, most=most)
    last = ApplicationId(rows[-1][0].id) if len(rows) == most else None
    found = []
    for row, offer in rows:
        card = typed(session, row)[2]
        if card is not None and may_be_paid(row, now):
            id, whose = ApplicationId(row.id), ResidentId(row.resident_id)
            name, amount = documents.masked(card.holder), row.subsidy_fen or ZERO
            found.append(Payout(id, whose, OfferId(offer), name, amount))
    return found, last


def payee(session: Session, *, application: ApplicationId) -> Payee:
    """Where the subsidy of an approved application goes, once its notice is over.

    Raises NoSuchThing for any that may not be paid now: one under review or under notice, one whose
    card the bank refused, one that was paid.
    """
    row = found(store.application(session, application))
    _, _, card = typed(session, row)
    at = row.decided_at
    if at is None or not may_be_paid(row, core_of(session).now(session)):
        raise NoSuchThing
    return Payee(application, found(card), row.subsidy_fen or ZERO, at)


def may_be_paid(row: ApplicationRow, now: datetime) -> bool:
    """Whether it was approved, its notice is over, and its card is one to pay to."""
    at = row.decided_at
    return (
        row.status is ApplicationStatus.APPROVED
        and at is not None
        and now >= end_of(notice_until(at))
    )


def paid(session: Session, *, application: ApplicationId, at: datetime) -> None:
    """Note that the bank paid it then; the applicant is told. For the settlement.

    Raises NoSuchThing, IllegalTransition.
    """
    row = found(store.application(session, application, lock=True))
    move(session, row, ApplicationEvent.PAID, SYSTEM, at, {"paid_at": at, "reason": ""})
    tell(session, application=row.id, message=Message.PAID)


def payout_refused(session: Session, *, application: ApplicationId, reason: str) -> None:
    """Note why the bank did not pay it, or sent the payment back; the applicant is told, and may
    name another card. For the settlement.

    Raises NoSuchThing, IllegalTransition.
    """
    row = found(store.application(session, application, lock=True))
    now = core_of(session).now(session)
    values = {"reason": reason, "paid_at": None}
    was_paid = row.status is ApplicationStatus.PAID
    move(session, row, ApplicationEvent.PAYOUT_REFUSED, SYSTEM, now, values)
    message = Message.PAYOUT_CAME_BACK if was_paid else Message.PAYOUT_REFUSED
    tell(session, application=row.id, message=message)


def accept_card(core: Core, *, actor: Actor, application: ApplicationId) -> None:
    """Let it be paid to the card that was named after the bank refused the one before.

    One person is enough: whom it is paid to was decided with the application. Raises NoSuchThing,
    NotAllowed, OwnApplication, IllegalTransition.
    """
    _card_decided(core, actor, application, ApplicationEvent.CARD_ACCEPTED, "")


def return_card(core: Core, *, actor: Actor, application: ApplicationId, reason: str) -> None:
    """Ask for yet another card. Raises as `accept_card`."""
    _card_decided(core, actor, application, ApplicationEvent.CARD_RETURNED, reason)


def _card_decided(
    core: Core, actor: Actor, application: ApplicationId, event: ApplicationEvent, reason: str
) -> None:
    messages = {
        ApplicationEvent.CARD_ACCEPTED: Message.CARD_ACCEPTED,
        ApplicationEvent.CARD_RETURNED: Message.CARD_RETURNED,
    }
    with core.transaction() as session:
        row = seen(session, actor, application, {Role.REVIEWER}, lock=True)
        refuse_own(session, row, actor)
        move(session, row, event, actor, core.now(session), {"reason": reason})
        tell(session, application=row.id, message=messages[event])
