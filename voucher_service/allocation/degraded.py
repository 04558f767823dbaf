"""Slots from PostgreSQL alone, while the gate is away: slower, and as exact.

Who is given what is decided in the order of `lua/admit.lua`. Batches of one offer take turns, so
that each sees what the one before it wrote.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.ids import ReleaseId, ResidentId

from .model import Answer, Ask, Pool, Seat, Verdict, Window
from .slots import Slotted

# Failures further apart than this are no outage: nobody asked in between.
_APART_SECONDS = 5.0
# A release that was looked through and had nothing is not looked through again for so long.
_AGAIN_SECONDS = 1.0
_MOST_MARKS = 4_096
Free = Iterator[tuple[Window, int]]


class _Silence:
    """Since when the gate has answered none of this process's asks, and the last that failed."""

    since: float | None = None
    last = 0.0


_silence = _Silence()
# Of each release, a slot up to which all were held when this process last looked, where it begins
# to look; and when it found nothing at all.
_marks: dict[ReleaseId, tuple[int, float]] = {}


def answered() -> None:
    """Note that the gate answered an ask."""
    _silence.since = None


def lasting(core: Core) -> bool:
    """Note an ask that the gate did not answer; whether that has lasted for `degraded_after_ms`."""
    now = time.monotonic()
    if _silence.since is None or now - _silence.last > _APART_SECONDS:
        _silence.since = now
    _silence.last = now
    return (now - _silence.since) * 1000 >= core.settings.gate.degraded_after_ms


@dataclass(frozen=True, slots=True)
class Place:
    """What stands at one ordinal of a resident: a seat that is held, was returned, or is new."""

    seat: Seat
    key_hash: bytes
    holds: bool = True
    fresh: bool = False


Places = Mapping[tuple[ResidentId, int], Place]


def seats(
    session: Session, *, pool: Pool, asks: Sequence[Ask], now: datetime, rows: type[Slotted]
) -> list[Answer]:
    """A seat or a verdict for each ask, in order; the seats' rows are the caller's to write.

    The caller's transaction holds the offer's fence alone.
    """
    windows = [one for one in pool.windows if one.opens_at <= now < one.closes_at]
    free = _free(session, windows, rows, len(asks))
    return placed(pool, asks, now, _places(session, pool, asks, rows), free)


def placed(
    pool: Pool, asks: Sequence[Ask], now: datetime, places: Places, free: Free
) -> list[Answer]:
    """The verdicts, from what the residents have and the slots that are free, in order. Pure."""
    known = dict(places)
    refusal = _refusal(pool, now)
    return [_answer(pool.limit, ask, known, free, refusal) for ask in asks]


def _answer(
    limit: int, ask: Ask, known: dict[tuple[ResidentId, int], Place], free: Free, refusal: Verdict
) -> Answer:
    vacant = waiting = None
    for ordinal in range(1, limit + 1):
        place = known.get((ask.resident, ordinal))
        if place is None or not place.holds:
            vacant = vacant or ordinal
        elif place.key_hash == ask.key_hash:
            return Answer(Verdict.SEAT, place.seat)
        elif place.fresh:
            waiting = waiting or place.seat
    if vacant is None:
        return Answer(Verdict.SEAT, waiting) if waiting else Answer(Verdict.LIMIT)
    window, slot = next(free, (None, 0))
    if window is None:
        return Answer(refusal)
    before = known.get((ask.resident, vacant))
    generation = before.seat.generation + 1 if before else 1
    seat = Seat(window, slot, ask.resident, vacant, generation)
    known[ask.resident, vacant] = Place(seat, ask.key_hash, fresh=True)
    return Answer(Verdict.SEAT, seat)


def _refusal(pool: Pool, now: datetime) -> Verdict:
    """What is said when no slot is left in any release that is open."""
    if any(one.opens_at <= now < one.closes_at for one in pool.windows):
        return Verdict.SOLD_OUT
    later = any(now < one.opens_at for one in pool.windows)
    return Verdict.TOO_EARLY if later else Verdict.CLOSED


def _places(session: Session, pool: Pool, asks: Sequence[Ask], rows: type[Slotted]) -> Places:
    """What these residents have of the offer: of each ordinal its newest generation."""
    table: Any = rows.__table__  # type: ignore[attr-defined]
    windows = {one.release: one for one in pool.windows}
    found = session.execute(
        select(
            table.c.resident_id,
            table.c.ordinal,
            table.c.release_id,
            table.c.slot,
            table.c.generation,
            table.c.claim_key_hash,
            table.c.holds_slot,
        )
        # By resident alone: a resident's vouchers of all offers are few, an offer's are many.
        .where(table.c.resident_id.in_({one.resident for one in asks}))
        .order_by(table.c.generation)
    )
    return {
        (resident, ordinal): Place(
            Seat(windows[release], slot, resident, ordinal, generation), bytes(key_hash), holds
        )
        for resident, ordinal, release, slot, generation, key_hash, holds in found
        if release in windows
    }


def _free(session: Session, windows: Sequence[Window], rows: type[Slotted], wanted: int) -> Free:
    """Slots that nobody holds, at least as many as are wanted: release by release, lowest first.

    Those below the mark came back since, and are looked for last.
    """
    for window in windows:
        mark, empty_at = _marks.get(window.release, (0, -_AGAIN_SECONDS))
        now, found = time.monotonic(), False
        whole = now - empty_at >= _AGAIN_SECONDS
        for low, high in ((mark, window.quota), (0, mark if whole else 0)):
            for first, last in _gaps(session, window.release, rows, low, high, wanted):
                if not found:
                    found = True
                    _remember(window.release, first - 1, -_AGAIN_SECONDS)
                yield from ((window, slot) for slot in range(first, last + 1))
        if whole and not found:
            _remember(window.release, window.quota, now)


def _gaps(
    session: Session, release: ReleaseId, rows: type[Slotted], low: int, high: int, wanted: int
) -> Iterator[tuple[int, int]]:
    """Free slots above `low` and up to `high`, as first and last, in order; the first ones."""
    if low >= high:
        return
    table: Any = rows.__table__  # type: ignore[attr-defined]
    slot = table.c.slot
    within = (table.c.release_id == release, table.c.holds_slot, slot > low, slot <= high)
    # Read along the unique index and stopped early: what lies behind the gaps is never touched.
    held = select(slot, func.lag(slot, 1, low).over(order_by=slot).label("before"))
    each = held.where(*within).subquery()
    gaps = (
        select(each.c.before + 1, each.c.slot - 1)
        .where(each.c.slot > each.c.before + 1)
        .order_by(each.c.slot)
        .limit(wanted)
    )
    yield from ((first, last) for first, last in session.execute(gaps))
    highest = session.scalar(select(func.coalesce(func.max(slot), low)).where(*within))
    if highest < high:
        yield highest + 1, high


def _remember(release: ReleaseId, mark: int, empty_at: float) -> None:
    if len(_marks) >= _MOST_MARKS:
        _marks.clear()
    _marks[release] = mark, empty_at
