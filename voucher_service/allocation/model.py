"""What the gate answers, and what is refused at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from voucher_service.kernel.errors import Conflict, DomainError, Unavailable
from voucher_service.kernel.ids import OfferId, ReleaseId, ResidentId


class SoldOut(Conflict):
    """Every slot of the releases that are open is taken."""

    code = "sold_out"


class NotOpenYet(Conflict):
    """The first release opens later."""

    code = "not_open_yet"


class Closed(Conflict):
    """The offer has ended, or it is paused."""

    code = "closed"


class LimitReached(Conflict):
    """The resident holds as many as one person may; `extra["voucher_ids"]` names them."""

    code = "limit_reached"


class GateNotReady(Unavailable):
    """The gate is being filled from PostgreSQL; that takes a second or two."""

    code = "gate_not_ready"


class SeatFreed(Exception):
    """A seat whose row stands was freed, since its claim seemed dead: the gate is wrong now."""


@dataclass(frozen=True, slots=True)
class Window:
    """A release as the gate sees it. Instants are aware."""

    release: ReleaseId
    opens_at: datetime
    closes_at: datetime
    quota: int


@dataclass(frozen=True, slots=True)
class Pool:
    """What can be allocated from: an offer with its releases in order, at one epoch.

    `counted`: no more is given than places are open, however many slots are free.
    """

    offer: OfferId
    epoch: int
    limit: int
    windows: tuple[Window, ...]
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """One resident's wish for one slot. `key_hash` is the hash of the request's idempotency key."""

    resident: ResidentId
    key_hash: bytes


@dataclass(frozen=True, slots=True)
class Seat:
    """A slot that the gate set aside for a resident; it counts once PostgreSQL holds the row."""

    window: Window
    slot: int
    resident: ResidentId
    ordinal: int
    generation: int


class Verdict(StrEnum):
    """The gate's answers, in the order in which it looks."""

    NOT_READY = "NOT_READY"
    SEAT = "SEAT"
    LIMIT = "LIMIT"
    TOO_EARLY = "TOO_EARLY"
    CLOSED = "CLOSED"
    FULL = "FULL"
    SOLD_OUT = "SOLD_OUT"
    PAUSED = "PAUSED"
    UNCOUNTED = "UNCOUNTED"


REFUSALS: dict[Verdict, type[DomainError]] = {
    Verdict.NOT_READY: GateNotReady,
    Verdict.LIMIT: LimitReached,
    Verdict.TOO_EARLY: NotOpenYet,
    Verdict.CLOSED: Closed,
    Verdict.SOLD_OUT: SoldOut,
    Verdict.PAUSED: Closed,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One verdict; with a seat when it is SEAT."""

    verdict: Verdict
    seat: Seat | None = None
