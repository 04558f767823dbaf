"""Somebody applies to become a merchant: an account, a form that saves as it goes, handing in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.identity import documents, passwords
from voucher_service.identity.model import UsernameTaken
from voucher_service.infra import areas, files
from voucher_service.infra.core import Core
from voucher_service.infra.files import Content
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CashierId, new_id
from voucher_service.kernel.machine import IllegalTransition

from .. import accounts, model
from .. import onboarding_store as store
from .. import store as merchant_store
from ..accounts import AccountKind
from ..messages import Message
from ..model import AreaUnknown, CashierStatus, SizeClass, UsccTaken
from ..onboarding import (
    COMMITMENT,
    EDITABLE,
    MERCHANT_APPLICATION,
    MOST_SHOPS,
    CommitmentOutdated,
    DocumentKind,
    MerchantApplication,
    MerchantApplicationEvent,
    MerchantApplicationIncomplete,
    PlannedShop,
    TooManyShops,
)
from ..onboarding_tables import MerchantApplicationRow
from ..tables import CashierRow
from .dossier import HOLDER, LEGAL_PERSON, MOBILE, NUMBER, shop_as_json, view
from .telling import tell
from .till import FACE
from .views import found


def begin(core: Core, *, username: str, password: str, mobile: str) -> CashierId:
    """Open the account of a future manager, and an empty application.

    Raises UsernameInvalid, UsernameTaken, PasswordTooShort, MobileInvalid.
    """
    number = documents.mobile(mobile)
    person, application = new_id(), new_id()
    account = CashierRow(
        id=person,
        shop_id=None,
        username=documents.username(username),
        password_hash=passwords.hashed(password, demo=False),
        display_name="",
        role=Role.MANAGER,
        status=CashierStatus.APPLYING,
    )
    with core.transaction() as session:
        now = account.occurred_at = core.now(session)
        try:
            with session.begin_nested():
                session.add(account)
                session.flush()
        except IntegrityError as error:
            raise UsernameTaken from error
        session.add(
            MerchantApplicationRow(
                id=application,
                applicant_id=person,
                status=MERCHANT_APPLICATION.initial,
                content={},
                person_cipher=store.encrypt_person(core.keyring, application, {MOBILE: number}),
                occurred_at=now,
            )
        )
        session.flush()
        actor = Actor(ActorKind.CASHIER, person)
        _record(session, actor, "merchant_application.begun", application, now)
    return CashierId(person)


def applicant_at_desk(core: Core, *, subject: UUID, session: UUID) -> Actor | None:
    """Who a request acts as that somebody sends who applies: without a role, and without a shop.

    None when the session was ended, or the account is a cashier's or closed.
    """
    with core.transaction() as books:
        if store.applicant_in_session(books, subject, session, FACE):
            return Actor(ActorKind.CASHIER, subject)
        return None


def mine(core: Core, *, actor: Actor) -> MerchantApplication:
    """The caller's application, also once it was admitted. Raises NoSuchThing."""
    with core.transaction() as session:
        return view(session, _mine(session, actor))


def save_business(
    core: Core,
    *,
    actor: Actor,
    name: str,
    uscc: str,
    size_class: SizeClass,
    legal_person: str,
) -> None:
    """Keep what the licence says.

    Raises BusinessNameInvalid, UsccInvalid, UsccTaken, NameInvalid, NoSuchThing, IllegalTransition.
    """
    code = model.uscc(uscc)
    told = {"name": model.business_name(name), "uscc": code, "size_class": str(size_class)}
    person = documents.name(legal_person)
    with core.transaction() as session:
        row = _editable(session, actor)
        if merchant_store.merchant_by_uscc(session, code) is not None:
            raise UsccTaken
        _save(core, session, row, {"business": told}, {LEGAL_PERSON: person})


def add_shop(core: Core, *, actor: Actor, shop: PlannedShop) -> None:
    """Keep one more shop. Raises AreaUnknown, BusinessNameInvalid, TooManyShops, NoSuchThing,
    IllegalTransition.
    """
    if not areas.known(shop.area):
        raise AreaUnknown(area=shop.area)
    told = shop_as_json(shop) | {
        "name": model.business_name(shop.name),
        "address": model.business_name(shop.address),
        "area": areas.full(shop.area),
    }
    with core.transaction() as session:
        row = _editable(session, actor)
        shops = [*row.content.get("shops", []), told]
        if len(shops) > MOST_SHOPS:
            raise TooManyShops(most=MOST_SHOPS)
        _save(core, session, row, {"shops": shops}, {})


def remove_shop(core: Core, *, actor: Actor, number: int) -> None:
    """Forget the shop with this number, counted from 1.

    Raises NoSuchThing, IllegalTransition.
    """
    with core.transaction() as session:
        row = _editable(session, actor)
        shops = list(row.content.get("shops", []))
        if not 1 <= number <= len(shops):
            raise NoSuchThing
        del shops[number - 1]
        _save(core, session, row, {"shops": shops}, {})


def save_account(
    core: Core,
    *,
    actor: Actor,
    kind: AccountKind,
    name: str,
    number: str,
    bank: str,
    cnaps: str = "",
) -> None:
    """Keep the account that vouchers are to be settled to.

    Raises AccountNumberInvalid, AccountNameDiffers, CnapsInvalid, BusinessNameInvalid, NoSuchThing,
    IllegalTransition, and MerchantApplicationIncomplete before the licence was filled in.
    """
    digits = accounts.account_number(number, kind)
    told = {
        "kind": str(kind),
        "bank": model.business_name(bank),
        "cnaps": accounts.cnaps(cnaps),
    }
    with core.transaction() as session:
        row = _editable(session, actor)
        person = {HOLDER: model.business_name(name), NUMBER: digits}
        _check_holder(core, row, kind, person[HOLDER])
        _save(core, session, row, {"account": told}, person)


def hand_in(core: Core, *, actor: Actor, kind: DocumentKind, content: Content) -> None:
    """Keep a clean file in place of an earlier one. Raises NoSuchThing, IllegalTransition."""
    with core.transaction() as session:
        row, now = _editable(session, actor), core.now(session)
        earlier = store.documents(session, row.id).get(kind)
        file = files.put(session, content=content, now=now)
        store.put_document(session, row.id, kind, file, now)
        if earlier is not None:
            files.forget(session, file=earlier)


def own_document(core: Core, *, actor: Actor, kind: DocumentKind) -> Content:
    """A file that the caller handed in. Raises NoSuchThing."""
    with core.transaction() as session:
        row = _mine(session, actor)
        file = store.documents(session, row.id).get(kind)
        return found(files.get(session, file=file) if file else None)


def submit(core: Core, *, actor: Actor, commitment: str) -> MerchantApplication:
    """Agree to the commitment letter and hand the application in.

    Raises CommitmentOutdated, MerchantApplicationIncomplete, AccountNameDiffers, UsccTaken,
    NoSuchThing, IllegalTransition.
    """
    if commitment != COMMITMENT:
        raise CommitmentOutdated
    with core.transaction() as session:
        row, now = _editable(session, actor), core.now(session)
        seen = view(session, row)
        if seen.missing or seen.business is None or seen.account is None:
            raise MerchantApplicationIncomplete(extra={"steps": list(seen.missing)})
        if merchant_store.merchant_by_uscc(session, seen.business.uscc) is not None:
            raise UsccTaken
        person = store.person(core.keyring, row)
        _check_holder(core, row, seen.account.kind, person[HOLDER])
        audit.transition(
            session,
            MerchantApplicationRow,
            id=row.id,
            current=row.status,
            lifecycle=MERCHANT_APPLICATION,
            event=MerchantApplicationEvent.SUBMITTED,
            actor=actor,
            now=now,
            set_={
                "area": seen.shops[0].area,
                "commitment": commitment,
                "agreed_at": now,
                "submitted_at": now,
                "findings": {},
                "reason": "",
            },
            detail={"commitment": commitment},
        )
        facts = {"name": seen.business.name}
        tell(session, application=row.id, message=Message.SUBMITTED, facts=facts)
        session.refresh(row)
        return view(session, row)


def _mine(session: Session, actor: Actor, *, lock: bool = False) -> MerchantApplicationRow:
    if actor.kind is not ActorKind.CASHIER or actor.id is None:
        raise NoSuchThing
    return found(
        store.application(session, MerchantApplicationRow.applicant_id == actor.id, lock=lock)
    )


def _editable(session: Session, actor: Actor) -> MerchantApplicationRow:
    row = _mine(session, actor, lock=True)
    if row.status not in EDITABLE:
        event = MerchantApplicationEvent.SUBMITTED
        raise IllegalTransition(state=str(row.status), event=str(event))
    return row


def _save(
    core: Core,
    session: Session,
    row: MerchantApplicationRow,
    content: Mapping[str, Any],
    person: Mapping[str, str],
) -> None:
    row.content = {**row.content, **content}
    if person:
        known = store.person(core.keyring, row)
        row.person_cipher = store.encrypt_person(core.keyring, row.id, {**known, **person})
    session.flush()


def _check_holder(core: Core, row: MerchantApplicationRow, kind: AccountKind, name: str) -> None:
    business = row.content.get("business")
    if business is None:
        raise MerchantApplicationIncomplete(extra={"steps": ["business"]})
    accounts.check_holder(
        kind,
        name,
        licence_name=business["name"],
        uscc=business["uscc"],
        operator=store.person(core.keyring, row).get(LEGAL_PERSON, ""),
    )


def _record(session: Session, actor: Actor, action: str, id: UUID, now: datetime) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type=MERCHANT_APPLICATION.name,
        object_id=str(id),
        now=now,
    )
