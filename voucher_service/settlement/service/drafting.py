"""Draft the batch of a day: a line for each merchant and each payout, some hundred at a time.

Each part is one transaction that begins where the one before ended, so that an interrupted draft is
simply asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind
from voucher_service.kernel.clock import end_of
from voucher_service.kernel.ids import MerchantId, ProgrammeId, RedemptionId, new_id
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Phase

from .. import store
from ..lifecycles import BATCH, LINE, BatchEvent, BatchStatus
from ..model import Batch, BatchId, DayNotOver, LineKind, SyntheticNotNamed, net
from ..standing import NothingDue
from ..tables import SettlementRow
from . import advancing, residents, sharing, views, waiting
from .access import require_finance
from .holding import all_held
from .owing import owed_now
from .retrying import again, end_lowered
from .taking import MERCHANTS_AT_ONCE, Span, anything, payable, span_of

T = TypeVar("T")
_PAYOUTS_AT_ONCE = 500


def draft(
    core: Core,
    *,
    actor: Actor,
    day: date,
    programme: str | None = None,
    synthetic: bool = False,
) -> Batch:
    """The batch of everything until the end of a day that no other batch has; drafted once, the
    same again after that, and gone on with after an interruption. Where nothing can be paid there
    is none: the refusal says what waits, and why.

    A replayed programme is settled alone, by its slug and with `synthetic`. Raises NotAllowed,
    DayNotOver, NothingDue, SyntheticNotNamed, NoSuchThing.
    """
    if actor.kind is not ActorKind.SYSTEM:
        require_finance(actor)
    of = None
    if programme is not None:
        of = _replayed(core, programme, named=synthetic)
    id = _begin(core, actor, day, of)
    with core.transaction() as session:
        row = store.locked(session, id)
        span = span_of(session, of=row.programme_id, day=row.day)
        after = store.last_merchant(session, id)
        unpaid = redemption.merchants_unpaid(session, after=after)
    for first in range(0, len(unpaid), MERCHANTS_AT_ONCE):
        some = unpaid[first : first + MERCHANTS_AT_ONCE]
        _do(core, id, partial(_merchants, span=span, some=some))
    _do(core, id, advancing.draft_advances)
    _do(core, id, end_lowered)
    cursor: residents.Cursor | None = residents.START
    while cursor is not None:
        part = partial(
            residents.draft_payouts, offers=span.offers, cursor=cursor, most=_PAYOUTS_AT_ONCE
        )
        cursor = _do(core, id, part)
    _do(core, id, partial(_finish, core=core, actor=actor))
    with core.transaction() as session:
        return views.batches(session, [store.locked(session, id)])[0]


def _do(core: Core, id: BatchId, part: Callable[[Session, SettlementRow], T]) -> T | None:
    """One part of a draft in its transaction; nothing when the draft is over."""
    with core.transaction() as session:
        # Set-based statements over a slice of the city.
        session.execute(text("SET LOCAL statement_timeout = '5min'"))
        row = store.locked(session, id)
        return part(session, row) if row.status is BatchStatus.DRAFTING else None


def due_at(session: Session, *, day: date, now: datetime) -> bool:
    """Whether a draft of a day would pay anything, and no other batch stands for it."""
    if row := _standing(session, day, None):
        return row.status is BatchStatus.DRAFTING
    return anything(session, span_of(session, of=None, day=day), now)


def _replayed(core: Core, programme: str, *, named: bool) -> ProgrammeId:
    """The replayed programme of a slug. Raises SyntheticNotNamed, NoSuchThing."""
    with core.transaction() as session:
        found = campaigns.programme(session, slug=programme)
    if not (found.synthetic and named):
        raise SyntheticNotNamed
    return found.id


def _begin(core: Core, actor: Actor, day: date, of: ProgrammeId | None) -> BatchId:
    with core.transaction() as session:
        now = core.now(session)
        if now < end_of(day):
            raise DayNotOver
        if row := _standing(session, day, of):
            return BatchId(row.id)
        span = span_of(session, of=of, day=day)
        if not anything(session, span, now):
            raise NothingDue(waiting.outside(session, span, now))
        values = {
            "id": new_id(),
            "day": day,
            "programme_id": of,
            "status": BATCH.initial,
            "drafted_at": now,
            "drafted_by": actor.id,
        }
        new = store.begin(session, values)
        row = _standing(session, day, of)
        assert row is not None, "it was inserted, or was there"
        if new:
            audit.record(
                session,
                actor=actor,
                action="settlement.begun",
                object_type=BATCH.name,
                object_id=str(row.id),
                now=now,
                to_status=str(BATCH.initial),
                detail={"day": day.isoformat()},
            )
        return BatchId(row.id)


def _standing(session: Session, day: date, of: ProgrammeId | None) -> SettlementRow | None:
    """The batch that a day has, of the real programmes or of one replayed one."""
    same = SettlementRow.programme_id.is_not_distinct_from(of)
    stands = SettlementRow.status != BatchStatus.DROPPED
    return store.batch(session, SettlementRow.day == day, same, stands)


def _merchants(
    session: Session, row: SettlementRow, *, span: Span, some: Collection[MerchantId]
) -> None:
    """The lines of some merchants, with everything of theirs that may be paid."""
    due: dict[MerchantId, list[redemption.UnpaidOrder]] = {}
    held = all_held(session)
    for one in payable(session, some, span, row.drafted_at, held=held, lock=True):
        due.setdefault(one.merchant_id, []).append(one)
    if not due:
        return
    owed = owed_now(session, due)
    names = merchants.merchant_names(session, merchants=due)
    lines: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for whose, orders in due.items():
        total = Money.total(one.due for one in orders)
        line = {
            "id": new_id(),
            "batch_id": row.id,
            "kind": str(LineKind.MERCHANT),
            "merchant_id": whose,
            "name": names[whose],
            "items": len(orders),
            "due_fen": total.fen,
            "deducted_fen": net(total, owed[whose]).fen,
            "status": str(LINE.initial),
        }
        lines.append(line)
        items += (
            {
                "line_id": line["id"],
                "redemption_id": one.id,
                "offer_id": one.offer_id,
                "due_fen": one.due.fen,
            }
            for one in orders
        )
    store.add_lines(session, lines)
    store.add_items(session, items)
    ids: set[RedemptionId] = {one["redemption_id"] for one in items}
    redemption.mark_settled(session, ids=ids, phase=Phase.BATCHED, now=row.drafted_at, actor=SYSTEM)


def _finish(session: Session, row: SettlementRow, *, core: Core, actor: Actor) -> None:
    """Nothing is left to add: what it comes to, and until when merchants may look at it. One that
    comes to nothing after all, held meanwhile, is no batch.
    """
    now, id = core.now(session), BatchId(row.id)
    sharing.plan(session, id, now)
    store.count_up(session, id)
    counted = store.locked(session, id)
    empty = not counted.lines and not again(session, of=row.programme_id, now=now)
    until = now + timedelta(hours=core.settings.settlement.statement_hours)
    audit.transition(
        session,
        SettlementRow,
        id=row.id,
        current=BatchStatus.DRAFTING,
        lifecycle=BATCH,
        event=BatchEvent.EMPTY if empty else BatchEvent.DRAFTED,
        actor=actor,
        now=now,
        set_={} if empty else {"statement_until": until},
        detail={"lines": counted.lines, "items": counted.items, "due_fen": counted.due_fen.fen},
    )
