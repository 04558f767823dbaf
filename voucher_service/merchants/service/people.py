"""The people of a merchant: who they are, their passwords, and at which shop they work."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.identity import passwords
from voucher_service.identity.model import PasswordUnchanged
from voucher_service.identity.service import throttle
from voucher_service.infra import sessions
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CashierId, ShopId
from voucher_service.kernel.page import Page, encode_cursor

from .. import stand_store, store
from ..model import CashierStatus
from ..stands import Person
from ..tables import CashierRow
from .access import after_name, managed_shop, manager
from .till import FACE
from .views import cashier_view, found


def people(
    core: Core,
    *,
    actor: Actor,
    shop: ShopId | None = None,
    status: CashierStatus = CashierStatus.ACTIVE,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Person]:
    """Cashiers and managers of the manager's merchant, or of one of its shops, by username.

    Machines and invented cashiers, who can't sign in, are no people. Raises NotAllowed,
    NoSuchThing, CursorInvalid.
    """
    after = after_name(cursor)
    with core.transaction() as session:
        own = manager(session, actor)
        if shop is not None:
            managed_shop(session, actor, shop)
        rows = stand_store.people(
            session, own, shop=shop, status=status, after=after, most=limit + 1
        )
        items = [_person(row, name) for row, name in rows[:limit]]
    last = items[-1].cashier if len(rows) > limit else None
    return Page(items, encode_cursor(last.username, last.id) if last else None)


def person(core: Core, *, actor: Actor, cashier: CashierId) -> Person:
    """One of the merchant's people. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        row = found(store.cashier(session, cashier))
        return _person(row, managed_shop(session, actor, ShopId(row.shop_id)).name)


def reset_password(core: Core, *, actor: Actor, cashier: CashierId, password: str) -> None:
    """Another password for one of the merchant's people; their sessions end.

    Raises NotAllowed (for oneself too, who is asked for the old one), NoSuchThing,
    PasswordTooShort.
    """
    hashed = passwords.hashed(password, demo=False)
    with core.transaction() as session:
        row, now = _other(session, actor, cashier), core.now(session)
        row.password_hash = hashed
        session.flush()
        sessions.end_all(session, subject=row.id, now=now)
        _record(session, actor, "cashier.password_reset", row, now)


def change_password(core: Core, *, actor: Actor, old: str, new: str, session: UUID) -> None:
    """Another password for the person who acts; their other sessions end.

    Raises PasswordUnchanged when `old` is wrong or `new` is the same, PasswordTooShort,
    TooManyRequests, and NotAllowed for a demonstration, whose password the start page prints.
    """
    hashed = passwords.hashed(new, demo=False)
    if actor.kind is not ActorKind.CASHIER or actor.id is None:
        raise NotAllowed
    with core.transaction() as books:
        row, now = found(store.cashier(books, CashierId(actor.id))), core.now(books)
        if row.demo:
            raise NotAllowed
        login = throttle.login_of(core, FACE, row.username)
        limit = core.settings.sign_in.failures_per_quarter_hour
        throttle.refuse_when_closed(books, login=login, now=now, limit=limit)
        if passwords.match(row.password_hash, old) and old != new:
            row.password_hash = hashed
            books.flush()
            throttle.forget_failures(books, login=login)
            sessions.end_all(books, subject=row.id, now=now, but=session)
            _record(books, actor, "cashier.password_changed", row, now)
            return
        throttle.count_failure(books, login=login, now=now)
    raise PasswordUnchanged


def move_cashier(core: Core, *, actor: Actor, cashier: CashierId, shop: ShopId) -> Person:
    """Let one of the merchant's people work at another of its shops from now on.

    Raises NotAllowed, NoSuchThing.
    """
    with core.transaction() as session:
        row, now = _managed(session, actor, cashier), core.now(session)
        to = managed_shop(session, actor, shop)
        if row.shop_id != to.id:
            detail = {"from": str(row.shop_id), "to": str(to.id)}
            row.shop_id = to.id
            session.flush()
            _record(session, actor, "cashier.moved", row, now, **detail)
        return _person(row, to.name)


def _managed(session: Session, actor: Actor, cashier: CashierId) -> CashierRow:
    """A person's open account, of the manager's merchant; a machine's is none.

    Raises NotAllowed, NoSuchThing.
    """
    row = found(store.cashier(session, cashier))
    managed_shop(session, actor, ShopId(row.shop_id))
    if row.status is not CashierStatus.ACTIVE or row.password_hash is None:
        raise NoSuchThing
    return row


def _other(session: Session, actor: Actor, cashier: CashierId) -> CashierRow:
    if cashier == actor.id:
        raise NotAllowed
    return _managed(session, actor, cashier)


def _record(
    session: Session, actor: Actor, action: str, row: CashierRow, now: datetime, **detail: Any
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="cashier",
        object_id=str(row.id),
        now=now,
        detail=detail,
    )


def _person(row: CashierRow, shop: str) -> Person:
    return Person(cashier_view(row), shop, identified=row.identity_document is not None)
