"""Look batches up: the office all of them, a merchant its lines, a resident their payouts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import BudgetLineId, CampaignId, RedemptionId
from voucher_service.kernel.page import Page, decode_ids, encode_cursor
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption

from .. import payment_store, store
from ..lifecycles import BatchStatus, LineStatus, PaymentStatus
from ..model import (
    Batch,
    BatchId,
    BatchLine,
    BatchLineId,
    Item,
    Payment,
    Share,
)
from ..tables import (
    SettlementItemRow,
    SettlementLineRow,
    SettlementPaymentRow,
    SettlementRow,
)
from . import views
from .access import own_merchant, require_reader
from .holding import holds


def batches(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Batch]:
    """Every batch, newest first. Raises NotAllowed, CursorInvalid."""
    require_reader(actor)
    where: list[ColumnElement[bool]] = []
    with core.transaction() as session:
        if cursor:
            (after,) = decode_ids(cursor, 1)
            number = select(SettlementRow.number).where(SettlementRow.id == after)
            where.append(SettlementRow.number < number.scalar_subquery())
        rows = store.batches(session, *where, limit=limit + 1)
        shown = views.batches(session, rows[:limit])
    return Page(shown, encode_cursor(shown[-1].id) if len(rows) > limit else None)


def under_way(core: Core, *, actor: Actor) -> list[Batch]:
    """Batches that wait for a review, for the payer or for the bank, newest first.

    Raises NotAllowed.
    """
    require_reader(actor)
    waits = SettlementRow.status.in_((BatchStatus.DRAFTED, BatchStatus.APPROVED, BatchStatus.SENT))
    with core.transaction() as session:
        return views.batches(session, store.batches(session, waits))


def batch(core: Core, *, actor: Actor, batch: BatchId) -> Batch:
    """One batch. Raises NotAllowed, NoSuchThing."""
    require_reader(actor)
    with core.transaction() as session:
        return views.batches(session, [_batch(session, batch)])[0]


def lines(
    core: Core,
    *,
    actor: Actor,
    batch: BatchId,
    status: LineStatus | None = None,
    cursor: str | None,
    limit: int,
) -> Page[BatchLine]:
    """The lines of a batch, or those that stand so. Raises NotAllowed, NoSuchThing,
    CursorInvalid.
    """
    require_reader(actor)
    where = [SettlementLineRow.batch_id == batch]
    if status is not None:
        where.append(SettlementLineRow.status == status)
    with core.transaction() as session:
        _batch(session, batch)
        return lines_page(session, where, cursor, limit)


def line(core: Core, *, actor: Actor, line: BatchLineId) -> BatchLine:
    """One line. Raises NotAllowed, NoSuchThing."""
    require_reader(actor)
    with core.transaction() as session:
        return views.lines(session, [_line(session, line)])[0]


def items(
    core: Core, *, actor: Actor, line: BatchLineId, cursor: str | None, limit: int
) -> Page[Item]:
    """The redemptions in a line. Raises NotAllowed, NoSuchThing, CursorInvalid."""
    require_reader(actor)
    with core.transaction() as session:
        return _items(session, _line(session, line), cursor, limit)


def payments(
    core: Core,
    *,
    actor: Actor,
    batch: BatchId,
    status: PaymentStatus | Collection[PaymentStatus] | None = None,
    again: bool = False,
    cursor: str | None,
    limit: int,
) -> Page[Payment]:
    """The rows of a batch's file, or those that stand so; with `again` only what the bank sent
    back of earlier batches. Raises NotAllowed, NoSuchThing, CursorInvalid.
    """
    require_reader(actor)
    row = SettlementPaymentRow
    where = [row.batch_id == batch]
    if status is not None:
        where.append(row.status.in_([status] if isinstance(status, PaymentStatus) else status))
    if again:
        own = select(SettlementLineRow.id).where(SettlementLineRow.batch_id == batch)
        where.append(row.line_id.not_in(own))
    with core.transaction() as session:
        _batch(session, batch)
        if cursor:
            (after,) = decode_ids(cursor, 1)
            place = select(row.place).where(row.id == after).scalar_subquery()
            where.append(row.place > place)
        rows = payment_store.payments(session, *where, limit=limit + 1)
    shown = [views.payment(one) for one in rows[:limit]]
    return Page(shown, encode_cursor(shown[-1].id) if len(rows) > limit else None)


def shares(core: Core, *, actor: Actor, batch: BatchId) -> list[Share]:
    """What each budget line bears of a batch, by campaign and funder. Raises NotAllowed,
    NoSuchThing.
    """
    require_reader(actor)
    with core.transaction() as session:
        _batch(session, batch)
        return batch_shares(session, batch=batch)


def batch_shares(session: Session, *, batch: BatchId) -> list[Share]:
    """The same as a step."""
    rows = store.shares(session, batch)
    of = {CampaignId(one.campaign_id) for one in rows}
    names = {one: campaigns.campaign_name(session, campaign=one) for one in of}
    known = {one.id: one for campaign in of for one in budgets.lines(session, campaign=campaign)}
    found = []
    for row in rows:
        line = known[BudgetLineId(row.line_id)]
        found.append(
            Share(
                line.id,
                CampaignId(row.campaign_id),
                names[CampaignId(row.campaign_id)],
                line.funder.code,
                line.funder.name,
                str(line.funder.level),
                row.due_fen,
                row.settled_fen,
            )
        )
    return sorted(found, key=lambda one: (one.campaign, one.funder))


def own_lines(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[BatchLine]:
    """The lines of the caller's merchant, newest first; for its managers. Raises NotAllowed,
    CursorInvalid.
    """
    with core.transaction() as session:
        where = [SettlementLineRow.merchant_id == own_merchant(session, actor)]
        return lines_page(session, where, cursor, limit, newest=True)


def own_line(core: Core, *, actor: Actor, line: BatchLineId) -> BatchLine:
    """A line of the caller's merchant. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        return views.lines(session, [_own_line(session, actor, line)])[0]


def own_items(
    core: Core, *, actor: Actor, line: BatchLineId, cursor: str | None, limit: int
) -> Page[Item]:
    """The redemptions in a line of the caller's merchant. Raises NotAllowed, NoSuchThing,
    CursorInvalid.
    """
    with core.transaction() as session:
        return _items(session, _own_line(session, actor, line), cursor, limit)


def payouts(core: Core, *, actor: Actor, payout: UUID) -> list[BatchLine]:
    """What becomes of a resident's own payout, of an application or a revision, newest first.

    Raises NotAllowed.
    """
    if actor.kind is not ActorKind.RESIDENT:
        raise NotAllowed
    row = SettlementLineRow
    with core.transaction() as session:
        mine = (row.resident_id == actor.id, or_(row.payout_id == payout, row.subject_id == payout))
        return views.lines(session, store.lines(session, *mine, newest=True))


def _batch(session: Session, id: BatchId) -> SettlementRow:
    found = store.batch(session, SettlementRow.id == id)
    if found is None:
        raise NoSuchThing
    return found


def _line(session: Session, id: BatchLineId) -> SettlementLineRow:
    found = store.lines(session, SettlementLineRow.id == id)
    if not found:
        raise NoSuchThing
    return found[0]


def _own_line(session: Session, actor: Actor, id: BatchLineId) -> SettlementLineRow:
    found = _line(session, id)
    if found.merchant_id != own_merchant(session, actor):
        raise NoSuchThing
    return found


def lines_page(
    session: Session,
    where: Sequence[ColumnElement[bool]],
    cursor: str | None,
    limit: int,
    *,
    newest: bool = False,
) -> Page[BatchLine]:
    """Lines that match, by id. Raises CursorInvalid."""
    here = list(where)
    if cursor:
        (after,) = decode_ids(cursor, 1)
        id = SettlementLineRow.id
        here.append(id < after if newest else id > after)
    rows = store.lines(session, *here, limit=limit + 1, newest=newest)
    shown = views.lines(session, rows[:limit])
    return Page(shown, encode_cursor(shown[-1].id) if len(rows) > limit else None)


def _items(session: Session, line: SettlementLineRow, cursor: str | None, limit: int) -> Page[Item]:
    row = SettlementItemRow
    where: list[ColumnElement[bool]] = [row.line_id == line.id]
    if line.status is not LineStatus.LEFT_OUT:
        where.append(row.live.is_(True))  # one that was taken out is not paid here
    if cursor:
        where.append(row.redemption_id > decode_ids(cursor, 1)[0])
    rows = session.scalars(
        select(row).where(*where).order_by(row.redemption_id).limit(limit + 1)
    ).all()
    found = _shown(session, rows[:limit])
    kept = holds(session, redemptions=[one.redemption_id for one in found])
    shown = [
        replace(one, hold=kept[one.redemption_id][0].reason) if one.redemption_id in kept else one
        for one in found
    ]
    return Page(shown, encode_cursor(shown[-1].redemption_id) if len(rows) > limit else None)


def _shown(session: Session, rows: Collection[SettlementItemRow]) -> list[Item]:
    orders = redemption.billed(session, ids=[RedemptionId(one.redemption_id) for one in rows])
    shops = list({one.shop_id for one in orders.values()})
    names = merchants.shop_names(session, shops=shops)
    found = []
    for row in rows:
        id = RedemptionId(row.redemption_id)
        order = orders[id]
        found.append(
            Item(
                id,
                order.order_reference,
                names[order.shop_id][0],
                order.occurred_at,
                order.order_amount,
                order.discount,
                row.due_fen,
            )
        )
    return found
