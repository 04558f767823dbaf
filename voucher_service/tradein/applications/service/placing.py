"""A place of a pool for each application that was handed in, and the money behind it.

One transaction under the pool's lock, in PostgreSQL alone, with the columns and constraints of
everything that is allocated: applications come by the dozen a minute, and each brings money along.
What was decided stands as outstanding until it is committed at the approval, or goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.allocation import degraded
from voucher_service.allocation import service as allocation
from voucher_service.allocation.model import Ask, NotOpenYet, Verdict
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.flowing import flowing
from voucher_service.campaigns.model import CampaignKind, Offer, OfferStatus
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

    Of several pools the first that has both. Raises NoPool, PoolFull, NotOpenYet, UnitsTaken,
    PoolShort.
    """
    place = store.place(session, row.id)
    if place is not None:
        if not _serving(session, row, [_offer(session, place)]):
            raise NoPool(year=_year(row))
        change(session, row, before=before or ZERO, now=now)
        return
    running = campaigns.running_offers(session, now=now, kind=CampaignKind.TRADE_IN)
    pools = _serving(session, row, running)
    if not pools:
        raise NoPool(year=_year(row))
    # In the same order for everybody: nobody waits for a lock while another waits for theirs.
    pools.sort(key=lambda one: (one.opening(now), one.offer.id))
    if not any(_taken(session, row, one, now) for one in pools):
        raise _full(row, pools, now)


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
    if fence.status is OfferStatus.CLOSED or more > _left(session, offer.id):
        raise PoolShort(short=more)
    _set_aside(session, offer.id, row.id, more, now)


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


def _serving(
    session: Session, row: ApplicationRow, offers: Sequence[Offer]
) -> list[ApplicationPool]:
    """Those of these offers that are pools for an application."""
    assert row.bought_on is not None, "it was handed in"
    on = row.bought_on
    return [one for one in store.pools(session, offers) if one.serves(row.scheme, row.area, on)]


def _taken(session: Session, row: ApplicationRow, pool: ApplicationPool, now: datetime) -> bool:
    """Take a place of a pool, and the money for it; False when it is shut, or lacks either."""
    fence = campaigns.fence(session, offer=pool.offer.id, alone=True)
    if fence.status is not OfferStatus.OPEN or _sum(row) > _left(session, pool.offer.id):
        return False
    slots = allocation.pool_of(flowing(replace(pool.offer, epoch=fence.epoch), now))
    # The release that is open first: what earlier ones left over is looked for behind it.
    slots = replace(slots, windows=tuple(reversed(slots.windows)))
    ask = Ask(ResidentId(row.resident_id), hash_of(str(row.id)))
    (answer,) = degraded.seats(session, pool=slots, asks=[ask], now=now, rows=PlaceRow)
    if answer.verdict is Verdict.LIMIT:
        raise UnitsTaken(units=pool.offer.per_resident_limit, year=_year(row))
    if answer.seat is None:
        return False
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
            epoch=fence.epoch,
            holds_slot=True,
            claim_key_hash=ask.key_hash,
            occurred_at=now,
        )
    )
    session.flush()
    _set_aside(session, pool.offer.id, row.id, _sum(row), now)
    return True


def _full(row: ApplicationRow, pools: Sequence[ApplicationPool], now: datetime) -> DomainError:
    """Why there is no place, and the next opening, if there is one."""
    later = [one.opens_at for pool in pools for one in pool.offer.releases if one.opens_at > now]
    if all(pool.opening(now) > now for pool in pools):
        return NotOpenYet(opens_at=min(later))
    return PoolFull(year=_year(row), next_at=min(later)) if later else PoolFull(year=_year(row))


def _left(session: Session, offer: OfferId) -> Money:
    """The money of a locked pool that nobody has."""
    return ledger.balance(session, account(offer, Stage.RESERVED))


def _set_aside(
    session: Session, offer: OfferId, application: UUID, amount: Money, now: datetime
) -> None:
    legs = move(amount, account(offer, Stage.RESERVED), account(offer, Stage.OUTSTANDING))
    ledger.post(session, code=Code.HELD, key=f"{application}:{new_id()}", legs=legs, now=now)


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


def _sum(row: ApplicationRow) -> Money:
    return row.subsidy_fen or ZERO


def _year(row: ApplicationRow) -> str:
    assert row.bought_on is not None, "it was handed in"
    return str(row.bought_on.year)
