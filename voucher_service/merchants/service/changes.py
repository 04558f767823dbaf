"""Merchants are suspended and reinstated, with their payments; shops and cashiers are closed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import sessions
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.ids import CashierId, MerchantId, ShopId

from .. import store
from ..messages import Message
from ..model import (
    CASHIER,
    CASHIER_OWNER,
    MERCHANT,
    MERCHANT_OWNER,
    SHOP,
    SHOP_OWNER,
    Cashier,
    CashierEvent,
    CashierStatus,
    Merchant,
    MerchantEvent,
    Shop,
    ShopEvent,
)
from ..tables import CashierRow, MerchantRow, ShopRow
from . import holding
from .access import require_for_cashiers, require_staff
from .telling import tell_merchant
from .views import cashier_view, found, merchant_view, shop_view


def suspend_merchant(core: Core, *, actor: Actor, merchant: MerchantId, reason: str) -> Merchant:
    """Keep a merchant's shops from taking vouchers. Raises NotAllowed, IllegalTransition."""
    return _move_merchant(core, actor, merchant, MerchantEvent.SUSPEND, reason)


def reinstate_merchant(core: Core, *, actor: Actor, merchant: MerchantId, reason: str) -> Merchant:
    """Let a suspended merchant take vouchers again. Raises NotAllowed, IllegalTransition."""
    return _move_merchant(core, actor, merchant, MerchantEvent.REINSTATE, reason)


def close_shop(core: Core, *, actor: Actor, shop: ShopId, reason: str) -> Shop:
    """Close a shop for good. Raises NotAllowed, IllegalTransition, NoSuchThing."""
    with core.transaction() as session:
        row = found(store.shop(session, shop))
        SHOP.next(row.status, ShopEvent.CLOSE)
        require_staff(actor, SHOP_OWNER[row.status], area=row.area)
        audit.transition(
            session,
            ShopRow,
            id=row.id,
            current=row.status,
            lifecycle=SHOP,
            event=ShopEvent.CLOSE,
            actor=actor,
            now=core.now(session),
            detail={"reason": reason},
        )
        session.refresh(row)
        return shop_view(row)


def close_cashier(core: Core, *, actor: Actor, cashier: CashierId) -> Cashier:
    """Close a cashier's account for good; its sessions end.

    Raises NotAllowed (for one's own account too), IllegalTransition, NoSuchThing.
    """
    if cashier == actor.id:
        raise NotAllowed
    with core.transaction() as session:
        row = found(store.cashier(session, cashier))
        shop = found(store.shop(session, row.shop_id))
        require_for_cashiers(session, actor, CASHIER_OWNER[CashierStatus.ACTIVE], shop=shop)
        CASHIER.next(row.status, CashierEvent.CLOSE)
        now = core.now(session)
        audit.transition(
            session,
            CashierRow,
            id=row.id,
            current=row.status,
            lifecycle=CASHIER,
            event=CashierEvent.CLOSE,
            actor=actor,
            now=now,
        )
        sessions.end_all(session, subject=row.id, now=now)
        session.refresh(row)
        return cashier_view(row)


def suspend(
    session: Session, *, merchant: MerchantId, reason: str, actor: Actor, now: datetime
) -> None:
    """As `suspend_merchant`, within a transaction; who may is the caller's to say."""
    _move(session, merchant, MerchantEvent.SUSPEND, reason, actor, now)


def reinstate(
    session: Session, *, merchant: MerchantId, reason: str, actor: Actor, now: datetime
) -> None:
    """As `reinstate_merchant`, within a transaction; who may is the caller's to say."""
    _move(session, merchant, MerchantEvent.REINSTATE, reason, actor, now)


def _move_merchant(
    core: Core, actor: Actor, merchant: MerchantId, event: MerchantEvent, reason: str
) -> Merchant:
    with core.transaction() as session:
        row = found(store.merchant(session, merchant))
        require_staff(actor, MERCHANT_OWNER[row.status])
        _move(session, merchant, event, reason, actor, core.now(session))
        session.refresh(row)
        return merchant_view(row)


def _move(
    session: Session,
    merchant: MerchantId,
    event: MerchantEvent,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    row = found(store.merchant(session, merchant))
    audit.transition(
        session,
        MerchantRow,
        id=row.id,
        current=row.status,
        lifecycle=MERCHANT,
        event=event,
        actor=actor,
        now=now,
        detail={"reason": reason},
    )
    suspended = event is MerchantEvent.SUSPEND
    if suspended:
        holding.place(
            session, merchant=merchant, reason=reason, suspension=True, actor=actor, now=now
        )
    else:
        holding.end_suspension(session, merchant=merchant, actor=actor, now=now)
    message = Message.SUSPENDED if suspended else Message.REINSTATED
    tell_merchant(session, merchant=merchant, message=message, facts={"name": row.name})
