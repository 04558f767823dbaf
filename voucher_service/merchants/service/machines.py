"""Tills of merchants' own systems: cashiers who are machines, without a password."""

from __future__ import annotations

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import core_of
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.ids import CashierId, ShopId, new_id

from .. import model, store
from ..model import CASHIER, Cashier
from ..tables import CashierRow
from .views import cashier_view

PREFIX = "pos-"
"""How the usernames of machines begin; nobody can sign in as one."""


def create_machine(session: Session, *, actor: Actor, shop: ShopId, name: str) -> Cashier:
    """Enter a till of a shop's own system; who may is the caller's to say.

    Raises BusinessNameInvalid.
    """
    id = new_id()
    row = CashierRow(
        id=id,
        shop_id=shop,
        username=f"{PREFIX}{id.hex[-20:]}",
        display_name=model.business_name(name),
        role=Role.CASHIER,
        status=CASHIER.initial,
        occurred_at=core_of(session).now(session),
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor=actor,
        action="cashier.created",
        object_type="cashier",
        object_id=str(id),
        now=row.occurred_at,
        detail={"machine": True},
    )
    return cashier_view(row)


def acting(session: Session, *, cashier: CashierId) -> Actor | None:
    """An active cashier as an actor, without a session; None when the account is closed."""
    row = store.acting(session, cashier)
    if row is None or (row.demo and core_of(session).settings.production):
        return None
    return Actor(ActorKind.CASHIER, row.id, frozenset({row.role}), row.area)
