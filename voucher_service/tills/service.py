"""Tills get keys and lose them, and a signed request is known by its key."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import signatures
from voucher_service.infra.core import Core
from voucher_service.infra.signatures import KeyUnknown, Message, SignatureReplayed
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CashierId, ShopId, new_id
from voucher_service.merchants import service as merchants

from . import public_keys, store
from .model import TAG, OwnTill, PublicKeyTaken, TillKey, TillKeyId, TillKeyLimit, by_till
from .tables import TillKeyRow

_TOUCH_EVERY = timedelta(minutes=1)


def register(core: Core, *, actor: Actor, name: str, public_key: str) -> TillKey:
    """Enter a till of the manager's shop with its first key.

    Raises NotAllowed, BusinessNameInvalid, PublicKeyInvalid, PrivateKeySent, PublicKeyTaken.
    """
    raw = public_keys.read(public_key)
    with core.transaction() as session:
        shop = _shop(session, actor)
        machine = merchants.create_machine(session, actor=actor, shop=shop, name=name)
        row = TillKeyRow(cashier_id=machine.id, name=machine.display_name, public_key=raw)
        return _add(core, session, actor, row, shop)


def add_key(core: Core, *, actor: Actor, till: CashierId, public_key: str) -> TillKey:
    """Give a till the key that follows its present one.

    Raises NotAllowed, NoSuchThing, PublicKeyInvalid, PrivateKeySent, PublicKeyTaken, TillKeyLimit.
    """
    raw = public_keys.read(public_key)
    with core.transaction() as session:
        shop = _shop(session, actor)
        known = store.of_till(session, till)
        if not known or known[0].shop_id != shop:
            raise NoSuchThing
        most = core.settings.pos.keys_per_till
        if sum(row.revoked_at is None for row in known) >= most:
            raise TillKeyLimit(most=most)
        row = TillKeyRow(cashier_id=till, name=known[0].name, public_key=raw)
        return _add(core, session, actor, row, shop)


def revoke(core: Core, *, actor: Actor, key: TillKeyId) -> TillKey:
    """Let a key count no longer, from the next request on. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        shop, row = _shop(session, actor), store.one(session, key)
        if row is None or row.shop_id != shop:
            raise NoSuchThing
        if row.revoked_at is None:
            row.revoked_at = core.now(session)
            session.flush()
            _record(session, actor, "till_key.revoked", row)
        return store.view(row)


def tills(core: Core, *, actor: Actor) -> list[OwnTill]:
    """The tills of the manager's shop, by name. Raises NotAllowed."""
    with core.transaction() as session:
        return by_till(store.keys(session, shop=_shop(session, actor)))


def caller(core: Core, *, message: Message) -> Actor:
    """Who signed a request: a till, as a cashier. Takes the nonce, in one transaction.

    Raises SignatureMissing, SignatureInvalid, SignatureExpired, SignatureReplayed, DigestMismatch,
    KeyUnknown.
    """
    rules = core.settings.pos
    found: list[TillKeyRow] = []
    with core.transaction() as session:

        def find(key_id: str) -> bytes | None:
            id = _uuid(key_id)
            row = store.active(session, id) if id is not None else None
            found.extend([row] if row else [])
            return row.public_key if row else None

        now = core.now(session)
        within = timedelta(seconds=rules.clock_seconds)
        signed = signatures.verify(message, tag=TAG, find=find, now=now, within=within)
        key = found[0]
        actor = merchants.acting(session, cashier=CashierId(key.cashier_id))
        if actor is None:
            raise KeyUnknown
        free_before = now - timedelta(minutes=rules.nonce_minutes)
        if not store.take_nonce(
            session, key=key.id, nonce=signed.nonce, now=now, free_before=free_before
        ):
            raise SignatureReplayed
        if key.last_used_at is None or key.last_used_at < now - _TOUCH_EVERY:
            store.touch(session, key.id, now=now, unless_since=now - _TOUCH_EVERY)
        return actor


def forget(core: Core) -> int:
    """Delete one batch of nonces that may be used again; how many. Call until it answers 0."""
    with core.transaction() as session:
        kept = timedelta(minutes=core.settings.pos.nonce_minutes)
        return store.forget_nonces(session, before=core.now(session) - kept)


def _shop(session: Session, actor: Actor) -> ShopId:
    if actor.id is None or not actor.has(Role.MANAGER):
        raise NotAllowed
    return merchants.till(session, cashier=CashierId(actor.id)).shop_id


def _add(core: Core, session: Session, actor: Actor, row: TillKeyRow, shop: ShopId) -> TillKey:
    row.id, row.shop_id, row.added_by = new_id(), shop, actor.id
    row.occurred_at = core.now(session)
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise PublicKeyTaken from error
    _record(session, actor, "till_key.added", row)
    return store.view(row)


def _record(session: Session, actor: Actor, action: str, row: TillKeyRow) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="till_key",
        object_id=str(row.id),
        now=row.revoked_at or row.occurred_at,
        detail={"till": str(row.cashier_id), "key": public_keys.fingerprint(row.public_key)},
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
