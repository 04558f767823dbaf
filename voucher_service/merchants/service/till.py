"""The till: who scans, where, and which shops take a voucher."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.identity import documents, passwords
from voucher_service.identity.model import SignInRefused, UsernameInvalid
from voucher_service.identity.service import throttle
from voucher_service.infra import areas, sessions
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.ids import CashierId, MerchantId, ShopId
from voucher_service.kernel.page import CursorInvalid, Page, decode_cursor, encode_cursor

from .. import store
from ..model import Cashier, CashierStatus, MerchantStatus, Shop, ShopStatus, Till, Trade
from ..tables import CashierRow
from .views import cashier_view, found, shop_view

FACE = "merchant"


def cashier_sign_in(core: Core, *, username: str, password: str) -> Cashier:
    """The cashier or manager these belong to, also of a suspended merchant.

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


def cashier_at_till(core: Core, *, subject: UUID, session: UUID) -> Actor | None:
    """Who a request of the merchant face acts as, in the session its token names; in one query.

    None when the session was ended, or the account is closed or not for here.
    """
    with core.transaction() as books:
        row = store.acting_in_session(books, subject, session, FACE)
        if row is None or (row.demo and core.settings.production):
            return None
        now = core.clock.at or row.now
        if now - row.seen_at > sessions.SEEN_EVERY:
            sessions.touch(books, id=session, now=now)
        return Actor(ActorKind.CASHIER, row.id, frozenset({row.role}), row.area)


def till(session: Session, *, cashier: CashierId) -> Till:
    """Where an active cashier scans. Raises NoSuchThing."""
    row = found(store.till(session, cashier))
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
    )


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
    after = None
    if cursor is not None:
        name, shop = decode_cursor(cursor, 2)
        after = (str(name), _uuid(shop))
    rows = store.open_shops(
        session,
        stems=[areas.stem(area) for area in within],
        trades=trades,
        after=after,
        most=limit + 1,
    )
    shown = rows[:limit]
    more = encode_cursor(shown[-1].name, shown[-1].id) if len(rows) > limit else None
    return Page([shop_view(row) for row in shown], more)


def _usable(core: Core, row: CashierRow) -> bool:
    return row.status is CashierStatus.ACTIVE and not (row.demo and core.settings.production)


def _uuid(text: object) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise CursorInvalid from None
