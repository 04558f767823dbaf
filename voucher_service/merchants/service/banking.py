"""Where a merchant's money goes: the account in force, and a change that two people check and that
cools off before it counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.audit import service as audit
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId, CashierId, MerchantId, new_id
from voucher_service.kernel.machine import IllegalTransition

from .. import accounts, model
from .. import onboarding_store as store
from .. import store as merchant_store
from ..accounts import (
    ACCOUNT,
    AccountChangeWaiting,
    AccountEvent,
    AccountId,
    AccountKind,
    AccountStatus,
    BankAccount,
    SettlementAccount,
)
from ..messages import Message
from ..onboarding_tables import MerchantApplicationRow, SettlementAccountRow
from .access import require_staff
from .dossier import LEGAL_PERSON, shown_holder
from .telling import tell_merchant
from .till import till
from .views import found

CHANGE = "merchant.account_change"


def accounts_at(
    session: Session, *, merchants: Collection[MerchantId], at: datetime, clear: bool = False
) -> dict[MerchantId, SettlementAccount]:
    """The account that counts at an instant of each of these merchants that has one; `clear`: for
    a payment file.
    """
    rows = store.accounts_in_force(session, merchants, at)
    return {MerchantId(row.merchant_id): _view(session, row, clear=clear) for row in rows}


def own_accounts(core: Core, *, actor: Actor) -> list[SettlementAccount]:
    """Every account that the caller's merchant named, masked, newest first; for its managers.

    Raises NoSuchThing, NotAllowed.
    """
    with core.transaction() as session:
        merchant = _managed(session, actor)
        return accounts_of(session, merchant=merchant)


def accounts_of(session: Session, *, merchant: MerchantId) -> list[SettlementAccount]:
    """Every account that a merchant named, masked, newest first."""
    return [_view(session, row) for row in store.accounts(session, merchant)]


def in_force(accounts: Collection[SettlementAccount], at: datetime) -> AccountId | None:
    """Which of a merchant's accounts counts at an instant."""
    counts = [
        (one.effective_from, one.id)
        for one in accounts
        if one.status is AccountStatus.APPROVED
        and one.effective_from is not None
        and one.effective_from <= at
    ]
    return max(counts)[1] if counts else None


def enter_account(
    session: Session,
    *,
    merchant: MerchantId,
    kind: AccountKind,
    holder: Mapping[str, str],
    bank: str,
    cnaps: str,
    requested_by: CashierId | None,
    now: datetime,
) -> None:
    """The first account, which was approved with the merchant and counts at once."""
    row = _row(core_of(session), merchant, kind, holder, bank, cnaps, requested_by, now)
    row.status, row.effective_from = AccountStatus.APPROVED, now
    session.add(row)
    session.flush()
    _record(session, SYSTEM, "settlement_account.entered", row.id, now, _on_record(row))


def request_change(
    core: Core,
    *,
    actor: Actor,
    kind: AccountKind,
    name: str,
    number: str,
    bank: str,
    cnaps: str = "",
) -> AccountId:
    """A manager names another account; the one in force stays until the change counts.

    Raises AccountNumberInvalid, AccountNameDiffers, CnapsInvalid, BusinessNameInvalid,
    AccountChangeWaiting, NotAllowed, NoSuchThing.
    """
    digits = accounts.account_number(number, kind)
    holder = {"name": model.business_name(name), "number": digits}
    bank, cnaps = model.business_name(bank), accounts.cnaps(cnaps)
    with core.transaction() as session:
        now, merchant = core.now(session), _managed(session, actor)
        _check_holder(core, session, merchant, kind, holder["name"])
        assert actor.id is not None
        row = _row(core, merchant, kind, holder, bank, cnaps, CashierId(actor.id), now)
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError as error:
            raise AccountChangeWaiting from error
        _record(session, actor, "settlement_account.requested", row.id, now)
        _tell(session, row, Message.ACCOUNT_REQUESTED)
        return AccountId(row.id)


def propose_change(core: Core, *, actor: Actor, account: AccountId, note: str) -> ApprovalId:
    """A reviewer called the merchant back on the old number, and asks a second person to approve.

    `note` says whom they spoke to and when, without numbers. Raises NotAllowed, NoSuchThing,
    IllegalTransition.
    """
    require_staff(actor, {Role.REVIEWER})
    with core.transaction() as session:
        now, row = core.now(session), _locked(session, account)
        values = {"checked_by": actor.id, "note": note.strip()}
        _move(session, row, AccountEvent.PROPOSED, actor, now, values)
        session.refresh(row)
        merchant = found(merchant_store.merchant(session, row.merchant_id))
        return approvals.propose(
            session,
            action=CHANGE,
            object_type=ACCOUNT.name,
            object_id=row.id,
            area="",
            title=merchant.name,
            payload=_frozen(row, merchant.name),
            maker=actor,
            now=now,
        )


def refuse_change(core: Core, *, actor: Actor, account: AccountId, note: str) -> MerchantId:
    """A reviewer refuses a change that was asked for; whose it was.

    Raises NotAllowed, NoSuchThing, IllegalTransition.
    """
    require_staff(actor, {Role.REVIEWER})
    with core.transaction() as session:
        now, row = core.now(session), _locked(session, account)
        values = {"checked_by": actor.id, "note": note.strip()}
        _move(session, row, AccountEvent.REFUSED, actor, now, values)
        _tell(session, row, Message.ACCOUNT_STOPPED)
        return MerchantId(row.merchant_id)


def stop_change(core: Core, *, actor: Actor, account: AccountId, note: str = "") -> MerchantId:
    """Call a change off, as long as it does not count: a reviewer, or a manager of the merchant.
    Whose it was.

    Raises NotAllowed, NoSuchThing, IllegalTransition.
    """
    with core.transaction() as session:
        now, row = core.now(session), _locked(session, account)
        if actor.kind is not ActorKind.CASHIER:
            require_staff(actor, {Role.REVIEWER})
        elif _managed(session, actor) != row.merchant_id:
            raise NoSuchThing
        counts = row.effective_from is not None and row.effective_from <= now
        if row.status is AccountStatus.APPROVED and counts:
            raise IllegalTransition(state=str(row.status), event=str(AccountEvent.STOPPED))
        values = {"note": note.strip()} if note.strip() else {}
        _move(session, row, AccountEvent.STOPPED, actor, now, values)
        _tell(session, row, Message.ACCOUNT_STOPPED)
        return MerchantId(row.merchant_id)


def _change(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = _locked(session, AccountId(UUID(payload["account"])))
    merchant = found(merchant_store.merchant(session, row.merchant_id))
    if row.status is not AccountStatus.PROPOSED or _frozen(row, merchant.name) != payload:
        raise ChangedSinceProposed
    hours = core_of(session).settings.onboarding.account_cooling_hours
    values = {"effective_from": now + timedelta(hours=hours)}
    _move(session, row, AccountEvent.APPROVED, actor, now, values, _on_record(row))
    _tell(session, row, Message.ACCOUNT_APPROVED, hours=str(hours))


def _return(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """Sent back: the reviewer asks again or refuses. One that was called off stays so."""
    row = _locked(session, AccountId(UUID(payload["account"])))
    if row.status is AccountStatus.PROPOSED:
        _move(session, row, AccountEvent.RETURNED, actor, now, {})


def _managed(session: Session, actor: Actor) -> MerchantId:
    """The merchant whose manager asks. Raises NotAllowed, NoSuchThing."""
    if actor.kind is not ActorKind.CASHIER or actor.id is None or not actor.has(Role.MANAGER):
        raise NotAllowed
    return till(session, cashier=CashierId(actor.id)).merchant_id


def _check_holder(
    core: Core, session: Session, merchant: MerchantId, kind: AccountKind, name: str
) -> None:
    row = found(merchant_store.merchant(session, merchant))
    applied = store.application(session, MerchantApplicationRow.merchant_id == merchant)
    person = {} if applied is None else store.person(core.keyring, applied)
    operator = person.get(LEGAL_PERSON, "")
    accounts.check_holder(kind, name, licence_name=row.name, uscc=row.uscc, operator=operator)


def _row(
    core: Core,
    merchant: MerchantId,
    kind: AccountKind,
    holder: Mapping[str, str],
    bank: str,
    cnaps: str,
    requested_by: CashierId | None,
    now: datetime,
) -> SettlementAccountRow:
    id = new_id()
    return SettlementAccountRow(
        id=id,
        merchant_id=merchant,
        kind=kind,
        name=shown_holder(kind, holder["name"]),
        last4=holder["number"][-4:],
        bank=bank,
        cnaps=cnaps,
        number_cipher=store.encrypt_holder(core.keyring, id, holder),
        status=ACCOUNT.initial,
        requested_by=requested_by,
        requested_at=now,
    )


def _view(session: Session, row: SettlementAccountRow, *, clear: bool = False) -> SettlementAccount:
    holder = store.holder(core_of(session).keyring, row) if clear else {}
    account = BankAccount(
        kind=row.kind,
        name=holder.get("name", row.name),
        last4=row.last4,
        bank=row.bank,
        cnaps=row.cnaps,
        number=holder.get("number", ""),
    )
    return SettlementAccount(
        id=AccountId(row.id),
        merchant_id=MerchantId(row.merchant_id),
        account=account,
        status=row.status,
        requested_at=row.requested_at,
        effective_from=row.effective_from if row.status is AccountStatus.APPROVED else None,
        checked_by=row.checked_by,
        note=row.note,
    )


def _frozen(row: SettlementAccountRow, merchant: str) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON; the number by its last four digits."""
    return {
        "account": str(row.id),
        "merchant": merchant,
        "account_kind": str(row.kind),
        "name": row.name,
        "last4": row.last4,
        "bank": row.bank,
        "cnaps": row.cnaps,
        "note": row.note,
    }


def _locked(session: Session, account: AccountId) -> SettlementAccountRow:
    return found(store.account(session, account))


def _move(
    session: Session,
    row: SettlementAccountRow,
    event: AccountEvent,
    actor: Actor,
    now: datetime,
    values: Mapping[str, Any],
    detail: Mapping[str, str] | None = None,
) -> None:
    audit.transition(
        session,
        SettlementAccountRow,
        id=row.id,
        current=row.status,
        lifecycle=ACCOUNT,
        event=event,
        actor=actor,
        now=now,
        set_=values,
        detail=detail,
    )


def _on_record(row: SettlementAccountRow) -> dict[str, str]:
    """What the trail keeps of an account that money may be sent to: whose it is, and which."""
    told = {"last4": row.last4, "bank": row.bank, "cnaps": row.cnaps}
    return {"merchant": str(row.merchant_id), **told}


def _tell(session: Session, row: SettlementAccountRow, message: Message, **more: str) -> None:
    name = found(merchant_store.merchant(session, row.merchant_id)).name
    facts = {"name": name, "last4": row.last4, **more}
    tell_merchant(session, merchant=MerchantId(row.merchant_id), message=message, facts=facts)


def _record(
    session: Session,
    actor: Actor,
    action: str,
    id: UUID,
    now: datetime,
    detail: Mapping[str, str] | None = None,
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type=ACCOUNT.name,
        object_id=str(id),
        now=now,
        detail=detail,
    )


approvals.register(CHANGE, execute=_change, refuse=_return)
