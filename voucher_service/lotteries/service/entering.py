"""The residents' part: enter once, and who may claim once it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.allocation.model import NotOpenYet
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome as Answer
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import OfferId, ResidentId

from .. import store
from ..model import (
    KEPT_AFTER_DRAW,
    EntriesClosed,
    EntriesNotOpenYet,
    Entry,
    Lottery,
    LotteryId,
    NotEligible,
    Outcome,
    Status,
)
from ..tables import EntryRow, LotteryRow

_FORGET_BATCH = 10_000
# Published offers that are no lottery. They never become one, so a process may remember them.
_plain: set[OfferId] = set()
_MOST_PLAIN = 4_096


def enter(core: Core, *, actor: Actor, lottery: LotteryId) -> Answer[Entry]:
    """Enter once; again gives the same entry. Whoever entered twice has one chance.

    Raises NoSuchThing, IdentityRequired, ResidentBlocked, EntriesNotOpenYet, EntriesClosed.
    """
    resident = _resident(actor)
    with core.transaction() as session:
        store.share(session, lottery)
        found = store.lottery(session, lottery)
        if found.status is Status.DRAFT:
            raise NoSuchThing
        before = store.entry(session, lottery, resident)
        if before is not None:
            return Answer(_view(found, before), replayed=True)
        if refusal := identity.standings(session, residents=[resident]).get(resident):
            raise refusal
        now = core.now(session)
        if now < found.terms.opens_at:
            raise EntriesNotOpenYet(opens_at=found.terms.opens_at)
        if found.status is not Status.OPEN or now >= found.terms.closes_at:
            raise EntriesClosed
        leaf = core.keyring.lookup(f"lottery:{lottery}", str(resident)).digest
        values = {
            "lottery_id": lottery,
            "leaf": leaf,
            "resident_id": resident,
            "entered_at": now,
            "address_prefix": actor.evidence.address_prefix,
            "device_id": actor.evidence.device_id,
            "agent_hash": actor.evidence.agent_hash,
        }
        store.add_entry(session, values)
        stands = store.entry(session, lottery, resident)
        assert stands is not None
        return Answer(_view(found, stands), replayed=stands.entered_at != now)


def my_entry(core: Core, *, actor: Actor, lottery: LotteryId) -> Entry:
    """The resident's entry and what came of it. Raises NoSuchThing when there is none."""
    with core.transaction() as session:
        found = store.lottery(session, lottery)
        mine = store.entry(session, lottery, _resident(actor))
        if mine is None:
            raise NoSuchThing
        return _view(found, mine)


def eligible(
    session: Session, *, offer: OfferId, residents: Sequence[ResidentId], now: datetime
) -> dict[ResidentId, DomainError]:
    """The refusal of each resident whom the offer's lottery did not draw; the others may claim.

    Before the draw nobody may. Those on the waiting list may from `waiting_from` on. An offer
    without a lottery refuses nobody. The offer must be published.
    """
    if offer in _plain:
        return {}
    stands = store.lotteries(session, LotteryRow.offer_id == offer)
    if not stands:
        if len(_plain) > _MOST_PLAIN:
            _plain.clear()
        _plain.add(offer)
        return {}
    (found,) = stands
    if found.status is not Status.DRAWN:
        return {one: NotOpenYet() for one in residents}
    ranks = store.ranks(session, found.id, residents)
    refused: dict[ResidentId, DomainError] = {}
    for one in residents:
        outcome = found.outcome(ranks.get(one))
        later = found.terms.waiting_from
        if outcome is Outcome.NOT_DRAWN:
            refused[one] = NotEligible()
        elif outcome is Outcome.WAITING and later is not None and now < later:
            refused[one] = NotOpenYet(opens_at=later)
    return refused


def barred(
    core: Core, *, offer: OfferId, residents: Sequence[ResidentId], now: datetime
) -> dict[ResidentId, DomainError]:
    """What `eligible` says; an offer known to be no lottery is answered without PostgreSQL.

    To be asked before the gate: the losers of a lottery must not take seats from its winners, not
    even for a moment.
    """
    if offer in _plain:
        return {}
    with core.transaction() as session:
        return eligible(session, offer=offer, residents=residents, now=now)


def forget(core: Core) -> int:
    """Part one batch of old entries from their residents; how many. Call until it answers 0.

    The leaves stay, so that the draw can be checked for ever.
    """
    with core.transaction() as session:
        return store.forget(session, core.now(session) - KEPT_AFTER_DRAW, _FORGET_BATCH)


def _resident(actor: Actor) -> ResidentId:
    assert actor.id is not None
    return ResidentId(actor.id)


def _view(found: Lottery, row: EntryRow) -> Entry:
    return Entry(bytes(row.leaf).hex(), row.entered_at, row.rank, found.outcome(row.rank))
