"""The residents' part: enter once, and who may claim once it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome as Answer
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import OfferId, ResidentId
from voucher_service.pushes import service as pushes

from .. import store
from ..model import (
    KEPT_AFTER_DRAW,
    Draw,
    EntriesClosed,
    EntriesNotOpenYet,
    Entry,
    Lottery,
    LotteryId,
    Status,
)
from ..tables import EntryRow, LotteryRow

_FORGET_BATCH = 10_000
# Published offers that are for everybody: no lottery, and not for those on a list. They never
# become one, so a process may remember them.
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


def draws(
    session: Session, *, offers: Sequence[OfferId], actor: Actor | None
) -> dict[OfferId, Draw]:
    """The lotteries of these offers with the reader's own entries; plain offers are left out.

    A lottery whose entries were not announced yet is among them: its offer is no plain one.
    """
    found = store.lotteries(session, LotteryRow.offer_id.in_(offers)) if offers else []
    mine = store.entries_of(session, [one.id for one in found], _resident(actor)) if actor else {}
    return {
        one.offer.id: Draw(one, _view(one, mine[one.id]) if one.id in mine else None)
        for one in found
    }


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
    """The refusal of each resident whom the offer is not for; the others may claim.

    An offer with lists is for those on them, one with a lottery for those drawn: before the draw
    nobody may claim, and those on the waiting list may from `waiting_from` on. Any other is for
    everybody. The offer must be published.
    """
    if offer in _plain:
        return {}
    unlisted = pushes.eligible(session, offer=offer, residents=residents)
    stands = store.lotteries(session, LotteryRow.offer_id == offer)
    if not stands and unlisted is None:
        if len(_plain) > _MOST_PLAIN:
            _plain.clear()
        _plain.add(offer)
        return {}
    refused: dict[ResidentId, DomainError] = {}
    for found in stands:
        ranks = store.ranks(session, found.id, residents)
        answers = {one: found.refusal(ranks.get(one), now) for one in residents}
        refused |= {one: refusal for one, refusal in answers.items() if refusal is not None}
    return refused | (unlisted or {})


def barred(
    core: Core, *, offer: OfferId, residents: Sequence[ResidentId], now: datetime
) -> dict[ResidentId, DomainError]:
    """What `eligible` says; an offer known to be for everybody is answered without PostgreSQL.

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
