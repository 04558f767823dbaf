"""Who is in which line, which place they have, and when to ask again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil, log2

from voucher_service.campaigns.model import Offer, OfferStatus
from voucher_service.kernel.errors import Conflict
from voucher_service.kernel.ids import ResidentId
from voucher_service.settings import Waiting


class ProofOfWorkRequired(Conflict):
    """The claim needs the solution of `extra["challenge"]`: none came, or one that does not count.

    It may be of somebody else or another offer, out of date, or used before.
    """

    code = "proof_of_work_required"
    unmet = True


class State(StrEnum):
    """What a ticket is worth now."""

    WAITING = "waiting"
    YOUR_TURN = "your_turn"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A resident's place in the line of an opening.

    `position` counts from 1 while waiting; until the places are drawn it is how many wait so far.
    `drawn` says whether they are; `opens_at` is the opening that the line is for.
    """

    ticket: str
    state: State
    position: int
    poll_after_seconds: int
    drawn: bool
    opens_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A line as one resident meets it; instants are Unix milliseconds of the gate's clock.

    `place` is 0 for who is not in it, and -n for the n-th who came before the draw. `early` counts
    those, and `served` says up to which place the line is let through.
    """

    place: int
    now: int
    draws: int
    seed: str
    early: int
    served: int


@dataclass(frozen=True, slots=True)
class Opening:
    """The instant that a line is for, and how many vouchers open then."""

    at: datetime
    quota: int


def opening(offer: Offer, now: datetime, lobby: timedelta) -> Opening | None:
    """The opening that an ask is for: the next one when it is near, else the last one.

    Near is within the lobby's time, and never more than half of the time between two openings.
    None when there is nothing to wait for: too early, over, or the offer is paused or closed.
    """
    if offer.status is not OfferStatus.OPEN:
        return None
    openings = {one.opens_at for one in offer.releases}
    last = max((at for at in openings if at <= now), default=None)
    following = min((at for at in openings if at > now), default=None)
    if following is not None:
        near = lobby if last is None else min(lobby, (following - last) / 2)
        if following - now <= near:
            return _opened(offer, following)
    if any(one.opens_at <= now < one.closes_at for one in offer.releases) and last is not None:
        return _opened(offer, last)
    return None


def _opened(offer: Offer, at: datetime) -> Opening:
    return Opening(at, sum(one.quota for one in offer.releases if one.opens_at == at))


def place_of(line: Line) -> int:
    """The resident's place in a line that is drawn, from 1; no two have the same."""
    return line.place if line.place > 0 else _drawn(line.seed, -line.place - 1, line.early)


def _drawn(seed: str, index: int, early: int) -> int:
    """Where the seed puts one of those who came early, from 1.

    A random order that is kept nowhere: a Feistel network of eight rounds keyed with the seed,
    over the next power of four (64 at least), walked until it lands among the early ones.
    """
    bits = max(3, ((early - 1).bit_length() + 1) // 2)
    mask, key = (1 << bits) - 1, bytes.fromhex(seed)
    while True:
        left, right = index >> bits, index & mask
        for turn in range(8):
            digest = hashlib.sha256(key + bytes([turn]) + right.to_bytes(4, "big")).digest()
            left, right = right, left ^ int.from_bytes(digest[:4], "big") & mask
        index = left << bits | right
        if index < early:
            return index + 1


def ticket_of(
    line: Line,
    resident: ResidentId,
    opening: Opening,
    settings: Waiting,
    random: Callable[[], float],
) -> Ticket:
    """What the resident is told. `random` (0 to 1) spreads who asks again when."""
    name = ticket_name(resident, opening)
    if not line.seed:
        spread = min(settings.longest_poll_seconds, line.early / settings.per_second)
        wait = (line.draws - line.now) / 1000 + spread * random()
        seconds = _poll(wait, settings, random)
        return Ticket(name, State.WAITING, max(1, line.early), seconds, False, opening.at)
    place = place_of(line)
    if place <= line.served:
        return Ticket(name, State.YOUR_TURN, 0, 1, True, opening.at)
    wait = _turn(place, opening.quota, settings) - (line.now - line.draws) / 1000
    position = place - line.served
    seconds = _poll(wait, settings, random)
    return Ticket(name, State.WAITING, position, seconds, True, opening.at)


def ticket_name(resident: ResidentId, opening: Opening) -> str:
    """What a ticket is called; it is looked up by who is signed in, never by its name."""
    at = int(opening.at.timestamp() * 1000)
    return hashlib.sha256(resident.bytes + at.to_bytes(8, "big")).hexdigest()[:32]


def _turn(place: int, quota: int, settings: Waiting) -> float:
    """After how many seconds a place is let through; the inverse of what `line.lua` counts."""
    waves = ceil(log2(place / quota)) if place > quota else 0
    return max(place / settings.per_second, settings.wave_seconds * waves)


def _poll(wait: float, settings: Waiting, random: Callable[[], float]) -> int:
    """Ask again when it is time, at the latest after the longest pause; a fifth more or less."""
    if wait <= settings.longest_poll_seconds:
        return max(1, ceil(wait))
    return max(1, round(settings.longest_poll_seconds * (0.8 + 0.4 * random())))
