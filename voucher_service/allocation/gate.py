"""The gate on Redis: slots to hand out, who was given which, and what is pending.

All keys of an offer share a hash tag. Nothing here is the truth: a gate that is empty, stale or
wrong is found out by its epoch or by PostgreSQL's constraints, and filled again.

A resident's field is 22 characters of base64 and the ordinal. Its value in `who` is the request key
(12 characters of base64) and `position.slot.generation`, or minus the generation that was returned;
in `pending` the instant (13 digits, Unix milliseconds) stands before them. A pending field counts
before the same field of `who`. `filling.py` spells the same in SQL.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path
from uuid import UUID

import redis

from voucher_service.infra.core import Core
from voucher_service.infra.scripts import Scripts
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.ids import OfferId, ResidentId

from .model import Answer, Ask, Pool, Seat, SeatFreed, Verdict

_LUA = Path(__file__).parent / "lua"
_FREED = -2  # as settle.lua says it
# How far the gate's clock may be from ours before a release is not even asked about.
_CLOCKS_APART = timedelta(minutes=1)
# What one call of a script may take apart: it keeps the gate busy for a few milliseconds.
_MOST_FIELDS = 3_000
_MOST_SETTLED = 2_000


def away(error: Exception) -> TryAgain:
    """What a claim is told when the gate does not answer: the outcome is unknown, ask again."""
    failure = TryAgain(retry_after_seconds=1)
    failure.__cause__ = error
    return failure


class Gate:
    """One offer's gate."""

    def __init__(self, core: Core, offer: OfferId) -> None:
        self._core = core
        self._clock = core.clock
        self._prefix = f"gate:{{{offer.hex}}}"

    def admit(self, pool: Pool, asks: Sequence[Ask], now: datetime) -> list[Answer]:
        """Set a slot aside for each ask, in order. Raises TryAgain when the gate is away."""
        candidates = [
            (position, window)
            for position, window in enumerate(pool.windows, 1)
            if window.opens_at <= now + _CLOCKS_APART and window.closes_at > now - _CLOCKS_APART
        ]
        keys = [*self._state(), *(self._free(position) for position, _ in candidates)]
        spans = [
            value
            for position, window in candidates
            for value in (position, _ms(window.opens_at), _ms(window.closes_at))
        ]
        counted = "counted" if pool.counted else ""
        fixed = [pool.epoch, self._clock.milliseconds, pool.limit, counted]
        wanted = [_short(one.resident.bytes)[:22] + _short(one.key_hash[:9]) for one in asks]
        replies: list[str] = []
        try:
            for some in _pieces(wanted, max(_MOST_FIELDS // pool.limit, 1)):
                text = self._scripts("admit", keys, [*fixed, "".join(some), *spans])
                replies += text.split(" ")
        except redis.RedisError as error:
            raise away(error) from error
        for whole in (Verdict.NOT_READY, Verdict.UNCOUNTED):
            if whole in replies:
                return [Answer(whole) for _ in asks]
        answers = [_answer(pool, ask, reply) for ask, reply in zip(asks, replies, strict=True)]
        if candidates:
            return answers
        # Nothing is open: a resident who has one is still told so.
        early = all(window.opens_at > now for window in pool.windows)
        verdict = Verdict.TOO_EARLY if early else Verdict.CLOSED
        known = (Verdict.SEAT, Verdict.LIMIT)
        return [one if one.verdict in known else Answer(verdict) for one in answers]

    def settle(self, pool: Pool, seats: Sequence[tuple[Seat, bytes | None]]) -> bool:
        """Confirm pending seats, each with its row's key hash, or free them (None).

        False when the gate is away or at another epoch. Raises SeatFreed when a seat to be
        confirmed was freed meanwhile.
        """
        positions = {window.release: i for i, window in enumerate(pool.windows, 1)}
        freed = sorted({positions[seat.window.release] for seat, key in seats if key is None})
        lists = {position: str(i) for i, position in enumerate(freed, 1)}
        keys = [*self._state(), *(self._free(position) for position in freed)]
        lines = []
        for seat, key_hash in seats:
            position = positions[seat.window.release]
            field = _short(seat.resident.bytes)[:22] + str(seat.ordinal)
            taker = lists[position] if key_hash is None else _short(key_hash[:9])
            lines.append(f"{taker} {field} {position}.{seat.slot}.{seat.generation}")
        try:
            told = [
                int(self._scripts("settle", keys, [pool.epoch, " ".join(some)]))
                for some in _pieces(lines, _MOST_FIELDS)
            ]
        except redis.RedisError:
            return False
        if _FREED in told:
            raise SeatFreed
        return all(one >= 0 for one in told)

    def pending(self, pool: Pool, before: datetime) -> list[Seat]:
        """Some of the seats set aside before an instant and neither confirmed nor freed since.

        Raises redis.RedisError.
        """
        until = _ms(before)
        old = (
            _seat(pool, field, value) for field, since, value in self._underway() if since <= until
        )
        return list(islice(old, _MOST_SETTLED))

    def free(self, pool: Pool) -> list[int] | None:
        """Free slots of each release, or None when the gate is away or not at this epoch."""
        try:
            keys = [self._state()[0], *(self._free(i) for i in range(1, len(pool.windows) + 1))]
            text = self._scripts("free", keys, [pool.epoch])
        except redis.RedisError:
            return None
        return None if text is None else [int(count) for count in text.split(" ")]

    def count(self, epoch: int, until: int | None = None) -> int | None:
        """Seats that were given, less those that are pending; with `until`, so many may be given.

        None when the gate is not at that epoch. Raises TryAgain when it is away.
        """
        meta, _, pending = self._state()
        args = [epoch, "" if until is None else until]
        try:
            told = self._scripts("count", [meta, pending], args)
        except redis.RedisError as error:
            raise away(error) from error
        return None if told is None else int(told)

    def _underway(self) -> Iterator[tuple[str, int, str]]:
        """Pending seats: field, set aside when (Unix milliseconds), and the value for `who`."""
        for field, value in self._redis.hscan_iter(self._state()[2], count=1_000):
            if field != "wide":
                yield field, int(value[:13]), value[13:]

    # A cluster is looked for here, so that one that is away is met where that is expected.
    @property
    def _redis(self) -> redis.Redis:
        return self._core.gate

    @cached_property
    def _scripts(self) -> Scripts:
        return Scripts(self._core.gate, _LUA)

    def _state(self) -> tuple[str, str, str]:
        return f"{self._prefix}:meta", f"{self._prefix}:who", f"{self._prefix}:pending"

    def _free(self, position: int) -> str:
        return f"{self._prefix}:free:{position}"


def seat_of(value: str) -> tuple[int, int, int]:
    """Position, slot and generation, from a holder's value in `who`."""
    position, slot, generation = map(int, value[12:].split("."))
    return position, slot, generation


def _answer(pool: Pool, ask: Ask, reply: str) -> Answer:
    if not reply[0].isdigit():
        return Answer(Verdict(reply))
    position, slot, generation, ordinal = map(int, reply.split("."))
    seat = Seat(pool.windows[position - 1], slot, ask.resident, ordinal, generation)
    return Answer(Verdict.SEAT, seat)


def _seat(pool: Pool, field: str, value: str) -> Seat:
    position, slot, generation = seat_of(value)
    resident = ResidentId(UUID(bytes=a2b_base64(field[:22] + "==")))
    return Seat(pool.windows[position - 1], slot, resident, int(field[22:]), generation)


def _short(value: bytes) -> str:
    return b2a_base64(value, newline=False).decode()


def _pieces(parts: list[str], most: int) -> Iterator[list[str]]:
    return (parts[first : first + most] for first in range(0, len(parts), most))


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
