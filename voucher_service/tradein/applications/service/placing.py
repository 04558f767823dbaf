"""A place of a pool for each application that was handed in, and the money behind it.

One transaction under the pool's lock, in PostgreSQL alone, with the columns and constraints of
everything that is allocated: applications come by the dozen a minute, and each brings money along.
What was decided stands as outstanding until it is committed at the approval, or goes back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.allocation import degraded
from voucher_service.allocation import service as allocation
from voucher_service.allocation.model import Ask, Closed, NotOpenYet, Verdict
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.flowing import flowing
from voucher_service.campaigns.model import CampaignKind, Offer, OfferStatus
from voucher_service.infra import areas
from voucher_service.infra.idempotency import hash_of
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import OfferId, ResidentId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Stage, move
from voucher_service.ledger.model import pool as account

from ...qualifications import NoPool, PoolFull
from .. import store
from ..pools import ApplicationPool
from ..refusals import PoolShort, UnitsTaken
from ..tables import ApplicationRow, PlaceRow


def hold(session: Session, row: ApplicationRow, *, before: Money | None, now: datetime) -> None:
    """Give an application that was just handed in a place, and set the money decided aside; one
    that has a place already, with the sum `before`, keeps it.

    Raises NoPool, PoolFull, NotOpenYet, Closed, UnitsTaken, PoolShort.
    """
    place = store.place(session, row.id)
    if place is not None:
        offer = _offer(session, place)
        if not areas.within(row.area, offer.issuing_area):
            raise NoPool(year=_year(row))
        change(session, row, before=before or ZERO, now=now)
        return
    pool = _pool(session, row, now)
    fence = campaigns.fence(session, offer=pool.offer.id, alone=True)
    if fence.status is not OfferStatus.OPEN:
        raise Closed
    pool = replace(pool, offer=replace(pool.offer, epoch=fence.epoch))
    _seat(session, row, pool, now)
    if not _set_aside(session, pool.offer.id, row.id, _sum(row), now):
        raise _full(row, pool, now)


def change(session: Session, row: ApplicationRow, *, before: Money, now: datetime) -> None:
    """Set aside what was decided anew in place of the sum before. Raises PoolShort."""
    more = _sum(row) - before
    if not more:
        return
    offer = _offer(session, _place(session, row))
    if more < ZERO:
        _let_go(session, offer.id, row.id, -more, now)
        return
    fence = campaigns.fence(session, offer=offer.id, alone=True)
    # A closed pool has given its money back.
    closed = fence.status is OfferStatus.CLOSED
    if closed or not _set_aside(session, offer.id, row.id, more, now):
        raise PoolShort(short=more)


def give_back(session: Session, row: ApplicationRow, now: datetime) -> None:
    """Give the place and the money of an application that ended back to its pool."""
    place = store.place(session, row.id)
    if place is None or not place.holds_slot:
        return
    place.holds_slot = False
    session.flush()
    _let_go(session, OfferId(place.offer_id), row.id, _sum(row), now)


def grant(session: Session, row: ApplicationRow, now: datetime) -> None:
    """Commit the money of an application that the city approved."""
    offer = _offer(session, _place(session, row))
    committed = account(offer.id, Stage.COMMITTED, shop_area=offer.paying_area(row.area))
    legs = move(_sum(row), account(offer.id, Stage.OUTSTANDING), committed)
    ledger.post(session, code=Code.GRANTED, key=str(row.id), legs=legs, now=now)


def _pool(session: Session, row: ApplicationRow, now: datetime) -> ApplicationPool:
    """The pool for an application: the one that is open, else the next to open."""
    running = campaigns.running_offers(session, now=now, kind=CampaignKind.TRADE_IN)
    found = [one for one in store.pools(session, running) if one.serves(row.scheme, row.area)]
    if not found:
        raise NoPool(year=_year(row))
    return min(found, key=lambda one: (_opening(one.offer, now), one.offer.id))


def _seat(session: Session, row: ApplicationRow, pool: ApplicationPool, now: datetime) -> None:
    slots = allocation.pool_of(flowing(pool.offer, now))
    # The release that is open first: what earlier ones left over is looked for behind it.
    slots = replace(slots, windows=tuple(reversed(slots.windows)))
    ask = Ask(ResidentId(row.resident_id), hash_of(str(row.id)))
    (answer,) = degraded.seats(session, pool=slots, asks=[ask], now=now, rows=PlaceRow)
    if answer.seat is None:
        raise _refusal(answer.verdict, row, pool, now)
    seat = answer.seat
    session.add(
        PlaceRow(
            id=row.id,
            offer_id=pool.offer.id,
            release_id=seat.window.release,
            release_quota=seat.window.quota,
            slot=seat.slot,
            resident_id=row.resident_id,
            ordinal=seat.ordinal,
            generation=seat.generation,
            epoch=pool.offer.epoch,
            holds_slot=True,
            claim_key_hash=ask.key_hash,
            occurred_at=now,
        )
    )
    session.flush()


def _refusal(
    verdict: Verdict, row: ApplicationRow, pool: ApplicationPool, now: datetime
) -> DomainError:
    if verdict is Verdict.LIMIT:
        return UnitsTaken(units=pool.offer.per_resident_limit, year=_year(row))
    if verdict is Verdict.TOO_EARLY:
        return NotOpenYet(opens_at=_opening(pool.offer, now))
    return _full(row, pool, now)


def _full(row: ApplicationRow, pool: ApplicationPool, now: datetime) -> PoolFull:
    """No place, or no money, until the next opening, if there is one."""
    later = [one.opens_at for one in pool.offer.releases if one.opens_at > now]
    if later:
        return PoolFull(year=_year(row), next_at=min(later))
    return PoolFull(year=_year(row))


def _set_aside(
    session: Session, offer: OfferId, application: UUID, amount: Money, now: datetime
) -> bool:
    """Set reserved money aside, under the pool's lock; False when there is less."""
    reserved = account(offer, Stage.RESERVED)
    if amount > ledger.balance(session, reserved):
        return False
    legs = move(amount, reserved, account(offer, Stage.OUTSTANDING))
    ledger.post(session, code=Code.HELD, key=f"{application}:{new_id()}", legs=legs, now=now)
    return True


def _let_go(
    session: Session, offer: OfferId, application: UUID, amount: Money, now: datetime
) -> None:
    legs = move(amount, account(offer, Stage.OUTSTANDING), account(offer, Stage.RESERVED))
    ledger.post(session, code=Code.LET_GO, key=f"{application}:{new_id()}", legs=legs, now=now)


def _place(session: Session, row: ApplicationRow) -> PlaceRow:
    place = store.place(session, row.id)
    assert place is not None, "an application that was handed in has a place"
    return place


def _offer(session: Session, place: PlaceRow) -> Offer:
    offer = OfferId(place.offer_id)
    return campaigns.terms(session, offers=[offer])[offer]


def _opening(offer: Offer, now: datetime) -> datetime:
    return min(max(one.opens_at, now) for one in offer.releases if one.closes_at > now)


def _sum(row: ApplicationRow) -> Money:
    return row.subsidy_fen or ZERO


def _year(row: ApplicationRow) -> str:
    assert row.bought_on is not None, "it was handed in"
    return str(row.bought_on.year)
