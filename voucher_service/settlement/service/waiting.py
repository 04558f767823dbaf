"""What a drafted batch does not pay: how much of it, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import MerchantId, RedemptionId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.tradein.review import service as review

from .. import payment_store, store
from ..lifecycles import BatchStatus
from ..model import NEXT, SENT_BACK, UNRELEASED, BatchId, HoldReason, LeftOut
from ..standing import Waiting
from ..tables import SettlementRow
from .access import require_reader
from .holding import all_held
from .payees import kept_back
from .retrying import again
from .taking import Span, span_of

_MOST_NAMED = 10
_ORDER = [*map(str, LeftOut), *map(str, HoldReason), UNRELEASED, SENT_BACK, NEXT]


@dataclass(frozen=True, slots=True)
class _Part:
    """Orders of one merchant, or a payment to a resident, that wait for one reason; `leaves`: they
    are in the batch.
    """

    reason: str
    merchant_id: MerchantId | None
    count: int
    due: Money
    leaves: bool


def waiting(core: Core, *, actor: Actor, batch: BatchId) -> list[Waiting]:
    """What was redeemed until the day of a drafted batch and is not in it, and what is in it and
    may not be paid by now, by reason; nothing of a batch that was reviewed.

    Raises NotAllowed, NoSuchThing.
    """
    require_reader(actor)
    with core.transaction() as session:
        row = store.batch(session, SettlementRow.id == batch)
        if row is None:
            raise NoSuchThing
        if row.status is not BatchStatus.DRAFTED:
            return []
        now, held = core.now(session), all_held(session)
        span = span_of(session, of=row.programme_id, day=row.day)
        left = _left(session, span, held, now)
        return _by_reason(session, [*left, *_leaving(session, batch, held, now)])


def to_retry(core: Core, *, actor: Actor, batch: BatchId) -> tuple[int, Money]:
    """How many payments that the bank sent back the review of a drafted batch takes in by now, and
    their sum; none of a batch that was reviewed. Raises NotAllowed, NoSuchThing.
    """
    require_reader(actor)
    with core.transaction() as session:
        row = store.batch(session, SettlementRow.id == batch)
        if row is None:
            raise NoSuchThing
        if row.status is not BatchStatus.DRAFTED:
            return 0, ZERO
        found = again(session, of=row.programme_id, now=core.now(session))
        return len(found), Money.total(one.due_fen - one.deducted_fen for one in found)


def outside(session: Session, span: Span, now: datetime) -> list[Waiting]:
    """What was redeemed and a draft would not take, and what the bank sent back and may not be
    tried again yet, by reason.
    """
    parts = _left(session, span, all_held(session), now)
    ready = {line.id for line in again(session, of=span.of, now=now)}
    for _, line in payment_store.retriable(session, of=span.of):
        if line.id not in ready:
            whose = None if line.merchant_id is None else MerchantId(line.merchant_id)
            amount = line.due_fen - line.deducted_fen
            parts.append(_Part(SENT_BACK, whose, 1, amount, leaves=False))
    return _by_reason(session, parts)


def _by_reason(session: Session, parts: Sequence[_Part]) -> list[Waiting]:
    whose = {one.merchant_id for one in parts if one.merchant_id}
    names = merchants.merchant_names(session, merchants=whose)
    reasons = sorted({one.reason for one in parts}, key=_ORDER.index)
    return [_told(why, [one for one in parts if one.reason == why], names) for why in reasons]


def _left(
    session: Session, span: Span, held: Mapping[RedemptionId, HoldReason], now: datetime
) -> list[_Part]:
    found = redemption.left_over(session, offers=span.offers, until=span.until, singly=held)
    kept = kept_back(session, {one.merchant_id for one in found}, now)
    sales = [one.id for one in found if one.id and one.sale]
    released = review.released(session, redemptions=sales) if sales else set()
    parts = []
    for one in found:
        why: str = NEXT
        if one.merchant_id in kept:
            why = kept[one.merchant_id]
        elif one.id and one.id in held:
            why = held[one.id]
        elif one.sale and one.id not in released:
            why = UNRELEASED
        parts.append(_Part(str(why), one.merchant_id, one.count, one.due, leaves=False))
    return parts


def _leaving(
    session: Session, batch: BatchId, held: Mapping[RedemptionId, HoldReason], now: datetime
) -> list[_Part]:
    """What the review will take out."""
    lines = store.of_merchants(session, batch)
    kept = kept_back(session, {whose for whose, _, _ in lines}, now)
    whole = [
        _Part(str(kept[whose]), whose, items, due, leaves=True)
        for whose, items, due in lines
        if whose in kept
    ]
    singly = [
        _Part(str(held[id]), whose, 1, due, leaves=True)
        for whose, id, due in store.within(session, batch, held)
        if whose not in kept
    ]
    return whole + singly


def _told(reason: str, parts: Sequence[_Part], names: Mapping[MerchantId, str]) -> Waiting:
    out, leave = ([one for one in parts if one.leaves is side] for side in (False, True))
    sums: dict[MerchantId, Money] = {}
    for one in parts:
        if one.merchant_id is None:
            continue
        sums[one.merchant_id] = sums.get(one.merchant_id, ZERO) + one.due
    largest = sorted(sums, key=lambda one: (-sums[one].fen, one))[:_MOST_NAMED]
    return Waiting(
        reason,
        sum(map(attrgetter("count"), out)),
        Money.total(one.due for one in out),
        sum(map(attrgetter("count"), leave)),
        Money.total(one.due for one in leave),
        [(one, names[one], sums[one]) for one in largest],
        more=len(sums) - len(largest),
    )
