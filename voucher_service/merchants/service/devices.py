"""Devices that a manager enrols: the code, the enrolment, the proof, and the end."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.identity.service import throttle
from voucher_service.infra import sessions
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CashierId, DeviceId, MerchantId, ShopId, new_id
from voucher_service.kernel.page import Page, decode_moment, encode_cursor

from .. import model, stand_store, store
from ..model import Cashier, CashierStatus
from ..stands import (
    CODE_DIGITS,
    CODE_LIVES,
    Device,
    DeviceNotEnrolled,
    Enrolled,
    EnrolmentCode,
    EnrolmentCodeInvalid,
    NoDeviceEnrolled,
)
from ..tables import DeviceRow, EnrolmentCodeRow, ShopRow
from .access import managed_shop, manager
from .views import found

_KEPT = timedelta(days=1)


def make_enrolment_code(core: Core, *, actor: Actor, shop: ShopId) -> EnrolmentCode:
    """A code that enrols one device of a shop within ten minutes; told this once.

    Raises NotAllowed, NoSuchThing.
    """
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    with core.transaction() as session:
        row, now = managed_shop(session, actor, shop), core.now(session)
        stand_store.forget_codes(session, now - _KEPT)
        session.add(
            EnrolmentCodeRow(
                code_hash=core.keyring.lookup("enrolment", code).digest,
                shop_id=row.id,
                made_by=actor.id,
                expires_at=now + CODE_LIVES,
            )
        )
        session.flush()
        _record(session, actor, "device.code_made", "shop", row.id, now)
    return EnrolmentCode(code, now + CODE_LIVES)


def enrol(core: Core, *, code: str, name: str, agent: str, address_prefix: str | None) -> Enrolled:
    """Enrol the device on which somebody typed or scanned a code.

    Raises BusinessNameInvalid, EnrolmentCodeInvalid, and TooManyRequests after
    `sign_in.failures_per_quarter_hour` wrong codes from one network.
    """
    called = model.business_name(name)
    hashes = [one.digest for one in core.keyring.lookups("enrolment", code)]
    network = throttle.login_of(core, "enrolment", address_prefix or "")
    with core.transaction() as session:
        now = core.now(session)
        limit = core.settings.sign_in.failures_per_quarter_hour
        throttle.refuse_when_closed(session, login=network, now=now, limit=limit)
        spent = stand_store.spend_code(session, hashes, now)
        if spent is not None:
            shop = found(store.shop(session, spent.shop_id))
            by = Actor(ActorKind.CASHIER, spent.made_by)
            return _insert(session, by, shop, called, agent, now)
        throttle.count_failure(session, login=network, now=now)
    raise EnrolmentCodeInvalid


def enrol_here(
    core: Core, *, actor: Actor, session: UUID, shop: ShopId, name: str, agent: str
) -> Enrolled:
    """Enrol the machine that a manager is signed in at; no code is asked, whatever was lost.

    Raises NotAllowed, NoSuchThing, BusinessNameInvalid.
    """
    called = model.business_name(name)
    with core.transaction() as books:
        row, now = managed_shop(books, actor, shop), core.now(books)
        enrolled = _insert(books, actor, row, called, agent, now)
        stand_store.stand(books, session, device_id=enrolled.device.id)
        return enrolled


def devices(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Device]:
    """The merchant's devices in force, newest first. Raises NotAllowed, CursorInvalid."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        rows = stand_store.devices(session, manager(session, actor), after=after, most=limit + 1)
        items = [_view(row) for row in rows[:limit]]
    if len(rows) <= limit:
        return Page(items)
    return Page(items, encode_cursor(items[-1].enrolled_at.isoformat(), items[-1].id))


def revoke_device(core: Core, *, actor: Actor, device: DeviceId) -> Device:
    """Take a device out of use at once: the sessions on it end. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        own = manager(session, actor)
        row, now = found(stand_store.device(session, device)), core.now(session)
        if row.merchant_id != own:
            raise NoSuchThing
        if row.revoked_at is None:
            row.revoked_at = now
            session.flush()
            for id, account in stand_store.living_sessions_on(session, row.id):
                sessions.end(session, id=id, subject=account, now=now)
            _record(session, actor, "device.revoked", "device", row.id, now, name=row.name)
        return _view(row)


def require_devices(core: Core, *, actor: Actor, required: bool) -> None:
    """Whether only enrolled devices may redeem at the merchant's shops.

    Raises NotAllowed, and NoDeviceEnrolled where that would close every till.
    """
    with core.transaction() as session:
        own, now = manager(session, actor), core.now(session)
        if required and not stand_store.devices(session, own, after=None, most=1):
            raise NoDeviceEnrolled
        row = found(store.merchant(session, own))
        if row.devices_only != required:
            row.devices_only = required
            session.flush()
            action = "merchant.devices_required" if required else "merchant.devices_not_required"
            _record(session, actor, action, "merchant", row.id, now)


def devices_required(core: Core, *, actor: Actor) -> bool:
    """Whether only enrolled devices may redeem at the manager's shops. Raises NotAllowed."""
    with core.transaction() as session:
        return found(store.merchant(session, manager(session, actor))).devices_only


def proven_device(
    core: Core, *, cashier: Cashier, token: str | None, strict: bool
) -> DeviceId | None:
    """The device of the cashier's merchant that a token proves; None for none in force.

    Raises DeviceNotEnrolled when it is `strict`, for a cashier without one whose merchant lets only
    enrolled devices redeem. A manager may sign in everywhere.
    """
    if cashier.status is not CashierStatus.ACTIVE:
        return None  # who applies has no shop yet
    with core.transaction() as session:
        shop = found(store.shop(session, cashier.shop_id))
        row = stand_store.device_by_token(session, _hash(token)) if token else None
        if row and row.merchant_id == shop.merchant_id and row.revoked_at is None:
            stand_store.touch_device(session, id=row.id, now=core.now(session))
            return DeviceId(row.id)
        required = found(store.merchant(session, shop.merchant_id)).devices_only
    if strict and required and cashier.role is not Role.MANAGER:
        raise DeviceNotEnrolled
    return None


def stand_at_device(core: Core, *, session: UUID, device: DeviceId) -> None:
    """Note at which device a session is."""
    with core.transaction() as books:
        stand_store.stand(books, session, device_id=device)


def _insert(
    session: Session, actor: Actor, shop: ShopRow, name: str, agent: str, now: datetime
) -> Enrolled:
    token = secrets.token_urlsafe(32)
    row = DeviceRow(
        id=new_id(),
        merchant_id=shop.merchant_id,
        shop_id=shop.id,
        name=name,
        agent=agent,
        token_hash=_hash(token),
        enrolled_by=actor.id,
        enrolled_at=now,
        seen_at=now,
    )
    session.add(row)
    session.flush()
    _record(session, actor, "device.enrolled", "device", row.id, now, name=name)
    return Enrolled(_view(row), token)


def _hash(token: str) -> bytes:
    """A random token of 256 bits needs no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _record(
    session: Session, actor: Actor, action: str, kind: str, id: UUID, now: datetime, **detail: str
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type=kind,
        object_id=str(id),
        now=now,
        detail=detail,
    )


def _view(row: DeviceRow) -> Device:
    return Device(
        id=DeviceId(row.id),
        merchant_id=MerchantId(row.merchant_id),
        shop_id=ShopId(row.shop_id),
        name=row.name,
        agent=row.agent,
        enrolled_by=CashierId(row.enrolled_by),
        enrolled_at=row.enrolled_at,
        seen_at=row.seen_at,
        revoked_at=row.revoked_at,
    )
