"""What a till does with a qualification: freeze, use, let go, restore; and money that is short.

A pool reserves at the freeze, so freezes of one pool take turns: each must know what is left.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.database import array
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of, end_of
from voucher_service.kernel.ids import OfferId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage
from voucher_service.ledger.model import pool as account
from voucher_service.notices import service as notices
from voucher_service.notices.model import Kind

from .. import store
from ..qualifications import (
    LIFECYCLE,
    Event,
    Pool,
    Qualification,
    QualificationId,
    Status,
)
from ..tables import PoolRow, QualificationRow, WaitingRow

# So long a qualification can be used at least once a refund has brought it back, that day included.
DAYS_AFTER_REFUND = 3

_WITHIN = text("""
SELECT span.place, qualification.code_ref
FROM unnest(CAST(:lows AS bigint[]), CAST(:highs AS bigint[]))
    WITH ORDINALITY AS span (low, high, place)
JOIN qualification ON qualification.code_ref BETWEEN span.low AND span.high
ORDER BY span.place
""")


def by_code_refs(session: Session, *, code_refs: Collection[int]) -> dict[int, Qualification]:
    """The qualifications that these codes are of."""
    if not code_refs:
        return {}
    found = store.qualifications(session, QualificationRow.code_ref.in_(code_refs))
    return {one.code_ref: one for one in found}


def by_ids(
    session: Session, *, ids: Collection[QualificationId]
) -> dict[QualificationId, Qualification]:
    """Qualifications by id."""
    if not ids:
        return {}
    return {one.id: one for one in store.qualifications(session, QualificationRow.id.in_(ids))}


def spans(
    session: Session, *, ids: Collection[QualificationId]
) -> dict[QualificationId, tuple[datetime, datetime]]:
    """From when until when qualifications can be used."""
    return {one.id: (one.claimed_at, one.valid_until) for one in by_ids(session, ids=ids).values()}


def code_refs_within(session: Session, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The references in each of the spans, both ends included, with the place of the span."""
    told = {"lows": array([low for low, _ in spans]), "highs": array([high for _, high in spans])}
    return [(place - 1, reference) for place, reference in session.execute(_WITHIN, told)]


def money_left(
    session: Session, *, offers: Collection[OfferId], alone: bool
) -> dict[OfferId, Money]:
    """What these pools can still pay; `alone`: nobody else freezes until the transaction ends."""
    if alone:
        turns = select(PoolRow.offer_id).where(PoolRow.offer_id.in_(offers))
        session.execute(turns.order_by(PoolRow.offer_id).with_for_update(key_share=True))
    accounts = {account(one, Stage.RESERVED): one for one in offers}
    held = ledger.balances(session, accounts)
    return {one: held[name] for name, one in accounts.items()}


def freeze(
    session: Session, *, id: QualificationId, subsidy: Money, actor: Actor, now: datetime
) -> None:
    """Set it aside for an order with this subsidy. Raises OvertakenByAnother."""
    _move(session, id, Status.CLAIMED, Event.FROZEN, actor, now, subsidy_fen=subsidy)


def release(session: Session, *, id: QualificationId, actor: Actor, now: datetime) -> None:
    """Let it go unused: one whose last day is over meanwhile lapses. Raises OvertakenByAnother."""
    _move(session, id, Status.FROZEN, Event.RELEASED, actor, now, subsidy_fen=None)


def use(session: Session, *, id: QualificationId, actor: Actor, now: datetime) -> None:
    """The frozen one is used, also after its last day. Raises OvertakenByAnother."""
    _move(session, id, Status.FROZEN, Event.USED, actor, now)


def keep(session: Session, *, id: QualificationId, subsidy: Money) -> None:
    """A refund lowered the subsidy of a used one."""
    session.execute(
        update(QualificationRow).where(QualificationRow.id == id).values(subsidy_fen=subsidy)
    )


def restored_until(qualification: Qualification, now: datetime) -> datetime | None:
    """Until when a used one could be used again if it were restored now: its old end or three
    days, whichever is later, within its pool's. None: the pool is over.
    """
    last = end_of(qualification.pool.ends_on)
    if now >= last:
        return None
    grace = end_of(day_of(now) + timedelta(days=DAYS_AFTER_REFUND - 1))
    return min(last, max(qualification.valid_until, grace))


def restore(
    session: Session, *, qualification: Qualification, actor: Actor, now: datetime
) -> Status:
    """Give a used one back to its holder, with its slot; given up where its pool is over.

    Where it stands then. Raises OvertakenByAnother.
    """
    until = restored_until(qualification, now)
    values = {"subsidy_fen": None} | ({"valid_until": until} if until else {})
    id = qualification.id
    _move(session, id, Status.USED, Event.RESTORED, actor, now, **values)
    if until is not None:
        return Status.CLAIMED
    _move(session, id, Status.CLAIMED, Event.GIVEN_UP, actor, now, holds_slot=False)
    return Status.GIVEN_UP


def put_first(
    session: Session, *, qualification: Qualification, actor: Actor, now: datetime
) -> None:
    """A till had no money for a holder: the first of the line, until there is some. Once only."""
    row = {
        "id": new_id(),
        "offer_id": qualification.pool.offer.id,
        "resident_id": qualification.resident_id,
        "category": qualification.category,
        "qualification_id": qualification.id,
        "occurred_at": now,
    }
    if (
        session.execute(
            insert(WaitingRow).values(row).on_conflict_do_nothing().returning(WaitingRow.id)
        ).first()
        is None
    ):
        session.execute(
            update(WaitingRow)
            .where(
                WaitingRow.offer_id == row["offer_id"],
                WaitingRow.resident_id == row["resident_id"],
                WaitingRow.category == row["category"],
                WaitingRow.ended_at.is_(None),
            )
            .values(qualification_id=qualification.id)
        )
    audit.record(
        session,
        actor=actor,
        action="qualification.money_short",
        object_type=LIFECYCLE.name,
        object_id=str(qualification.id),
        now=now,
        detail={"offer": str(qualification.pool.offer.id)},
    )


def tell_holders(session: Session, *, pool: Pool, rows: Sequence[WaitingRow], now: datetime) -> int:
    """Let the first of these holders leave the line, as far as the pool's money now pays the most
    that each may need; how many. Who can still use theirs is told by SMS.
    """
    offer = pool.offer.id
    left = money_left(session, offers=[offer], alone=False)[offer] if rows else ZERO
    for place, row in enumerate(rows):
        assert row.qualification_id is not None
        id = QualificationId(row.qualification_id)
        found = by_ids(session, ids=[id])[id]
        if found.shown_status(now) is Status.CLAIMED:
            if left < pool.most:
                return place
            left -= pool.most
            notices.add(
                session,
                kind=Kind.QUALIFICATION_FUNDED,
                subject=row.id,
                residents=[found.resident_id],
                title=pool.offer.title,
                at=found.valid_until,
                now=now,
            )
        row.ended_at = now
    return len(rows)


def _move(
    session: Session,
    id: QualificationId,
    current: Status,
    event: Event,
    actor: Actor,
    now: datetime,
    **values: object,
) -> None:
    audit.transition(
        session,
        QualificationRow,
        id=id,
        current=current,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
        set_=values,
    )
