"""What a resident has, and how the pools of a campaign stand."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CampaignId, ResidentId
from voucher_service.kernel.page import Page, cut, decode_moment
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage
from voucher_service.ledger.model import pool as account

from .. import store
from ..policy import Category
from ..qualifications import HOLDING, NoPool, Pool, Qualification, QualificationId, Standing
from ..tables import QualificationRow
from .claiming import resident_of
from .pools import places, pool_of


def open_pool(core: Core, *, category: Category) -> Pool | None:
    """The pool that a category can be claimed from now or later, if there is one."""
    with core.transaction() as session:
        try:
            return pool_of(session, category=category, now=core.now(session))
        except NoPool:
            return None


def mine(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Qualification]:
    """The resident's own qualifications, newest claim first. Raises CursorInvalid."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        found = store.qualifications(
            session, store.of_resident(resident_of(actor), after), limit=limit + 1
        )
    return cut(found, limit, lambda one: (one.claimed_at, one.id))


def get(core: Core, *, actor: Actor, qualification: QualificationId) -> Qualification:
    """One of the resident's own. Raises NoSuchThing, for another's too."""
    with core.transaction() as session:
        found = store.qualifications(
            session,
            QualificationRow.id == qualification,
            QualificationRow.resident_id == resident_of(actor),
        )
    if not found:
        raise NoSuchThing
    return found[0]


def standings(core: Core, *, actor: Actor, campaign: CampaignId) -> list[Standing]:
    """How the pools of a campaign stand. Raises NoSuchThing, also outside the reader's area."""
    _, offers, _ = campaigns.campaign(core, actor=actor, campaign=campaign)
    with core.transaction() as session:
        now = core.now(session)
        return [_standing(session, one, now) for one in store.pools(session, offers)]


def _standing(session: Session, pool: Pool, now: datetime) -> Standing:
    reserved = account(pool.offer.id, Stage.RESERVED)
    open_now = any(one.opens_at <= now < one.closes_at for one in pool.offer.releases)
    counts = store.counts(session, pool.offer.id)
    released = sum(one.quota for one in pool.offer.releases if one.opens_at <= now)
    slots = released - sum(counts.get(one, 0) for one in HOLDING)
    return Standing(
        pool,
        counts,
        released,
        min(slots, places(session, pool=pool, now=now)) if open_now else 0,
        store.waiting(session, pool.offer.id)[0],
        ledger.balances(session, [reserved])[reserved],
    )


def devices(
    session: Session, *, qualifications: Collection[QualificationId]
) -> dict[QualificationId, str]:
    """The devices on which these were claimed, by the device's word; nameless ones are left out."""
    return store.devices(session, qualifications)


def forget_devices(session: Session, *, resident: ResidentId) -> None:
    """Forget on which devices a resident claimed."""
    store.forget_devices(session, resident)
