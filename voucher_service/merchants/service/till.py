"""The till: who scans, where, and which shops take a voucher."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.identity import documents, passwords
from voucher_service.identity.model import SignInRefused, UsernameInvalid
from voucher_service.identity.service import throttle
from voucher_service.infra import areas, sessions
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import Actor, ActorKind, Evidence
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import CashierId, MerchantId, ShopId
from voucher_service.kernel.page import Page, encode_cursor

from .. import place, stand_store, store
from ..model import (
    SANDBOX_USCC,
    Cashier,
    CashierStatus,
    MerchantStatus,
    Shop,
    ShopStatus,
    Till,
    Trade,
)
from ..stands import AtTill
from ..tables import CashierRow
from .access import after_name
from .views import cashier_view, found, shop_view

FACE = "merchant"
_MAY_SIGN_IN = (CashierStatus.APPLYING, CashierStatus.ACTIVE)


def cashier_sign_in(core: Core, *, username: str, password: str) -> Cashier:
    """The cashier or manager these belong to, also of a suspended merchant; or who applies.

    Raises SignInRefused, which doesn't say what was wrong, and TooManyRequests after
    `sign_in.failures_per_quarter_hour` failures, even for the right password.
    """
    try:
        name = documents.username(username)
    except UsernameInvalid:
        passwords.match(None, password)
        raise SignInRefused from None
    login = throttle.login_of(core, FACE, name)
    with core.transaction() as session:
        now = core.now(session)
        limit = core.settings.sign_in.failures_per_quarter_hour
        throttle.refuse_when_closed(session, login=login, now=now, limit=limit)
        row = store.cashier_by_username(session, name)
        right = passwords.match(row.password_hash if row else None, password)
        signed_in = right and row is not None and _usable(core, row)
        if row is not None:
            audit.record(
                session,
                actor=Actor(ActorKind.CASHIER, row.id),
                action="cashier.signed_in" if signed_in else "cashier.sign_in_refused",
                object_type="cashier",
                object_id=str(row.id),
                now=now,
            )
        if row is not None and signed_in:
            throttle.forget_failures(session, login=login)
            return cashier_view(row)
        throttle.count_failure(session, login=login, now=now)
    raise SignInRefused


def cashier_actor(core: Core, subject: UUID) -> Actor | None:
    """A cashier as an actor, without a session: for tools that hold no token.

    None when the account is closed or not for here. The actor's area is the shop's.
    """
    with core.transaction() as session:
        row = store.acting(session, subject)
        if row is None or (row.demo and core.settings.production):
            return None
        return Actor(ActorKind.CASHIER, row.id, frozenset({row.role}), row.area)


def cashier_at_till(core: Core, *, subject: UUID, session: UUID) -> AtTill | None:
    """Who a request of the merchant face acts as, in the session its token names; in one query.

    The evidence names the enrolled device and the point. None when the session was ended, or the
    account is closed or not for here.
    """
    with core.transaction() as books:
        row = store.acting_in_session(books, subject, session, FACE)
        return None if row is None else _at_till(core, books, row)


def cashiers_at_tills(
    books: Session, *, sessions: Collection[UUID]
) -> dict[tuple[UUID, UUID], AtTill]:
    """The same of several sessions at once, by account and session; without those that are None."""
    core = core_of(books)
    found = (
        (row.id, row.session_id, _at_till(core, books, row))
        for row in store.acting_in_sessions(books, sessions, FACE)
    )
    return {(cashier, session): one for cashier, session, one in found if one is not None}


def till(session: Session, *, cashier: CashierId) -> Till:
    """Where an active cashier scans. Raises NoSuchThing."""
    return _till(found(store.till(session, cashier)))


def tills(session: Session, *, cashiers: Collection[CashierId]) -> dict[CashierId, Till]:
    """Where several scan; without those who are not active."""
    return {CashierId(row.cashier_id): _till(row) for row in store.tills(session, cashiers)}


def shops_accepting(
    session: Session,
    *,
    within: Collection[str] = (),
    trades: Collection[Trade] = (),
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Shop]:
    """Shops that take vouchers of a scope, by name; an empty scope is every area, every trade.

    Raises CursorInvalid.
    """
    rows = store.open_shops(
        session,
        stems=[areas.stem(area) for area in within],
        trades=trades,
        after=after_name(cursor),
        most=limit + 1,
    )
    shown = rows[:limit]
    more = encode_cursor(shown[-1].name, shown[-1].id) if len(rows) > limit else None
    return Page([shop_view(row) for row in shown], more)


def _at_till(core: Core, books: Session, row: Any) -> AtTill | None:
    if row.demo and core.settings.production:
        return None
    now = core.clock.at or row.now
    if now - row.seen_at > sessions.SEEN_EVERY:
        sessions.touch(books, id=row.session_id, now=now)
        if row.device_id is not None:
            stand_store.touch_device(books, id=row.device_id, now=now)
    at_point = place.in_season(row.opens_on, row.closes_on, day_of(now))
    known = Evidence(
        device_id=str(row.device_id) if row.device_id else None,
        point_id=row.point_id if at_point else None,
    )
    acting = Actor(ActorKind.CASHIER, row.id, frozenset({row.role}), row.area, known)
    return AtTill(acting, row.session_id, row.device_id is not None or not row.devices_only)


def _till(row: Any) -> Till:
    return Till(
        cashier_id=CashierId(row.cashier_id),
        shop_id=ShopId(row.shop_id),
        shop_name=row.shop_name,
        merchant_id=MerchantId(row.merchant_id),
        merchant_name=row.merchant_name,
        area=row.area,
        trade=row.trade,
        size_class=row.size_class,
        merchant_active=row.merchant_status is MerchantStatus.ACTIVE,
        shop_active=row.shop_status is ShopStatus.ACTIVE,
        identity_hashes=frozenset(bytes(digest) for digest in row.identity_hashes),
        opening_hours=place.from_json(row.opening_hours),
        position=place.position(row.latitude, row.longitude),
        sandbox=row.uscc == SANDBOX_USCC,
    )


def _usable(core: Core, row: CashierRow) -> bool:
    return row.status in _MAY_SIGN_IN and not (row.demo and core.settings.production)
