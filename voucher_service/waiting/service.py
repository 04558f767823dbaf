"""Before a claim: wait for a turn, solve a puzzle, or go on at once."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferStatus
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import OfferId, ResidentId
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Status

from . import proof as proofs
from .model import Opening, State, Ticket, opening, ticket_name, ticket_of
from .room import Room

_SECONDS = 1.0
_MOST = 1_024
_LIVE = (Status.CLAIMED, Status.FROZEN, Status.REDEEMED)


@dataclass(frozen=True, slots=True)
class _Scene:
    """An offer and how many of its vouchers are left, at most a second old."""

    offer: Offer
    left: int
    read_at: float


_scenes: dict[OfferId, _Scene] = {}


def before_claim(
    core: Core,
    *,
    actor: Actor,
    offer: OfferId,
    key: str,
    proof: str | None,
) -> Ticket | None:
    """The ticket of a resident who has to wait, or None: the claim may be made now.

    None also where the claim itself has the better answer: sold out, over, not open yet, at the
    limit. Raises NoSuchThing, IdentityRequired, ResidentBlocked, ProofOfWorkRequired, and TryAgain
    when the line can't be read.
    """
    scene = _scene(core, offer)
    found, now = scene.offer, _now(core)
    this = opening(found, now, _lobby(core))
    if this is None or _sold_out(scene, this, now):
        return None
    if found.waiting_room:
        mine = _ticket(core, found, this, actor, join=False)
        if mine is not None:
            return None if mine.state is State.YOUR_TURN else mine
    elif not found.proof_of_work or this.at > now:
        return None
    if _holds_all(core, actor, found):
        return None
    if found.proof_of_work:
        proofs.check(core, resident=_resident(actor), offer=offer, key=key, proof=proof)
    if not found.waiting_room:
        return None
    return _ticket(core, found, this, actor, join=True)


def ticket(core: Core, *, actor: Actor, offer: OfferId) -> Ticket:
    """The resident's own ticket as it stands. Raises NoSuchThing for who has none, and TryAgain."""
    scene = _scene(core, offer)
    found, now = scene.offer, _now(core)
    if not found.waiting_room:
        raise NoSuchThing
    this = opening(found, now, _lobby(core))
    if this is None and found.status is OfferStatus.OPEN and now < found.window()[1]:
        raise NoSuchThing  # no line yet
    if this is None or _sold_out(scene, this, now):
        over = this or Opening(found.releases[-1].opens_at, 0)
        name, seconds = ticket_name(_resident(actor), over), core.settings.waiting.wave_seconds
        return Ticket(name, State.CLOSED, 0, seconds, drawn=True, opens_at=over.at)
    mine = _ticket(core, found, this, actor, join=False)
    if mine is None:
        raise NoSuchThing
    return mine


def _ticket(
    core: Core,
    offer: Offer,
    opening: Opening,
    actor: Actor,
    *,
    join: bool,
) -> Ticket | None:
    resident = _resident(actor)
    room = Room(core, offer.id, opening)
    line = room.join(resident) if join else room.look(resident)
    if not line.place:
        return None
    return ticket_of(line, resident, opening, core.settings.waiting, random.random)


def _holds_all(core: Core, actor: Actor, offer: Offer) -> bool:
    """Whether the resident has all they may have. Raises IdentityRequired or ResidentBlocked."""
    resident = _resident(actor)
    with core.transaction() as session:
        refused = identity.standings(session, residents=[resident])
    if resident in refused:
        raise refused[resident]
    mine = vouchers.wallet(core, actor=actor, cursor=None, limit=200).items
    held = [one for one in mine if one.offer.id == offer.id and one.status in _LIVE]
    return len(held) >= offer.per_resident_limit


def _sold_out(scene: _Scene, opening: Opening, now: datetime) -> bool:
    return opening.at <= now and scene.left == 0


def _scene(core: Core, offer: OfferId) -> _Scene:
    """Read the offer once a second for the whole process. Raises NoSuchThing, for a draft too."""
    scene = _scenes.get(offer)
    if scene is not None and core.clock.at is None and time.monotonic() - scene.read_at < _SECONDS:
        return scene
    with core.transaction() as session:
        found = campaigns.offer(session, offer=offer)
        if found.status is OfferStatus.DRAFT:
            raise NoSuchThing
        left = vouchers.remaining(core, session, offers=[found], now=_now(core))[offer]
    if len(_scenes) >= _MOST:
        _scenes.clear()
    scene = _scenes[offer] = _Scene(found, left, time.monotonic())
    return scene


def _lobby(core: Core) -> timedelta:
    return timedelta(minutes=core.settings.waiting.lobby_minutes)


def _now(core: Core) -> datetime:
    return core.clock.at or datetime.now(UTC)


def _resident(actor: Actor) -> ResidentId:
    assert actor.id is not None
    return ResidentId(actor.id)
