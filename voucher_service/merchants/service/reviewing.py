"""Applications at the desk: what waits, a first check by the division, back or refused, and reads
of personal data, each on record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.audit import service as audit
from voucher_service.identity import service as identity
from voucher_service.identity.desk import Reason
from voucher_service.identity.service.reading import Desk
from voucher_service.infra import areas, files
from voucher_service.infra.core import Core, core_of
from voucher_service.infra.files import Content
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.page import Page, decode_moment, encode_cursor

from .. import onboarding_store as store
from ..accounts import AccountKind
from ..messages import Message
from ..onboarding import (
    MERCHANT_APPLICATION,
    DocumentKind,
    MerchantApplication,
    MerchantApplicationEvent,
    MerchantApplicationId,
    MerchantApplicationStatus,
)
from ..onboarding_tables import MerchantApplicationRow
from .dossier import HOLDER, LEGAL_PERSON, MOBILE, NUMBER, fingerprint, shown_holder, view
from .telling import tell
from .views import found

ADMIT = "merchant.admit"
SEES = frozenset({Role.REVIEWER, Role.APPROVER, Role.AUDITOR})
REVEALS = frozenset({Role.REVIEWER, Role.AUDITOR})


class Private(StrEnum):
    """Personal data of an application that staff may reveal."""

    LEGAL_PERSON = LEGAL_PERSON
    MOBILE = MOBILE
    ACCOUNT_NUMBER = NUMBER


def page(
    core: Core,
    *,
    actor: Actor,
    status: MerchantApplicationStatus,
    cursor: str | None,
    limit: int,
) -> Page[MerchantApplication]:
    """Applications of the actor's area that stand so, longest waiting first.

    Raises NotAllowed, CursorInvalid.
    """
    _require(actor, SEES)
    after = decode_moment(cursor)
    with core.transaction() as session:
        rows = store.applications(
            session, area=actor.area, status=status, after=after, most=limit + 1
        )
        shown = [view(session, row) for row in rows[:limit]]
    if len(rows) <= limit or shown[-1].submitted_at is None:
        return Page(shown)
    return Page(shown, encode_cursor(shown[-1].submitted_at.isoformat(), shown[-1].id))


def waiting(core: Core, *, actor: Actor) -> int:
    """How many applications wait for the actor's first check."""
    if not actor.has(Role.REVIEWER):
        return 0
    with core.transaction() as session:
        return store.waiting(session, area=actor.area)


def get(core: Core, *, actor: Actor, application: MerchantApplicationId) -> MerchantApplication:
    """One application that was handed in, in the actor's area. Raises NoSuchThing, NotAllowed."""
    with core.transaction() as session:
        return view(session, _seen(session, actor, application, SEES))


def opinion(core: Core, *, application: MerchantApplication) -> str:
    """Why the city sent it back to its reviewer, whose area may be a part of the city; or ""."""
    return approvals.sent_back_because(
        core, about=application.id, action=ADMIT, since=application.submitted_at
    )


def document(
    core: Core, *, actor: Actor, application: MerchantApplicationId, kind: DocumentKind
) -> Content:
    """A file of an application; the record says who looked. Raises NoSuchThing, NotAllowed."""
    with core.transaction() as session:
        row = _seen(session, actor, application, SEES)
        file = store.documents(session, row.id).get(kind)
        content = found(files.get(session, file=file) if file else None)
        told = {"kind": str(kind)}
        _record(session, actor, "merchant_document.read", row, core.now(session), told)
        return content


def reveal(
    core: Core,
    *,
    actor: Actor,
    desk: Desk,
    application: MerchantApplicationId,
    fields: Collection[Private],
    reason: Reason,
    note: str,
) -> Mapping[Private, str]:
    """Personal data of an application in clear, for this once; counted with reads of residents'.

    Raises NoSuchThing, NotAllowed, TooManyRequests.
    """
    with core.transaction() as session:
        row = _seen(session, actor, application, REVEALS)
        now = core.now(session)
        refused = identity.judge_reader(core, session, actor, now)
        if refused is None:
            wanted = sorted(set(fields))
            told = {
                "fields": wanted,
                "reason": str(reason),
                "note": note.strip(),
                "page": desk.page,
                "session": str(desk.session) if desk.session else None,
            }
            _record(session, actor, "merchant.revealed", row, now, told)
            person = store.person(core.keyring, row)
            return {field: person.get(str(field), "") for field in wanted}
    raise refused


def precheck(core: Core, *, actor: Actor, application: MerchantApplicationId) -> ApprovalId:
    """Say that what was handed in is right, and ask the city to admit the merchant.

    Who checked can't approve. Raises NoSuchThing, NotAllowed, IllegalTransition, AlreadyProposed.
    """
    with core.transaction() as session:
        row = _seen(session, actor, application, {Role.REVIEWER}, lock=True)
        now = core.now(session)
        event = MerchantApplicationEvent.PRECHECKED
        move(session, row, event, actor, now, {"prechecked_by": actor.id})
        return approvals.propose(
            session,
            action=ADMIT,
            object_type=MERCHANT_APPLICATION.name,
            object_id=row.id,
            area=areas.city(row.area),
            title=row.content["business"]["name"],
            payload=frozen(session, row),
            maker=actor,
            now=now,
        )


def send_back(
    core: Core,
    *,
    actor: Actor,
    application: MerchantApplicationId,
    findings: Mapping[str, str],
    reason: str,
) -> None:
    """Give it back with a reason for each thing to correct.

    Raises NoSuchThing, NotAllowed, IllegalTransition.
    """
    _decide(
        core,
        actor,
        application,
        MerchantApplicationEvent.SENT_BACK,
        Message.SENT_BACK,
        {"findings": dict(findings), "reason": reason},
    )


def reject(core: Core, *, actor: Actor, application: MerchantApplicationId, reason: str) -> None:
    """Refuse it for good. Raises NoSuchThing, NotAllowed, IllegalTransition."""
    event, message = MerchantApplicationEvent.REJECTED, Message.REJECTED
    _decide(core, actor, application, event, message, {"reason": reason})


def frozen(session: Session, row: MerchantApplicationRow) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON; personal data masked and within the hash."""
    account = row.content["account"]
    person = store.person(core_of(session).keyring, row)
    return {
        "application": str(row.id),
        **row.content["business"],
        "shops": [
            {key: shop[key] for key in ("name", "area", "trade", "address")}
            for shop in row.content["shops"]
        ],
        "bank": account["bank"],
        "account_kind": account["kind"],
        "account_name": shown_holder(AccountKind(account["kind"]), person[HOLDER]),
        "last4": person[NUMBER][-4:],
        "handed_in_sha256": fingerprint(session, row),
    }


def _decide(
    core: Core,
    actor: Actor,
    application: MerchantApplicationId,
    event: MerchantApplicationEvent,
    message: Message,
    values: Mapping[str, Any],
) -> None:
    with core.transaction() as session:
        row = _seen(session, actor, application, {Role.REVIEWER}, lock=True)
        now = core.now(session)
        move(session, row, event, actor, now, {**values, "decided_at": now})
        tell(
            session,
            application=row.id,
            message=message,
            facts={"name": row.content["business"]["name"]},
        )


def move(
    session: Session,
    row: MerchantApplicationRow,
    event: MerchantApplicationEvent,
    actor: Actor,
    now: datetime,
    values: Mapping[str, Any],
) -> None:
    """Take an application one step on. Raises IllegalTransition, OvertakenByAnother."""
    audit.transition(
        session,
        MerchantApplicationRow,
        id=row.id,
        current=row.status,
        lifecycle=MERCHANT_APPLICATION,
        event=event,
        actor=actor,
        now=now,
        set_=values,
    )


def _seen(
    session: Session,
    actor: Actor,
    application: MerchantApplicationId,
    roles: Collection[Role],
    *,
    lock: bool = False,
) -> MerchantApplicationRow:
    """An application that was handed in, in the actor's area."""
    _require(actor, roles)
    row = found(store.application(session, MerchantApplicationRow.id == application, lock=lock))
    if row.submitted_at is None or not areas.within(row.area, actor.area):
        raise NoSuchThing
    return row


def _require(actor: Actor, roles: Collection[Role]) -> None:
    if not actor.has(*roles):
        raise NotAllowed


def _record(
    session: Session,
    actor: Actor,
    action: str,
    row: MerchantApplicationRow,
    now: datetime,
    told: Mapping[str, Any],
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type=MERCHANT_APPLICATION.name,
        object_id=str(row.id),
        now=now,
        detail=told,
    )
