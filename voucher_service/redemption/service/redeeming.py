"""Spend vouchers and qualifications on orders, in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.audit.service import Move
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import IN_PARTS, Offer, OfferStatus
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import OfferId, RedemptionId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Leg, Stage, pool
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher
from voucher_service.vouchers.service import Spend

from ..model import LIFECYCLE, Event, Order, Redemption, Status
from . import selling
from .answering import Grants, answer_all
from .granted import Answer, Ask, Granted, GrantedSale
from .standing import on_record


def redeem(core: Core, *, actor: Actor, code: str, order: Order, key: str) -> Outcome[Redemption]:
    """Spend a voucher, or sell a unit with a qualification, in one step.

    The same key, or the same order reference with the same content, gives the first answer again. A
    refused attempt burns neither the code nor the order reference; it is kept as evidence. Refusals
    come in the order that `judging` and `judging_sales` fix; OrderAmountInvalid, OrderRefused,
    KeyReused and OrderReferenceReused come before them. Raises InProgress when others are quicker
    each time.
    """
    (answer,) = redeem_many(core, [Ask(actor, code, order, key)])
    if isinstance(answer, DomainError):
        raise answer
    return answer


def redeem_many(core: Core, asks: Sequence[Ask]) -> list[Answer]:
    """Orders that come at one moment, in one transaction. Answers in order; see `redeem`."""
    return answer_all(core, asks, _spend)


def legs(offer: Offer, discount: Money, unused: Money, shop_area: str) -> list[Leg]:
    """What a spent voucher moves in its offer's pool: what it took off is committed, what a voucher
    that is used up was worth beyond that is reserved again.
    """
    return [
        Leg(pool(offer.id, Stage.OUTSTANDING), -(discount + unused)),
        Leg(pool(offer.id, Stage.COMMITTED, shop_area=offer.paying_area(shop_area)), discount),
        Leg(pool(offer.id, Stage.RESERVED), unused),
    ]


def unused(voucher: Voucher, discount: Money) -> Money:
    """What is left of a voucher that one order uses up."""
    return ZERO if voucher.offer.kind in IN_PARTS else voucher.face_value - discount


def free_unused(session: Session, unused_of: Mapping[OfferId, Money], now: datetime) -> None:
    """What an order left over of a campaign that is closed goes home, as other unspent money."""
    for id, left in unused_of.items():
        if left and (offer := campaigns.offer(session, offer=id)).status is OfferStatus.CLOSED:
            campaigns.free_unspent(session, campaign=offer.campaign_id, now=now)


def _spend(session: Session, won: Grants, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    spent: list[Granted] = []
    of_vouchers: list[dict[str, Any]] = []
    sold: dict[RedemptionId, str] = {}
    for one, row in zip(won, rows, strict=True):
        if isinstance(one, GrantedSale):
            selling.sell_at_once(session, one, row, now)
            sold[RedemptionId(row["id"])] = one.till.area
        else:
            spent.append(one)
            of_vouchers.append(row)
    if sold:
        selling.observe(session, sold=sold, day=day_of(now))
    if spent:
        _spend_vouchers(session, spent, of_vouchers, now)


def _spend_vouchers(
    session: Session, won: Sequence[Granted], rows: Sequence[dict[str, Any]], now: datetime
) -> None:
    spends = [Spend(one.voucher, one.discount, one.whole, one.ask.actor) for one in won]
    vouchers.spend(session, spends=spends, now=now)
    audit.record_all(
        session,
        action=str(Event.COMMITTED),
        object_type=LIFECYCLE.name,
        moves=[
            Move(row["id"], one.ask.actor, on_record(one))
            for one, row in zip(won, rows, strict=True)
        ],
        now=now,
        to_status=str(Status.COMMITTED),
    )
    left = [unused(one.voucher, one.discount) for one in won]
    transfers = {
        str(row["id"]): legs(one.voucher.offer, one.discount, rest, one.till.area)
        for one, row, rest in zip(won, rows, left, strict=True)
    }
    ledger.post_many(session, code=Code.REDEEMED, transfers=transfers, now=now)
    free_unused(
        session,
        {one.voucher.offer.id: rest for one, rest in zip(won, left, strict=True) if rest},
        now,
    )
