"""Messages go out, signed, and are sent again until they are taken or too old."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import outbox, outgoing, signatures
from voucher_service.infra.core import Core, core_of
from voucher_service.infra.outgoing import AddressRefused, NotTakenError
from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.actor import SYSTEM
from voucher_service.tills.public_keys import jwk

from .. import store
from ..model import KEPT, TAG, EndpointId, Message, MessageId, headers_of, wait
from ..tables import EndpointRow


def published_keys(keyring: Keyring) -> dict[str, Any]:
    """The public halves of the keys that sign messages, as a JWK set (RFC 7517, RFC 8037)."""
    keys = keyring.webhook_keys().items()
    return {"keys": [jwk(key.public_key().public_bytes_raw(), key_id=_name(n)) for n, key in keys]}


def due(session: Session) -> list[EndpointId]:
    """Endpoints whose messages wait and whose job has done its part."""
    waiting = store.due(session, core_of(session).now(session))
    return [one for one in waiting if outbox.served(session, key=_key(one))]


def want(session: Session, *, endpoint: EndpointId) -> str:
    """Want the job that sends to an endpoint; its key."""
    outbox.add(session, kind="send_webhooks", key=_key(endpoint), args={"endpoint": str(endpoint)})
    return _key(endpoint)


def send(core: Core, *, endpoint: EndpointId, seconds: float) -> int:
    """Send what is due to an endpoint, oldest first, for a while; how many were taken.

    The first that isn't taken ends it: all others wait as long. A process that dies between sending
    and noting sends one message twice: its `id` tells.
    """
    until, taken = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        found = _next(core, endpoint)
        if found is None:
            break
        url, message, now = found
        try:
            _post(core, url, message, now)
        except NotTakenError as error:
            _put_off(core, endpoint, message.id, str(error))
            break
        except AddressRefused as error:
            _put_off(core, endpoint, message.id, f"refused: {error.extra['reason']}")
            break
        _note(core, endpoint, message.id)
        taken += 1
    return taken


def forget(core: Core) -> int:
    """Delete one batch of old messages; how many. Call until it answers 0."""
    with core.transaction() as session:
        return store.forget(session, before=core.now(session) - KEPT)


def _next(core: Core, endpoint: EndpointId) -> tuple[str, Message, datetime] | None:
    """Where to send which message, and the instant; None when nothing is due."""
    with core.transaction() as session:
        place, now = store.endpoint(session, endpoint), core.now(session)
        if place is None or place.disabled_at is not None:
            return None
        row = store.first_due(session, endpoint, now)
        return (place.url, store.message_view(row), now) if row else None


def _post(core: Core, url: str, message: Message, now: datetime) -> None:
    number, key = next(iter(core.keyring.webhook_keys().items()))
    body = message.body.encode()
    plain = signatures.Message("POST", url, headers_of(message), body)
    headers = signatures.sign(plain, tag=TAG, key=key, key_id=_name(number), now=now)
    loopback = core.settings.pos.webhook_loopback == "allowed"
    outgoing.post(url, body, headers, loopback=loopback)


def _note(core: Core, endpoint: EndpointId, message: MessageId) -> None:
    with core.transaction() as session:
        place, row = store.endpoint(session, endpoint), store.message(session, message)
        if row is not None:
            row.attempts, row.last_error = row.attempts + 1, None
            row.delivered_at = core.now(session)
        if place is not None:
            place.failing_since = None
        session.flush()


def _put_off(core: Core, endpoint: EndpointId, message: MessageId, error: str) -> None:
    rules = core.settings.pos
    with core.transaction() as session:
        place, row = store.endpoint(session, endpoint), store.message(session, message)
        if place is None or row is None:
            return
        now = core.now(session)
        row.attempts, row.last_error = row.attempts + 1, error
        place.failing_since = place.failing_since or now
        session.flush()
        failing = now - place.failing_since
        too_old = now - timedelta(hours=rules.webhook_hours)
        store.give_up(session, endpoint, wanted_before=too_old, now=now)
        store.put_off(session, endpoint, until=now + wait(failing))
        if failing > timedelta(days=rules.webhook_days):
            _switch_off(core, session, place)


def _switch_off(core: Core, session: Session, place: EndpointRow) -> None:
    place.disabled_at = core.now(session)
    session.flush()
    audit.record(
        session,
        actor=SYSTEM,
        action="webhook.switched_off",
        object_type="webhook",
        object_id=str(place.id),
        now=place.disabled_at,
        detail={"url": place.url},
    )


def _key(endpoint: EndpointId) -> str:
    return f"webhooks:{endpoint}"


def _name(number: int) -> str:
    return f"webhook-{number}"
