"""Which pool a claim is of, and how many places it has."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from voucher_service.allocation import service as allocation
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, Mode, Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import ZERO
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage
from voucher_service.ledger.model import pool as account

from .. import store
from ..overbooking import open_places
from ..policy import Category
from ..qualifications import NoPool, Pool, Status

# So far back the rule looks for what became of qualifications.
LOOK_BACK = timedelta(days=14)


def running(session: Session, *, now: datetime) -> list[Pool]:
    """Pools that are open or will open."""
    offers = campaigns.running_offers(session, now=now, kind=CampaignKind.TRADE_IN)
    return store.pools(session, offers)


def offers(core: Core) -> list[Offer]:
    """Their offers."""
    with core.transaction() as session:
        return [one.offer for one in running(session, now=core.now(session))]


def pool_of(session: Session, *, category: Category, now: datetime) -> Pool:
    """The pool of a category: the one that is open, else the next to open. Raises NoPool."""
    found = [one for one in running(session, now=now) if category in one.categories]
    if not found:
        raise NoPool
    return min(found, key=lambda one: (_opening(one, now), one.offer.id))


def pool_with(session: Session, *, offer: OfferId) -> Pool:
    """The pool of an offer. Raises NoPool, NoSuchThing."""
    found = store.pools(session, [campaigns.offer(session, offer=offer)])
    if not found:
        raise NoPool
    return found[0]


def places(session: Session, *, pool: Pool, now: datetime) -> int:
    """How many more may be claimed now: what stands as reserved is the money that is left."""
    held = store.held(session, pool.offer.id, Status.CLAIMED)
    reserved = account(pool.offer.id, Stage.RESERVED)
    return open_places(
        money=ledger.balances(session, [reserved])[reserved],
        spent=ZERO,
        frozen=ZERO,
        held=held,
        most=pool.most,
        past=store.past(session, pool.offer.id, now - LOOK_BACK, now),
        overbook_bps=pool.overbook_bps,
    )


def beyond_line(session: Session, *, pool: Pool, now: datetime) -> int:
    """How many more may be claimed by those who don't stand in the pool's line."""
    everybody, _ = store.waiting(session, pool.offer.id)
    return max(0, places(session, pool=pool, now=now) - everybody)


def count(core: Core, *, pool: Pool, epoch: int) -> bool:
    """Tell the pool's gate how many places are open; False when it is at another epoch.

    Raises TryAgain when it is away.
    """

    def read(session: Session) -> int:
        return beyond_line(session, pool=pool, now=core.now(session))

    return allocation.count_places(core, offer=pool.offer.id, epoch=epoch, places=read)


def count_places(core: Core) -> int:
    """Tell the gates of the pools that run how many places are open; how many gates.

    Raises TryAgain when the gate is away.
    """
    with core.transaction() as session:
        found = running(session, now=core.now(session))
    gated = [one for one in found if one.offer.mode is Mode.GATE]
    return sum(count(core, pool=one, epoch=one.offer.epoch) for one in gated)


def _opening(pool: Pool, now: datetime) -> datetime:
    return min(max(one.opens_at, now) for one in pool.offer.releases if one.closes_at > now)
