"""Redeem at a till, look it up after a lost reply, and show the day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.campaigns.model import Offer, max_liability
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import InProgress, KeyReused, Outcome, hash_of
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import end_of, start_of
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import CashierId, RedemptionId, ResidentId, VoucherId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.kernel.page import Page, decode_moment, encode_cursor
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Leg, Stage, pool
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Till
from voucher_service.stops import service as stops
from voucher_service.stops.model import What
from voucher_service.vouchers import code as codes
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import CodeInvalid, Read
from voucher_service.vouchers.model import AlreadyRedeemed, Voucher

from . import store
from .model import (
    CodeUsed,
    Event,
    Order,
    OrderReferenceReused,
    Phase,
    Redemption,
    Status,
    Summary,
    TillLocked,
    check_amount,
    check_merchant,
    discount_for,
    reaches,
)
from .store import Before
from .tables import RedemptionRow


def redeem(core: Core, *, actor: Actor, code: str, order: Order, key: str) -> Outcome[Redemption]:
    """Spend a voucher on an order, in one step.

    The same key, or the same order reference with the same content, gives the first answer again. A
    refused attempt burns neither the code nor the order reference; it is kept as evidence. Refusals
    come in the order that `model` fixes; OrderReferenceReused and KeyReused come before them.
    """
    try:
        with core.transaction() as session:
            return _redeem(core, session, actor, code, order, key)
    except DomainError as refusal:
        if not refusal.retryable or isinstance(refusal, TillLocked):
            _keep(core, actor, code, order, refusal)
        raise


def by_order_reference(core: Core, *, actor: Actor, reference: str) -> list[Redemption]:
    """What became of an order of this shop: nothing, or its redemption."""
    with core.transaction() as session:
        till = merchants.till(session, cashier=_cashier(actor))
        return store.redemptions(
            session,
            RedemptionRow.shop_id == till.shop_id,
            RedemptionRow.order_reference == reference,
        )


def get(core: Core, *, actor: Actor, redemption: RedemptionId) -> Redemption:
    """One redemption of this cashier's shop. Raises NoSuchThing, for another shop's too."""
    with core.transaction() as session:
        till = merchants.till(session, cashier=_cashier(actor))
        found = store.redemptions(
            session, RedemptionRow.id == redemption, RedemptionRow.shop_id == till.shop_id
        )
    if not found:
        raise NoSuchThing
    return found[0]


def stopped(core: Core, *, offer: Offer) -> bool:
    """Whether redemptions of an offer are stopped for now."""
    with core.transaction() as session:
        found = stops.in_force(session, what=What.REDEMPTIONS)
    return reaches({one.subject_id for one in found}, offer)


def receipt(core: Core, *, actor: Actor, voucher: VoucherId) -> list[Redemption]:
    """Where a resident's own voucher was spent. Raises NoSuchThing."""
    vouchers.get(core, actor=actor, voucher=voucher)
    with core.transaction() as session:
        return store.redemptions(
            session,
            RedemptionRow.voucher_id == voucher,
            RedemptionRow.status == Status.COMMITTED,
        )


def lines(
    core: Core, *, actor: Actor, day: date, cursor: str | None, limit: int
) -> Page[Redemption]:
    """A day of this cashier's shop, newest first."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        till = merchants.till(session, cashier=_cashier(actor))
        span = (start_of(day), end_of(day))
        found = store.redemptions(
            session, store.of_shop(till.shop_id, span, after), limit=limit + 1
        )
    items = found[:limit]
    if len(found) <= limit:
        return Page(items)
    return Page(items, encode_cursor(items[-1].occurred_at.isoformat(), items[-1].id))


def summary(core: Core, *, actor: Actor, day: date) -> Summary:
    """The totals of a day of this cashier's shop."""
    with core.transaction() as session:
        till = merchants.till(session, cashier=_cashier(actor))
        return store.summary(session, shop=till.shop_id, span=(start_of(day), end_of(day)))


def _redeem(
    core: Core, session: Session, actor: Actor, code: str, order: Order, key: str
) -> Outcome[Redemption]:
    now = core.now(session)
    till = merchants.till(session, cashier=_cashier(actor))
    check_amount(order, Money(core.settings.till.max_order_fen))
    read = _read(core, code)
    body = _body_hash(code if read is None else str(read.code_ref), order)
    before = store.before(
        session,
        shop=till.shop_id,
        reference=order.reference,
        key_hash=hash_of(key),
        nonce=b"" if read is None else read.nonce,
        bad=CodeInvalid.code,
        now=now,
    )
    first = _first_answer(session, before, order, hash_of(key), body)
    if first is not None:
        return Outcome(first, replayed=True)
    check_merchant(till)
    _check_lock(core, before, now)
    if read is None:
        raise CodeInvalid
    read.check_time(now, core.settings.till.code_window_seconds)
    if before.nonce_used:
        raise CodeUsed
    voucher = vouchers.by_code_ref(session, code_ref=read.code_ref)
    if voucher is None:
        raise CodeInvalid
    own = bool(till.identity_hashes) and identity.holds_identity(
        session, resident=ResidentId(voucher.resident_id), hashes=till.identity_hashes
    )
    try:
        discount = discount_for(voucher, till, order, own=own, stopped=before.stopped, now=now)
    except AlreadyRedeemed as refusal:
        raise _with_place(session, voucher) from refusal
    row = _row(actor, till, voucher, read, order, discount, hash_of(key), body, now)
    if not store.insert_new(session, row):
        # Somebody was quicker with the same order, code or voucher; ask again to learn which.
        raise InProgress(retry_after_seconds=1)
    _spend(session, actor, voucher, till, row, now)
    return Outcome(_view(row, voucher, till))


def _with_place(session: Session, voucher: Voucher) -> AlreadyRedeemed:
    """The refusal that tells when and where: it ends "you already used it" disputes."""
    spent = store.redemptions(
        session, RedemptionRow.voucher_id == voucher.id, RedemptionRow.status == Status.COMMITTED
    )
    if not spent:
        return AlreadyRedeemed()
    at, shop = spent[0].occurred_at, spent[0].shop_name
    return AlreadyRedeemed(
        extra={"redeemed_at": at.isoformat(), "shop": shop}, redeemed_at=at, shop=shop
    )


def _spend(
    session: Session,
    actor: Actor,
    voucher: Voucher,
    till: Till,
    row: dict[str, Any],
    now: datetime,
) -> None:
    discount: Money = row["discount_fen"]
    vouchers.take(session, voucher=voucher, amount=discount, actor=actor, now=now)
    audit.record(
        session,
        actor=actor,
        action=str(Event.COMMITTED),
        object_type="redemption",
        object_id=str(row["id"]),
        now=now,
        to_status=str(Status.COMMITTED),
        detail={"voucher": str(voucher.id), "order_amount_fen": row["order_amount_fen"].fen},
    )
    whole, offer = max_liability(voucher.offer), voucher.offer.id
    apart = voucher.offer.paying_area(till.area)
    legs = [
        Leg(pool(offer, Stage.OUTSTANDING), -whole),
        Leg(pool(offer, Stage.COMMITTED, shop_area=apart), discount),
        Leg(pool(offer, Stage.RESERVED), whole - discount),
    ]
    ledger.post(session, code=Code.REDEEMED, key=str(row["id"]), legs=legs, now=now)


def _first_answer(
    session: Session, before: Before, order: Order, key_hash: bytes, body: bytes
) -> Redemption | None:
    """The first answer, when this request was answered before.

    Raises KeyReused or OrderReferenceReused when it was another request.
    """
    for one in before.earlier:
        if one.body_hash != body or one.order_reference != order.reference:
            if one.key_hash == key_hash:
                raise KeyReused
            raise OrderReferenceReused(reference=order.reference)
    if not before.earlier:
        return None
    (first,) = store.redemptions(session, RedemptionRow.id == before.earlier[0].id)
    return first


def _check_lock(core: Core, before: Before, now: datetime) -> None:
    if before.first_bad is not None and before.bad_codes >= core.settings.till.bad_codes_per_minute:
        wait = before.first_bad + timedelta(minutes=1) - now
        raise TillLocked(retry_after_seconds=max(1, min(60, wait.seconds + 1)))


def _read(core: Core, code: str) -> Read | None:
    try:
        return codes.read(core.keyring, code)
    except CodeInvalid:
        return None


def _body_hash(voucher: str, order: Order) -> bytes:
    # The voucher, not the code: after a lost reply the cashier scans the voucher's next code.
    return hash_of(
        {
            "voucher": voucher,
            "amount": order.amount.fen,
            "payment": order.payment_reference,
            "items": list(order.items),
        }
    )


def _row(
    actor: Actor,
    till: Till,
    voucher: Voucher,
    read: Read,
    order: Order,
    discount: Money,
    key_hash: bytes,
    body: bytes,
    now: datetime,
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "merchant_id": till.merchant_id,
        "shop_id": till.shop_id,
        "cashier_id": till.cashier_id,
        "voucher_id": voucher.id,
        "offer_id": voucher.offer.id,
        "part": 1,
        "order_reference": order.reference,
        "payment_reference": order.payment_reference,
        "key_hash": key_hash,
        "body_hash": body,
        "nonce": read.nonce,
        "code_window": read.window,
        "order_amount_fen": order.amount,
        "discount_fen": discount,
        "refunded_fen": ZERO,
        "refunded_discount_fen": ZERO,
        "items": [dict(one) for one in order.items] or None,
        "status": Status.COMMITTED,
        "phase": Phase.NONE,
        "occurred_at": now,
        "address_prefix": actor.evidence.address_prefix,
        "device_id": actor.evidence.device_id,
        "agent_hash": actor.evidence.agent_hash,
    }


def _view(row: dict[str, Any], voucher: Voucher, till: Till) -> Redemption:
    return Redemption(
        RedemptionId(row["id"]),
        voucher.id,
        voucher.offer.title,
        till.shop_id,
        till.shop_name,
        till.merchant_name,
        till.cashier_id,
        row["order_reference"],
        row["payment_reference"],
        row["order_amount_fen"],
        row["discount_fen"],
        ZERO,
        ZERO,
        Status.COMMITTED,
        Phase.NONE,
        row["occurred_at"],
        row["code_window"],
    )


def _keep(core: Core, actor: Actor, code: str, order: Order, refusal: DomainError) -> None:
    read = _read(core, code)
    with core.transaction() as session:
        voucher = vouchers.by_code_ref(session, code_ref=read.code_ref) if read else None
        till = merchants.till(session, cashier=_cashier(actor))
        store.insert_refusal(
            session,
            {
                "shop_id": till.shop_id,
                "cashier_id": till.cashier_id,
                "voucher_id": voucher and voucher.id,
                "code": refusal.code,
                "order_reference": order.reference,
                "order_amount_fen": order.amount,
                "occurred_at": core.now(session),
                "address_prefix": actor.evidence.address_prefix,
                "device_id": actor.evidence.device_id,
                "agent_hash": actor.evidence.agent_hash,
            },
        )


def _cashier(actor: Actor) -> CashierId:
    assert actor.kind is ActorKind.CASHIER and actor.id is not None
    return CashierId(actor.id)
