"""Steps of the redemption that a sale belongs to, and reads for whoever looks at sales."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, tuple_
from sqlalchemy.orm import Session

from voucher_service.audit.model import OvertakenByAnother
from voucher_service.campaigns import service as campaigns
from voucher_service.goods import service as goods
from voucher_service.identity import documents
from voucher_service.identity import service as identity
from voucher_service.identity.model import NameInvalid
from voucher_service.infra.core import core_of
from voucher_service.kernel.clock import day_of, end_of, start_of
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import MerchantId, RedemptionId, ResidentId, ShopId
from voucher_service.kernel.money import Money

from ..applications import recording
from ..policy import Case
from ..qualifications import Qualification
from ..quote import Quote
from ..revision import Decision
from . import store
from .model import Sale, SaleStatus, Traces, Unit, unit_of
from .offering import Asked, Offered
from .tables import SaleRow
from .tracing import links

NOTHING_TOLD = Traces()


def look_up(
    session: Session,
    *,
    items: Sequence[Mapping[str, Any]],
    amount: Money,
    list_price: Money | None,
    qualification: Qualification,
    merchant: MerchantId,
    area: str,
    now: datetime,
    payer: str | None = None,
    receiver: str | None = None,
    traces: Traces = NOTHING_TOLD,
) -> Asked:
    """What is known of the one unit of an order, to be judged by `offering.offered`.

    `area`: of the shop. `payer`, `receiver`: names, compared with the holder's and forgotten; of
    `traces` keyed hashes are kept.
    """
    on, holder = day_of(now), qualification.resident_id
    told = Asked(
        unit=_unit(items),
        amount=amount,
        category=qualification.category,
        policy=qualification.pool.policy,
        on=on,
        area=area,
        list_price=list_price,
        payer_matches=_is(session, holder, payer),
        receiver_matches=_is(session, holder, receiver),
        links=links(core_of(session).keyring, traces),
    )
    if isinstance(told.unit, DomainError):
        return told
    product = goods.product(session, gtin=told.unit.gtin, on=on)
    pool = qualification.pool.offer.id
    if product is None or (product.synthetic and not campaigns.is_synthetic(session, offer=pool)):
        return told
    return replace(
        told,
        product=product,
        filed_price=goods.filed_price(session, merchant=merchant, gtin=told.unit.gtin, on=on),
        sold_before=_sold_before(session, told.unit, product.brand),
    )


def open_sale(
    session: Session,
    *,
    id: RedemptionId,
    qualification: Qualification,
    merchant: MerchantId,
    shop: ShopId,
    offered: Offered,
    now: datetime,
) -> None:
    """Begin the sale of a redemption that was just begun, and keep its unit from others.

    Raises OvertakenByAnother when another sale took one of its numbers a moment ago.
    """
    unit, product, quote = offered.unit, offered.product, offered.quote
    assert quote.policy is not None
    told = recording.as_json(offered.case, quote)
    values = {
        "redemption_id": id,
        "qualification_id": qualification.id,
        "offer_id": qualification.pool.offer.id,
        "resident_id": qualification.resident_id,
        "merchant_id": merchant,
        "shop_id": shop,
        "category": qualification.category,
        "gtin": unit.gtin,
        "serial": unit.serial,
        "imei1": unit.imei1,
        "imei2": unit.imei2,
        "brand": product.brand,
        "model": product.model,
        "grade": offered.case.grade,
        "list_price_fen": offered.list_price,
        "price_fen": unit.price,
        "filed_price_fen": offered.filed_price,
        "subsidy_fen": quote.subsidy,
        "policy_id": quote.policy.id,
        "case": told["case"],
        "steps": told["steps"],
        "payer_matches": offered.payer_matches,
        "receiver_matches": offered.receiver_matches,
        "activated_on": unit.activated_on,
        "links": {str(link): key for link, key in offered.links.items()},
        "status": SaleStatus.FROZEN,
        "occurred_at": now,
    }
    if not store.add(session, values, unit.numbers(product.brand)):
        raise OvertakenByAnother(object="sale", event="sale.opened")


def sell(session: Session, *, id: RedemptionId, now: datetime) -> None:
    """The customer paid. Raises OvertakenByAnother when it isn't frozen any more."""
    _change(session, id, SaleStatus.FROZEN, status=SaleStatus.SOLD, occurred_at=now)


def undo(session: Session, *, id: RedemptionId, current: SaleStatus) -> None:
    """It came to nothing: its unit may be sold again.

    Raises OvertakenByAnother when it doesn't stand as `current`.
    """
    _change(session, id, current, status=SaleStatus.UNDONE)
    store.let_go(session, id)


def lower(session: Session, *, id: RedemptionId, case: Case, quote: Quote, subsidy: Money) -> None:
    """A refund lowered the price of what was sold, and the subsidy that is kept with it.

    Raises OvertakenByAnother when it isn't sold any more.
    """
    told = recording.as_json(case, quote)
    _change(
        session,
        id,
        SaleStatus.SOLD,
        price_fen=case.price,
        subsidy_fen=subsidy,
        case=told["case"],
        steps=told["steps"],
    )


def sale(session: Session, *, id: RedemptionId) -> Sale:
    """One sale. Raises NoSuchThing."""
    found = store.sales(session, SaleRow.redemption_id == id)
    if not found:
        raise NoSuchThing
    return found[0]


def sales_of(session: Session, *, ids: Collection[RedemptionId]) -> dict[RedemptionId, Sale]:
    """The sales of these redemptions; who is no sale is left out."""
    if not ids:
        return {}
    return {one.id: one for one in store.sales(session, SaleRow.redemption_id.in_(ids))}


def sales(
    session: Session,
    *,
    merchant: MerchantId | None = None,
    statuses: Collection[SaleStatus] = (SaleStatus.SOLD,),
    first: date | None = None,
    last: date | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Sale]:
    """Sales of these days, both included, newest first; after a cursor (`occurred_at`, `id`)."""
    where = [SaleRow.status.in_(statuses), *_days(first, last)]
    if merchant is not None:
        where.append(SaleRow.merchant_id == merchant)
    if after is not None:
        where.append(tuple_(SaleRow.occurred_at, SaleRow.redemption_id) < tuple_(*after))
    return store.sales(session, *where, limit=limit)


def decisions(
    session: Session,
    *,
    first: date | None = None,
    last: date | None = None,
    policies: Collection[str] | None = None,
) -> Iterator[Decision]:
    """What was decided of the sales that stand, of these days and policies if told, oldest first.

    Fetched a part at a time: a year's sales pass through. A decision's id is the redemption's.
    """
    where = [SaleRow.status == SaleStatus.SOLD, *_days(first, last)]
    if policies is not None:
        where.append(SaleRow.policy_id.in_(policies))
    return store.each_decision(session, *where)


def _days(first: date | None, last: date | None) -> Iterator[ColumnElement[bool]]:
    if first is not None:
        yield SaleRow.occurred_at >= start_of(first)
    if last is not None:
        yield SaleRow.occurred_at < end_of(last)


def _change(session: Session, id: RedemptionId, current: SaleStatus, **values: object) -> None:
    if not store.change(session, id, current, **values):
        raise OvertakenByAnother(object="sale", event="sale.changed")


def _unit(items: Sequence[Mapping[str, Any]]) -> Unit | DomainError:
    try:
        return unit_of(items)
    except DomainError as refusal:
        return refusal


def _is(session: Session, holder: ResidentId, name: str | None) -> bool | None:
    """Whether a name is the holder's; None when nobody told one."""
    if not name:
        return None
    verified = identity.name_of(session, keyring=core_of(session).keyring, resident=holder)
    try:
        return verified is not None and documents.name(name) == verified
    except NameInvalid:
        return False


def _sold_before(session: Session, unit: Unit, brand: str) -> str | None:
    """One of a unit's numbers that a sale holds, as it was told."""
    held = store.held(session, unit.numbers(brand))
    return min((number.rsplit(" ", 1)[-1] for _, number in held), default=None)
