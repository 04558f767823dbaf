"""The line of a full pool: a place, and a qualification when one comes free."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.allocation.model import Closed, NotOpenYet, SoldOut
from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.ids import OfferId, ResidentId, new_id
from voucher_service.notices import service as notices
from voucher_service.notices.model import Kind

from .. import store
from ..policy import Category
from ..qualifications import Pool, PoolFull, Qualification, Waiting
from ..tables import WaitingRow
from . import using
from .claiming import check_may, check_standing, claim_in_line, locked, resident_of
from .pools import places, running
from .request import Answer, Request

_MOST_AT_ONCE = 100
# Whoever hears one of these keeps the place in the line.
_NOT_YET = (PoolFull, SoldOut, Closed, NotOpenYet, TryAgain)


def wait(core: Core, *, actor: Actor, category: Category) -> Waiting:
    """Stand in the line of the category's pool; who stands there already keeps the place.

    Raises NoPool, Closed, IdentityRequired, QualificationLimit, ReclaimsUsed.
    """
    resident = resident_of(actor)
    with core.transaction() as session:
        check_standing(session, resident)
        pool, now = locked(session, category)
        for row in store.waits_of(session, resident):
            if row.offer_id == pool.offer.id and row.category is category:
                return _view(session, pool, row)
        check_may(session, pool, resident, category, now)
        row = WaitingRow(
            id=new_id(),
            offer_id=pool.offer.id,
            resident_id=resident,
            category=category,
            occurred_at=now,
            qualification_id=None,
            ended_at=None,
        )
        session.add(row)
        session.flush()
        _record(session, actor, "qualification.waits", row, now)
        return _view(session, pool, row)


def leave(core: Core, *, actor: Actor, category: Category) -> None:
    """Leave the line; who stands in none has left."""
    resident = resident_of(actor)
    with core.transaction() as session:
        now = core.now(session)
        for row in store.waits_of(session, resident):
            if row.category is category:
                row.ended_at = now
                session.flush()
                _record(session, actor, "qualification.waits_no_more", row, now)


def waiting(core: Core, *, actor: Actor) -> list[Waiting]:
    """The lines that a resident stands in, with the places."""
    with core.transaction() as session:
        rows = store.waits_of(session, resident_of(actor))
        offers = [campaigns.offer(session, offer=OfferId(row.offer_id)) for row in rows]
        of = {one.offer.id: one for one in store.pools(session, offers)}
        return [_view(session, of[offer.id], row) for row, offer in zip(rows, offers, strict=True)]


def promote_due(core: Core) -> int:
    """Give what came free to who waits, and tell them by SMS. How many left a line."""
    with core.transaction() as session:
        found = running(session, now=core.now(session))
    return sum(_call_back(core, pool) + _promote(core, pool) for pool in found)


def _call_back(core: Core, pool: Pool) -> int:
    """Tell holders whom a till refused, as far as there is money for all before them."""
    with core.transaction() as session:
        line = store.line(session, pool.offer.id, limit=_MOST_AT_ONCE)
        holders = [row for row in line if row.qualification_id is not None]
        return using.tell_holders(session, pool=pool, rows=holders, now=core.now(session))


def _promote(core: Core, pool: Pool) -> int:
    """Claim for the head of the line, as far as there are places, until nobody leaves it.

    A worker that was killed in between claims again by the same keys, and finds what was given.
    """
    left = 0
    while True:
        with core.transaction() as session:
            offer = pool.offer.id
            line = store.line(session, offer, limit=_MOST_AT_ONCE)
            if not line or line[0].qualification_id is not None:
                return left  # nobody waits, or there isn't the money for those who have one
            free = places(session, pool=pool, now=core.now(session))
            heads = {row.id: _request(row) for row in line[:free]}
        if not heads:
            return left
        answers = claim_in_line(core, pool.offer.id, list(heads.values()))
        gone = _leave(core, dict(zip(heads, answers, strict=True)))
        if not gone:
            return left
        left += gone


def _request(row: WaitingRow) -> Request:
    resident = ResidentId(row.resident_id)
    return Request(SYSTEM, resident, row.category, f"line:{row.id}", in_line=True)


def _leave(core: Core, answers: dict[UUID, Answer]) -> int:
    """End the wait of whoever got one, and tell them; and of who may not claim any more."""
    over = {id: one for id, one in answers.items() if not isinstance(one, _NOT_YET)}
    with core.transaction() as session:
        now = core.now(session)
        ended = store.end_waits(session, list(over), now)
        for id in ended:
            answer = over[id]
            if isinstance(answer, Outcome):
                _tell(session, answer.value, id, now)
    return len(ended)


def _tell(session: Session, given: Qualification, wait: UUID, now: datetime) -> None:
    notices.add(
        session,
        kind=Kind.QUALIFICATION_GIVEN,
        subject=wait,
        residents=[given.resident_id],
        title=given.pool.offer.title,
        at=given.valid_until,
        now=now,
    )


def _view(session: Session, pool: Pool, row: WaitingRow) -> Waiting:
    return Waiting(row.id, pool, row.category, store.place(session, row))


def _record(session: Session, actor: Actor, action: str, row: WaitingRow, now: datetime) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="qualification_waiting",
        object_id=str(row.id),
        now=now,
        detail={"offer": str(row.offer_id), "category": str(row.category)},
    )
