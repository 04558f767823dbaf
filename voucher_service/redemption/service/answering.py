"""Answer what tills ask at one moment in one transaction; whoever was overtaken is judged again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit.model import OvertakenByAnother
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import InProgress, Outcome
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import RedemptionId, new_id
from voucher_service.kernel.money import ZERO
from voucher_service.merchants import place
from voucher_service.merchants.place import Position, PositionInvalid
from voucher_service.tradein.sales import service as sales

from .. import store
from ..model import Phase, Redemption, Status, Whereabouts
from .asking import decide
from .evidence import keep
from .granted import Answer, Ask, Granted, GrantedSale

Grants = Sequence[Granted | GrantedSale]
Write = Callable[[Session, Grants, Sequence[dict[str, Any]], datetime], None]
"""Writes what follows from new rows: what was claimed, the books, the record."""
_ROUNDS = 4


def answer_all(core: Core, asks: Sequence[Ask], write: Write) -> list[Answer]:
    """Answers in order. What is refused is kept as evidence.

    Raises TryAgain when the outcome is not known: of all of them.
    """
    answers: dict[int, Answer] = {}
    waiting = list(range(len(asks)))
    for _ in range(_ROUNDS):
        if not waiting:
            break
        try:
            answers |= _round(core, {place: asks[place] for place in waiting}, write)
        except OvertakenByAnother:
            # Something moved under one of them: let each stand for itself.
            if len(waiting) > 1:
                alone = {place: answer_all(core, [asks[place]], write) for place in waiting}
                answers |= {place: answer for place, (answer,) in alone.items()}
        waiting = [place for place in waiting if place not in answers]
    return [answers.get(place) or InProgress(retry_after_seconds=1) for place in range(len(asks))]


def _round(core: Core, asks: dict[int, Ask], write: Write) -> dict[int, Answer]:
    """One transaction; without an answer for those who were overtaken or came twice."""
    answers: dict[int, Answer] = {}
    granted: dict[int, Granted | GrantedSale] = {}
    with core.transaction() as session:
        now = core.now(session)
        for place_, one in zip(asks, decide(core, session, list(asks.values()), now), strict=True):
            if isinstance(one, Granted | GrantedSale):
                granted[place_] = one
            else:
                answers[place_] = one
        granted = _apart(granted)
        rows = {place_: row_of(core, one, now) for place_, one in granted.items()}
        if rows:
            new = store.insert_new(session, list(rows.values()))
            rows = {place_: row for place_, row in rows.items() if row["id"] in new}
            won = [granted[place_] for place_ in rows]
            if won:
                write(session, won, list(rows.values()), now)
            for place_, row in rows.items():
                answers[place_] = Outcome(view_of(session, granted[place_], row))
        keep(
            session,
            [(asks[at], one) for at, one in answers.items() if isinstance(one, DomainError)],
            now,
        )
    return answers


def _apart(
    granted: dict[int, Granted | GrantedSale],
) -> dict[int, Granted | GrantedSale]:
    """Those that get in each other's way in nothing, in the order of what was claimed: whoever
    locks many does so in one order.
    """
    taken: set[object] = set()
    apart = {}
    for place_, one in sorted(granted.items(), key=lambda item: item[1].claimed):
        shop = one.till.shop_id
        wants = {one.claimed, (shop, one.ask.order.reference), (shop, one.key_hash)}
        if isinstance(one, GrantedSale):
            wants |= set(one.offered.unit.numbers(one.offered.product.brand))
        if one.ask.order.ticket_reference:
            wants.add((shop, "ticket", one.ask.order.ticket_reference))
        if taken.isdisjoint(wants):
            taken |= wants
            apart[place_] = one
    return apart


def row_of(core: Core, one: Granted | GrantedSale, now: datetime) -> dict[str, Any]:
    """The row of a redemption that was granted."""
    order, evidence = one.ask.order, one.ask.actor.evidence
    expires = now + timedelta(seconds=core.settings.till.freeze_seconds)
    return {
        "id": new_id(),
        "merchant_id": one.till.merchant_id,
        "shop_id": one.till.shop_id,
        "cashier_id": one.till.cashier_id,
        "voucher_id": one.voucher_id,
        "qualification_id": one.qualification_id,
        "offer_id": one.offer.id,
        "part": one.part,
        "order_reference": order.reference,
        "payment_reference": order.payment_reference,
        "key_hash": one.key_hash,
        "body_hash": one.body_hash,
        "nonce": one.read.nonce,
        "code_window": one.read.window,
        "order_amount_fen": order.amount,
        "discount_fen": one.discount,
        "refunded_fen": ZERO,
        "refunded_discount_fen": ZERO,
        "paid_fen": order.amount - one.discount - order.taken_off_later,
        "discounts": [
            {"payer": str(each.payer), "amount_fen": each.amount.fen} for each in order.discounts
        ]
        or None,
        "items": [dict(each) for each in order.items] or None,
        "ticket_reference": order.ticket_reference,
        "freeze_expires_at": expires if one.ask.freezes else None,
        "reason": None,
        "status": Status.FROZEN if one.ask.freezes else Status.COMMITTED,
        "phase": Phase.NONE,
        "occurred_at": now,
        "claimed_on": one.claimed_on,
        "address_prefix": evidence.address_prefix,
        "device_id": evidence.device_id,
        "agent_hash": evidence.agent_hash,
        "source": order.source,
        "point_id": order.point_id or evidence.point_id,
        "position": _position(order.position),
        "distance_m": _distance(one, order.position),
        "outside_hours": place.outside(one.till.opening_hours, now),
    }


def view_of(session: Session, one: Granted | GrantedSale, row: dict[str, Any]) -> Redemption:
    """The redemption of a row that was just inserted, without reading it; but its sale is read."""
    till, id = one.till, RedemptionId(row["id"])
    sale = sales.sale(session, id=id) if isinstance(one, GrantedSale) else None
    return store.redemption_of(row, one.offer.title, till.shop_name, till.merchant_name, sale=sale)


def _position(told: Whereabouts | None) -> dict[str, Any] | None:
    if told is None:
        return None
    accuracy = {} if told.accuracy_m is None else {"accuracy_m": told.accuracy_m}
    return {"latitude": told.latitude, "longitude": told.longitude} | accuracy


def _distance(one: Granted | GrantedSale, told: Whereabouts | None) -> int | None:
    """How far the till says it is from its shop: evidence, so nonsense is no refusal."""
    if told is None or one.till.position is None:
        return None
    try:
        return one.till.position.metres_to(Position(told.latitude, told.longitude))
    except PositionInvalid:
        return None
