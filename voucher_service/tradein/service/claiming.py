"""A claim: one transaction under the pool's lock, as offers do whose gate is away."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.allocation import degraded
from voucher_service.allocation import service as allocation
from voucher_service.allocation.model import REFUSALS, Ask, Closed, NotOpenYet, SoldOut, Verdict
from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.flowing import flowing
from voucher_service.campaigns.model import CampaignKind, OfferStatus
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core, core_of
from voucher_service.infra.idempotency import KeyReused, Outcome, hash_of
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.kernel.money import ZERO
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage
from voucher_service.ledger.model import pool as account

from .. import store
from ..overbooking import open_places
from ..policy import Category
from ..qualifications import (
    LIFECYCLE,
    NoPool,
    Pool,
    PoolFull,
    Qualification,
    QualificationId,
    QualificationLimit,
    ReclaimsUsed,
    Status,
)
from ..tables import QualificationRow

# So far back the rule looks for what became of qualifications.
LOOK_BACK = timedelta(days=14)


def claim(core: Core, *, actor: Actor, category: Category, key: str) -> Outcome[Qualification]:
    """Take one qualification of a category. The same key again gives the same one.

    Raises NoPool, IdentityRequired, NotOpenYet, Closed, QualificationLimit (naming what the
    resident has), ReclaimsUsed, PoolFull, SoldOut, KeyReused.
    """
    resident, key_hash = resident_of(actor), hash_of(key)
    with core.transaction() as session:
        check_standing(session, resident)
        earlier = _earlier(session, resident, category, key_hash)
        if earlier is not None:
            return earlier
        pool, now = locked(session, category)
        earlier = _earlier(session, resident, category, key_hash)
        if earlier is not None:
            return earlier
        ahead = store.waiting(session, pool.offer.id)
        if ahead and _refused_now(pool, now) is None:
            check_may(session, pool, resident, category, now)
            if places(session, pool=pool, now=now) <= ahead:
                raise PoolFull
        taken = take(
            session,
            pool=pool,
            resident=resident,
            category=category,
            key_hash=key_hash,
            actor=actor,
            now=now,
        )
        return Outcome(taken)


def locked(session: Session, category: Category) -> tuple[Pool, datetime]:
    """The pool to claim from, which nobody else claims from until the transaction ends; and the
    server's instant. Raises NoPool.
    """
    core = core_of(session)
    pool = pool_of(session, category=category, now=core.now(session))
    fence = campaigns.fence(session, offer=pool.offer.id, alone=True)
    if fence.status is not OfferStatus.OPEN:
        raise Closed
    return replace(pool, offer=replace(pool.offer, epoch=fence.epoch)), core.clock.at or fence.at


def pool_of(session: Session, *, category: Category, now: datetime) -> Pool:
    """The pool of a category: the one that is open, else the next to open. Raises NoPool."""
    running = campaigns.running_offers(session, now=now, kind=CampaignKind.TRADE_IN)
    found = [one for one in store.pools(session, running) if category in one.categories]
    if not found:
        raise NoPool
    return min(found, key=lambda one: (_opening(one, now), one.offer.id))


def take(
    session: Session,
    *,
    pool: Pool,
    resident: ResidentId,
    category: Category,
    key_hash: bytes,
    actor: Actor,
    now: datetime,
) -> Qualification:
    """Give a resident one qualification of a locked pool. Raises as `claim`."""
    refusal = _refused_now(pool, now)
    if refusal is not None:
        raise refusal
    unit, attempt = check_may(session, pool, resident, category, now)
    if not places(session, pool=pool, now=now):
        raise PoolFull
    slots = allocation.pool_of(flowing(pool.offer, now))
    # The release that is open first: what earlier ones left over is looked for behind it.
    slots = replace(slots, windows=tuple(reversed(slots.windows)))
    ask = Ask(resident, key_hash)
    (answer,) = degraded.seats(session, pool=slots, asks=[ask], now=now, rows=QualificationRow)
    if answer.seat is None:
        raise _told(answer.verdict, pool, now)
    seat, id = answer.seat, QualificationId(new_id())
    row = QualificationRow(
        id=id,
        offer_id=pool.offer.id,
        release_id=seat.window.release,
        release_quota=seat.window.quota,
        slot=seat.slot,
        resident_id=resident,
        ordinal=seat.ordinal,
        generation=seat.generation,
        epoch=pool.offer.epoch,
        holds_slot=True,
        claim_key_hash=key_hash,
        occurred_at=now,
        category=category,
        year=day_of(now).year,
        unit=unit,
        units_most=pool.policy.units_of(category),
        attempt=attempt,
        attempts_most=pool.attempts(category),
        status=LIFECYCLE.initial,
        valid_until=pool.valid_until(now),
        code_ref=store.code_ref(id),
        subsidy_fen=None,
        reminded_at=None,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:  # from another pool of the category, at the same moment
        raise QualificationLimit(limit=pool.policy.units_of(category)) from error
    audit.record(
        session,
        actor=actor,
        action="qualification.claimed",
        object_type=LIFECYCLE.name,
        object_id=str(id),
        now=now,
        to_status=str(LIFECYCLE.initial),
        detail={"offer": str(pool.offer.id), "category": str(category), "attempt": attempt},
    )
    (made,) = store.qualifications(session, QualificationRow.id == id)
    return made


def places(session: Session, *, pool: Pool, now: datetime) -> int:
    """How many more may be claimed now: what stands as reserved is the money that is left."""
    reserved = account(pool.offer.id, Stage.RESERVED)
    return open_places(
        money=ledger.balances(session, [reserved])[reserved],
        spent=ZERO,
        frozen=ZERO,
        held=store.held(session, pool.offer.id, Status.CLAIMED),
        most=pool.most,
        past=store.past(session, pool.offer.id, now - LOOK_BACK, now),
        overbook_bps=pool.overbook_bps,
    )


def check_may(
    session: Session, pool: Pool, resident: ResidentId, category: Category, now: datetime
) -> tuple[int, int]:
    """The unit and the attempt that a claim would be. Raises QualificationLimit, ReclaimsUsed."""
    most = pool.policy.units_of(category)
    has = store.units(session, resident, category, day_of(now).year)
    unit = next((one for one in range(1, most + 1) if one not in has), None)
    if unit is None:
        ids = [str(id) for _, id in sorted(has.items())]
        raise QualificationLimit(extra={"qualification_ids": ids}, limit=most)
    attempt = store.attempts(session, pool.offer.id, resident, category) + 1
    if attempt > pool.attempts(category):
        raise ReclaimsUsed(limit=pool.attempts(category))
    return unit, attempt


def check_standing(session: Session, resident: ResidentId) -> None:
    """Raises IdentityRequired, ResidentBlocked."""
    refusal = identity.standings(session, residents=[resident]).get(resident)
    if refusal is not None:
        raise refusal


def resident_of(actor: Actor) -> ResidentId:
    """The resident who asks."""
    if actor.kind is not ActorKind.RESIDENT or actor.id is None:
        raise NoSuchThing
    return ResidentId(actor.id)


def _earlier(
    session: Session, resident: ResidentId, category: Category, key_hash: bytes
) -> Outcome[Qualification] | None:
    found = store.qualifications(
        session,
        QualificationRow.resident_id == resident,
        QualificationRow.claim_key_hash == key_hash,
    )
    if not found:
        return None
    if found[0].category is not category:
        raise KeyReused
    return Outcome(found[0], replayed=True)


def _opening(pool: Pool, now: datetime) -> datetime:
    return min(max(one.opens_at, now) for one in pool.offer.releases if one.closes_at > now)


def _refused_now(pool: Pool, now: datetime) -> DomainError | None:
    """Why nothing can be claimed at this instant, whatever is free."""
    if any(one.opens_at <= now < one.closes_at for one in pool.offer.releases):
        return None
    return _told(Verdict.TOO_EARLY, pool, now)


def _told(verdict: Verdict, pool: Pool, now: datetime) -> DomainError:
    """The refusal, with the next opening where that is what to do next."""
    later = [one.opens_at for one in pool.offer.releases if one.opens_at > now]
    if verdict is Verdict.TOO_EARLY:
        return NotOpenYet(opens_at=min(later)) if later else Closed()
    if verdict is Verdict.SOLD_OUT and later:
        return SoldOut(next_at=min(later))
    return REFUSALS[verdict]()
