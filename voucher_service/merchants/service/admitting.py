"""A merchant is admitted: what was signed becomes a merchant, shops, a manager, an account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.audit import service as audit
from voucher_service.infra.core import core_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import CashierId, MerchantId, ShopId, new_id

from .. import onboarding_store as store
from ..accounts import AccountKind
from ..messages import Message
from ..model import CASHIER, MERCHANT, SHOP, CashierEvent, CashierStatus, SizeClass, UsccTaken
from ..onboarding import (
    MerchantApplicationEvent,
    MerchantApplicationStatus,
)
from ..onboarding_tables import MerchantApplicationRow
from ..tables import CashierRow, MerchantRow, ShopRow
from .banking import enter_account
from .dossier import HOLDER, NUMBER, shop_as_json, shops
from .reviewing import ADMIT, frozen, move
from .telling import tell
from .views import found


def _admit(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = _proposed(session, payload)
    if row.status is not MerchantApplicationStatus.PRECHECKED or frozen(session, row) != payload:
        raise ChangedSinceProposed
    person = store.person(core_of(session).keyring, row)
    merchant = _enter_merchant(session, row.content["business"], actor, now)
    places = _enter_shops(session, merchant, row, actor, now)
    _open_desk(session, row, places[0], actor, now)
    account = row.content["account"]
    enter_account(
        session,
        merchant=merchant,
        kind=AccountKind(account["kind"]),
        holder={"name": person[HOLDER], "number": person[NUMBER]},
        bank=account["bank"],
        cnaps=account["cnaps"],
        requested_by=CashierId(row.applicant_id),
        now=now,
    )
    admitted = {"merchant_id": merchant, "decided_at": now}
    move(session, row, MerchantApplicationEvent.ADMITTED, actor, now, admitted)
    name = row.content["business"]["name"]
    tell(session, application=row.id, message=Message.ADMITTED, facts={"name": name})


def _return(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """Sent back: the reviewer decides what becomes of it."""
    row = _proposed(session, payload)
    move(session, row, MerchantApplicationEvent.RETURNED, actor, now, {})


def _proposed(session: Session, payload: Mapping[str, Any]) -> MerchantApplicationRow:
    named = MerchantApplicationRow.id == UUID(payload["application"])
    return found(store.application(session, named, lock=True))


def _enter_merchant(
    session: Session, business: Mapping[str, str], actor: Actor, now: datetime
) -> MerchantId:
    row = MerchantRow(
        id=new_id(),
        name=business["name"],
        uscc=business["uscc"],
        size_class=SizeClass(business["size_class"]),
        status=MERCHANT.initial,
        occurred_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise UsccTaken from error
    _record(session, actor, "merchant.created", MERCHANT.name, row.id, now)
    return MerchantId(row.id)


def _enter_shops(
    session: Session,
    merchant: MerchantId,
    application: MerchantApplicationRow,
    actor: Actor,
    now: datetime,
) -> list[ShopId]:
    places = []
    for shop in shops(application.content):
        told = shop_as_json(shop)
        row = ShopRow(
            id=new_id(),
            merchant_id=merchant,
            name=shop.name,
            area=shop.area,
            trade=shop.trade,
            address=shop.address,
            opening_hours=told["hours"],
            latitude=told["latitude"],
            longitude=told["longitude"],
            status=SHOP.initial,
            occurred_at=now,
        )
        session.add(row)
        session.flush()
        _record(session, actor, "shop.created", SHOP.name, row.id, now)
        places.append(ShopId(row.id))
    return places


def _open_desk(
    session: Session,
    application: MerchantApplicationRow,
    shop: ShopId,
    actor: Actor,
    now: datetime,
) -> None:
    """The applicant becomes the manager, in the same account and the same session."""
    audit.transition(
        session,
        CashierRow,
        id=application.applicant_id,
        current=CashierStatus.APPLYING,
        lifecycle=CASHIER,
        event=CashierEvent.ADMIT,
        actor=actor,
        now=now,
        set_={"shop_id": shop, "display_name": "店长"},
    )


def _record(
    session: Session, actor: Actor, action: str, kind: str, id: UUID, now: datetime
) -> None:
    audit.record(session, actor=actor, action=action, object_type=kind, object_id=str(id), now=now)


approvals.register(ADMIT, execute=_admit, refuse=_return)
