"""A shop's manager says where its own system wants to be told, and looks what became of it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import outgoing
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CashierId, ShopId, new_id
from voucher_service.kernel.page import Page, cut, decode_moment
from voucher_service.merchants import service as merchants

from .. import store
from ..model import MOST_ENDPOINTS, Endpoint, EndpointId, EndpointLimit, Message, MessageId
from ..tables import EndpointRow


def add(core: Core, *, actor: Actor, url: str) -> Endpoint:
    """Tell an address what happens to the orders of the manager's shop, from now on.

    Raises NotAllowed, AddressRefused, EndpointLimit.
    """
    outgoing.target(url, loopback=core.settings.pos.webhook_loopback == "allowed")
    with core.transaction() as session:
        shop = _shop(session, actor)
        store.lock_shop(session, shop)
        known = store.endpoints(session, shops=[shop])
        for row in known:
            if row.url == url:
                return store.endpoint_view(row)
        if len(known) >= MOST_ENDPOINTS:
            raise EndpointLimit(most=MOST_ENDPOINTS)
        row = EndpointRow(id=new_id(), shop_id=shop, url=url, added_by=actor.id)
        row.occurred_at = core.now(session)
        session.add(row)
        session.flush()
        _record(core, session, actor, "webhook.added", row)
        return store.endpoint_view(row)


def remove(core: Core, *, actor: Actor, endpoint: EndpointId) -> None:
    """Tell an address nothing more. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        row = _own(session, actor, endpoint)
        row.removed_at = core.now(session)
        _record(core, session, actor, "webhook.removed", row)


def switch_on(core: Core, *, actor: Actor, endpoint: EndpointId) -> Endpoint:
    """Try an address again that was switched off. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        row = _own(session, actor, endpoint)
        row.disabled_at = row.failing_since = None
        _record(core, session, actor, "webhook.switched_on", row)
        return store.endpoint_view(row)


def endpoints(core: Core, *, actor: Actor) -> list[Endpoint]:
    """Where the manager's shop is told of its orders. Raises NotAllowed."""
    with core.transaction() as session:
        rows = store.endpoints(session, shops=[_shop(session, actor)])
        return [store.endpoint_view(row) for row in rows]


def messages(
    core: Core, *, actor: Actor, endpoint: EndpointId, cursor: str | None, limit: int
) -> tuple[Endpoint, Page[Message]]:
    """An endpoint and what it was told, newest first. Raises NotAllowed, NoSuchThing."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        row = _own(session, actor, endpoint)
        found = store.messages(session, endpoint, after=after, most=limit + 1)
        told = store.endpoint_view(row)
    return told, cut(found, limit, lambda one: (one.occurred_at, one.id))


def replay(core: Core, *, actor: Actor, message: MessageId) -> EndpointId:
    """Send a message once more, the same bytes; to which endpoint.

    Raises NotAllowed, NoSuchThing.
    """
    with core.transaction() as session:
        row = store.message(session, message)
        if row is None:
            _shop(session, actor)
            raise NoSuchThing
        endpoint = _own(session, actor, EndpointId(row.endpoint_id))
        row.delivered_at = row.given_up_at = row.last_error = None
        row.attempts, row.wanted_at = 0, core.now(session)
        row.due_at = row.wanted_at
        _record(core, session, actor, "webhook.replayed", endpoint, message=str(message))
        return EndpointId(row.endpoint_id)


def _own(session: Session, actor: Actor, endpoint: UUID) -> EndpointRow:
    shop, row = _shop(session, actor), store.endpoint(session, endpoint)
    if row is None or row.shop_id != shop:
        raise NoSuchThing
    return row


def _shop(session: Session, actor: Actor) -> ShopId:
    if actor.id is None or not actor.has(Role.MANAGER):
        raise NotAllowed
    return merchants.till(session, cashier=CashierId(actor.id)).shop_id


def _record(
    core: Core, session: Session, actor: Actor, action: str, row: EndpointRow, **detail: str
) -> None:
    session.flush()
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="webhook",
        object_id=str(row.id),
        now=core.now(session),
        detail={"url": row.url} | detail,
    )
