"""Finance keeps single redemptions back by hand, and reads everything that is held."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.page import Page, decode_ids, encode_cursor
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption

from ..model import HeldOrder, Hold, HoldReason
from ..tables import SettlementHoldRow
from .access import require_finance, require_reader
from .holding import hold, holds, release_hold


def hold_back(core: Core, *, actor: Actor, redemption: RedemptionId, note: str) -> None:
    """Keep a redemption out of every batch that is not sent; the note stays on record. Held so
    already, nothing changes.

    Raises NotAllowed, NoSuchThing.
    """
    _by_hand(core, actor, redemption, note, placed=True)


def let_go(core: Core, *, actor: Actor, redemption: RedemptionId, note: str) -> None:
    """End a hold that was placed by hand: the next batch pays what nothing else holds. Differences
    and disputes end where they are settled.

    Raises NotAllowed, NoSuchThing.
    """
    _by_hand(core, actor, redemption, note, placed=False)


def held(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[HeldOrder]:
    """Everything that is held, newest first. Raises NotAllowed, CursorInvalid."""
    require_reader(actor)
    row = SettlementHoldRow
    where: list[ColumnElement[bool]] = [row.until.is_(None)]
    if cursor:
        where.append(row.id < decode_ids(cursor, 1)[0])
    with core.transaction() as session:
        rows = session.scalars(
            select(row).where(*where).order_by(row.id.desc()).limit(limit + 1)
        ).all()
        found = [
            Hold(RedemptionId(one.redemption_id), one.reason, one.placed_by, one.since, one.until)
            for one in rows[:limit]
        ]
        shown = _orders(session, found)
    return Page(shown, encode_cursor(rows[limit - 1].id) if len(rows) > limit else None)


def order(
    core: Core, *, actor: Actor, redemption: RedemptionId
) -> tuple[HeldOrder, Sequence[HeldOrder]]:
    """A redemption, and one entry for each reason that holds it. Raises NotAllowed, NoSuchThing."""
    require_reader(actor)
    with core.transaction() as session:
        return _bare(session, redemption), _orders(
            session, holds(session, redemptions=[redemption]).get(redemption, [])
        )


def _by_hand(core: Core, actor: Actor, id: RedemptionId, note: str, *, placed: bool) -> None:
    require_finance(actor)
    with core.transaction() as session:
        _bare(session, id)
        now, change = core.now(session), hold if placed else release_hold
        if change(session, redemption=id, reason=HoldReason.RISK, by=actor, now=now):
            audit.record(
                session,
                actor=actor,
                action="settlement_hold.explained",
                object_type="redemption",
                object_id=str(id),
                now=now,
                detail={"placed": placed, "note": note},
            )


def _bare(session: Session, id: RedemptionId) -> HeldOrder:
    """The order of a redemption. Raises NoSuchThing."""
    found = _named(session, [id])
    if not found:
        raise NoSuchThing
    return found[id]


def _orders(session: Session, found: Sequence[Hold]) -> list[HeldOrder]:
    known = _named(session, [one.redemption_id for one in found])
    return [known[one.redemption_id].because(one) for one in found]


def _named(session: Session, ids: Sequence[RedemptionId]) -> dict[RedemptionId, HeldOrder]:
    orders = redemption.billed(session, ids=ids)
    names = merchants.shop_names(session, shops=[one.shop_id for one in orders.values()])
    return {
        id: HeldOrder(
            id,
            *names[one.shop_id],
            one.order_reference,
            one.occurred_at,
            one.discount,
            one.paid,
        )
        for id, one in orders.items()
    }
