"""Points of a shop: stalls and booths that its cashiers choose to stand at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CashierId, PointId, ShopId, new_id
from voucher_service.kernel.page import Page, encode_cursor

from .. import model, place, stand_store, store
from ..stands import Point, PointClosed, PointPlan
from ..tables import PointRow
from .access import after_name, managed_shop
from .views import found

_MOST_TO_CHOOSE = 100


def add_point(core: Core, *, actor: Actor, shop: ShopId, plan: PointPlan) -> Point:
    """Open a point of a shop. Raises NotAllowed, NoSuchThing, BusinessNameInvalid."""
    with core.transaction() as session:
        row, now = managed_shop(session, actor, shop), core.now(session)
        made = PointRow(id=new_id(), shop_id=row.id, made_at=now, **_columns(plan))
        session.add(made)
        session.flush()
        _record(session, actor, "point.added", made, now)
        return _view(made)


def change_point(core: Core, *, actor: Actor, point: PointId, plan: PointPlan) -> Point:
    """Give a point another name, position or season. Raises as `add_point`, and PointClosed."""
    with core.transaction() as session:
        row, now = _open(session, actor, point), core.now(session)
        for name, value in _columns(plan).items():
            setattr(row, name, value)
        session.flush()
        _record(session, actor, "point.changed", row, now)
        return _view(row)


def close_point(core: Core, *, actor: Actor, point: PointId) -> Point:
    """Close a point for good; tills that stand there stand at the shop again. Raises as above."""
    with core.transaction() as session:
        row, now = _open(session, actor, point), core.now(session)
        row.closed_at = now
        session.flush()
        _record(session, actor, "point.closed", row, now)
        return _view(row)


def points(
    core: Core,
    *,
    actor: Actor,
    shop: ShopId,
    cursor: str | None,
    limit: int,
    closed: bool = False,
) -> Page[Point]:
    """A shop's points by name, as its manager sees them.

    Raises NotAllowed, NoSuchThing, CursorInvalid.
    """
    after = after_name(cursor)
    with core.transaction() as session:
        row = managed_shop(session, actor, shop)
        rows = stand_store.points(session, row.id, closed=closed, after=after, most=limit + 1)
        items = [_view(one) for one in rows[:limit]]
    more = len(rows) > limit
    return Page(items, encode_cursor(items[-1].name, items[-1].id) if more else None)


def load_point(core: Core, *, actor: Actor, point: PointId) -> Point:
    """A point of the manager's merchant. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        return _view(_managed(session, actor, point))


def points_to_stand_at(core: Core, *, actor: Actor) -> list[Point]:
    """The points of the cashier's shop that are open today, by name."""
    with core.transaction() as session:
        today = day_of(core.now(session))
        rows = stand_store.points(
            session, _shop_of(session, actor), closed=False, after=None, most=_MOST_TO_CHOOSE
        )
    return [point for point in map(_view, rows) if point.open_on(today)]


def stand_at_point(core: Core, *, actor: Actor, session: UUID, point: PointId | None) -> None:
    """Choose the point of the own shop at which a session redeems; None is the shop itself.

    Raises NoSuchThing, PointClosed.
    """
    with core.transaction() as books:
        if point is not None:
            row = found(stand_store.point(books, point))
            if row.shop_id != _shop_of(books, actor):
                raise NoSuchThing
            if not _view(row).open_on(day_of(core.now(books))):
                raise PointClosed
        stand_store.stand(books, session, point_id=point)


def names(session: Session, *, points: Collection[UUID]) -> Mapping[UUID, str]:
    """Names of points by id, closed ones too: for receipts and the totals of a day."""
    return stand_store.point_names(session, points) if points else {}


def _columns(plan: PointPlan) -> dict[str, object]:
    at = plan.position
    return {
        "name": model.business_name(plan.name),
        "latitude": at and at.latitude,
        "longitude": at and at.longitude,
        "opens_on": plan.opens_on,
        "closes_on": plan.closes_on,
    }


def _managed(session: Session, actor: Actor, point: PointId) -> PointRow:
    row = found(stand_store.point(session, point))
    managed_shop(session, actor, ShopId(row.shop_id))
    return row


def _open(session: Session, actor: Actor, point: PointId) -> PointRow:
    row = _managed(session, actor, point)
    if row.closed_at is not None:
        raise PointClosed
    return row


def _shop_of(session: Session, actor: Actor) -> ShopId:
    if actor.kind is not ActorKind.CASHIER or actor.id is None:
        raise NoSuchThing
    return ShopId(found(store.cashier(session, CashierId(actor.id))).shop_id)


def _record(session: Session, actor: Actor, action: str, row: PointRow, now: datetime) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="point",
        object_id=str(row.id),
        now=now,
        detail={
            "shop": str(row.shop_id),
            "name": row.name,
            "position": [row.latitude, row.longitude],
            "opens_on": row.opens_on and row.opens_on.isoformat(),
            "closes_on": row.closes_on and row.closes_on.isoformat(),
        },
    )


def _view(row: PointRow) -> Point:
    return Point(
        id=PointId(row.id),
        shop_id=ShopId(row.shop_id),
        name=row.name,
        position=place.position(row.latitude, row.longitude),
        opens_on=row.opens_on,
        closes_on=row.closes_on,
        closed=row.closed_at is not None,
    )
