"""The line of a full pool: a place, and a qualification when one comes free."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.allocation.model import SoldOut
from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, OfferStatus
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import hash_of
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import OfferId, ResidentId, new_id
from voucher_service.notices import service as notices
from voucher_service.notices.model import Kind

from .. import store
from ..policy import Category
from ..qualifications import Pool, PoolFull, Waiting
from ..tables import WaitingRow
from . import using
from .claiming import check_may, check_standing, locked, resident_of, take

_MOST_AT_ONCE = 100


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
        running = campaigns.running_offers(
            session, now=core.now(session), kind=CampaignKind.TRADE_IN
        )
        pools = store.pools(session, running)
    return sum(_promote(core, pool) for pool in pools)


def _promote(core: Core, pool: Pool) -> int:
    """One transaction under the pool's lock; who may not claim any more leaves the line."""
    with core.transaction() as session:
        if not store.line(session, pool.offer.id, limit=1):
            return 0
        fence = campaigns.fence(session, offer=pool.offer.id, alone=True)
        if fence.status is not OfferStatus.OPEN:
            return 0
        now = core.clock.at or fence.at
        line = store.line(session, pool.offer.id, limit=_MOST_AT_ONCE)
        holders = [row for row in line if row.qualification_id is not None]
        left = using.tell_holders(session, pool=pool, rows=holders, now=now)
        if left < len(holders):
            return left  # there isn't the money for those who have one
        for row in line[len(holders) :]:
            try:
                check_standing(session, ResidentId(row.resident_id))
                check_may(session, pool, ResidentId(row.resident_id), row.category, now)
            except DomainError:
                row.ended_at = now
                left += 1
                continue
            if not _give(session, pool, row, now):
                break
            row.ended_at = now
            left += 1
        session.flush()
    return left


def _give(session: Session, pool: Pool, row: WaitingRow, now: datetime) -> bool:
    """Whether there was a place."""
    resident = ResidentId(row.resident_id)
    try:
        given = take(
            session,
            pool=pool,
            resident=resident,
            category=row.category,
            key_hash=hash_of(f"line:{row.id}"),
            actor=SYSTEM,
            now=now,
        )
    except (PoolFull, SoldOut):
        return False
    notices.add(
        session,
        kind=Kind.QUALIFICATION_GIVEN,
        subject=row.id,
        residents=[resident],
        title=pool.offer.title,
        at=given.valid_until,
        now=now,
    )
    return True


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
