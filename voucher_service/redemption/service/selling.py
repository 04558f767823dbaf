"""What an order with a qualification moves: the qualification, its unit's sale, its pool's money.

The money goes reserved → frozen → committed, and back the same way; nothing is ever outstanding.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.goods import service as goods
from voucher_service.goods.model import Seen
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import RedemptionId, ShopId
from voucher_service.kernel.money import ZERO
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Stage, move, pool
from voucher_service.merchants import service as merchants
from voucher_service.tradein.qualifications import Qualification, QualificationId
from voucher_service.tradein.revisions import service as revisions
from voucher_service.tradein.sales import service as sales
from voucher_service.tradein.sales.model import SaleStatus
from voucher_service.tradein.service import using

from ..model import LIFECYCLE, Event, Status
from ..tables import RedemptionRow
from .granted import GrantedSale
from .standing import on_record, record_frozen


def hold(session: Session, one: GrantedSale, row: dict[str, Any], now: datetime) -> None:
    """Set qualification, unit and money aside for a row that was just written as frozen.

    Raises OvertakenByAnother when one of them was taken a moment ago.
    """
    _begin(session, one, RedemptionId(row["id"]), now)
    record_frozen(session, row["id"], one, now)


def sell_at_once(session: Session, one: GrantedSale, row: dict[str, Any], now: datetime) -> None:
    """The one step, for a row that was just written as committed. Raises as `hold` does."""
    actor, id = one.ask.actor, RedemptionId(row["id"])
    _begin(session, one, id, now)
    _finish(session, id, one.qualification, actor, one.till.area, now)
    audit.record(
        session,
        actor=actor,
        action=str(Event.COMMITTED),
        object_type=LIFECYCLE.name,
        object_id=str(id),
        now=now,
        to_status=str(Status.COMMITTED),
        detail=on_record(one),
    )


def sell(session: Session, row: RedemptionRow, actor: Actor, area: str, now: datetime) -> None:
    """The second step of a row that was just committed; `area`: the shop's."""
    _finish(session, RedemptionId(row.id), qualification_of(session, row), actor, area, now)


def observe(session: Session, *, sold: Mapping[RedemptionId, str], day: date) -> None:
    """Note in the history of prices what these units were just sold for, at shops of these areas.

    All of a transaction in one call.
    """
    found = sales.sales_of(session, ids=sold.keys())
    goods.observe(
        session,
        seen=[
            Seen(one.shop_id, one.merchant_id, sold[id], one.gtin, day, one.price, one.list_price)
            for id, one in found.items()
        ],
    )


def let_go(session: Session, row: RedemptionRow, actor: Actor, now: datetime) -> None:
    """A frozen row ended without a sale: all that it held is free again."""
    assert row.qualification_id is not None
    id = RedemptionId(row.id)
    using.release(session, id=QualificationId(row.qualification_id), actor=actor, now=now)
    sales.undo(session, id=id, current=SaleStatus.FROZEN)
    ledger.resolve(session, id=id, commit=False, now=now, source=Stage.RESERVED)


def undo(session: Session, row: RedemptionRow, actor: Actor, now: datetime) -> None:
    """A committed row was reversed: as if nothing had been sold. Raises DifferenceToReturn and
    DifferenceOnItsWay.
    """
    assert row.discount_fen is not None
    id = RedemptionId(row.id)
    revisions.lock_sale(session, sale=id)
    lowered = revisions.lowered(session, sale=id, case=None, subsidy=ZERO)
    revisions.lower(session, sale=id, lowered=lowered, actor=actor, now=now)
    found = qualification_of(session, row)
    using.restore(session, qualification=found, actor=actor, now=now)
    sales.undo(session, id=id, current=SaleStatus.SOLD)
    shop, offer = merchants.load_shop(session, shop=ShopId(row.shop_id)), found.pool.offer
    paid = pool(offer.id, Stage.COMMITTED, shop_area=offer.paying_area(shop.area))
    legs = move(row.discount_fen, paid, pool(offer.id, Stage.RESERVED))
    ledger.post(session, code=Code.REVERSED, key=str(row.id), legs=legs, now=now)


def qualification_of(session: Session, row: RedemptionRow) -> Qualification:
    """The qualification of a row that has one."""
    assert row.qualification_id is not None
    id = QualificationId(row.qualification_id)
    return using.by_ids(session, ids=[id])[id]


def _begin(session: Session, one: GrantedSale, id: RedemptionId, now: datetime) -> None:
    found, subsidy = one.qualification, one.discount
    using.freeze(session, id=found.id, subsidy=subsidy, actor=one.ask.actor, now=now)
    sales.open_sale(
        session,
        id=id,
        qualification=found,
        merchant=one.till.merchant_id,
        shop=one.till.shop_id,
        offered=one.offered,
        now=now,
    )
    offer = found.pool.offer.id
    ledger.freeze(session, id=id, offer=offer, amount=subsidy, now=now, source=Stage.RESERVED)


def _finish(
    session: Session,
    id: RedemptionId,
    found: Qualification,
    actor: Actor,
    area: str,
    now: datetime,
) -> None:
    using.use(session, id=found.id, actor=actor, now=now)
    sales.sell(session, id=id, now=now)
    paying = found.pool.offer.paying_area(area)
    ledger.resolve(session, id=id, commit=True, now=now, shop_area=paying, source=Stage.RESERVED)
