"""The gate on Redis: slots to hand out, who was given which, and what is pending.

All keys of an offer share a hash tag. Nothing here is the truth: a gate that is empty, stale or
wrong is found out by its epoch or by PostgreSQL's constraints, and filled again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import redis

from voucher_service.infra.core import Core
from voucher_service.infra.scripts import Scripts
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.ids import OfferId, ResidentId

from .model import Answer, Ask, Pool, Seat, Verdict, Window

_LUA = Path(__file__).parent / "lua"
# How far the gate's clock may be from ours before a release is not even asked about.
_CLOCKS_APART = timedelta(minutes=1)


def away(error: Exception) -> TryAgain:
    """What a claim is told when the gate does not answer: the outcome is unknown, ask again."""
    failure = TryAgain(retry_after_seconds=1)
    failure.__cause__ = error
    return failure


class Gate:
    """One offer's gate."""

    def __init__(self, core: Core, offer: OfferId) -> None:
        self._redis = core.gate
        self._clock = core.clock
        self._scripts = Scripts(core.gate, _LUA)
        self._prefix = f"gate:{{{offer.hex}}}"

    def admit(self, pool: Pool, asks: Sequence[Ask], now: datetime) -> list[Answer]:
        """Set a slot aside for each ask, in order. Raises TryAgain when the gate is away."""
        candidates = [
            (position, window)
            for position, window in enumerate(pool.windows, 1)
            if window.opens_at <= now + _CLOCKS_APART and window.closes_at > now - _CLOCKS_APART
        ]
        if not candidates:
            early = all(window.opens_at > now for window in pool.windows)
            verdict = Verdict.TOO_EARLY if early else Verdict.CLOSED
        keys = [*self._state(), *(self._free(position) for position, _ in candidates)]
        spans = [
            value
            for position, window in candidates
            for value in (position, _ms(window.opens_at), _ms(window.closes_at))
        ]
        wanted = [part for ask in asks for part in (ask.resident.hex, ask.key_hash.hex()[:24])]
        fixed = [pool.epoch, self._clock.milliseconds, pool.limit, len(candidates)]
        try:
            replies = self._scripts("admit", keys, [*fixed, *spans, *wanted])
        except redis.RedisError as error:
            raise away(error) from error
        if len(replies) != len(asks):
            return [Answer(Verdict.NOT_READY) for _ in asks]
        answers = [_answer(pool, ask, reply) for ask, reply in zip(asks, replies, strict=True)]
        if candidates:
            return answers
        # Nothing is open: a resident who has one is still told so.
        known = (Verdict.SEAT, Verdict.LIMIT, Verdict.NOT_READY)
        return [one if one.verdict in known else Answer(verdict) for one in answers]

    def settle(self, pool: Pool, seats: Sequence[tuple[Seat, bool]]) -> bool:
        """Confirm (True) or free (False) pending seats.

        False when the gate is away or at another epoch.
        """
        if not seats:
            return True
        positions = {window.release: i for i, window in enumerate(pool.windows, 1)}
        keys, args = [*self._state()], [str(pool.epoch)]
        for seat, held in seats:
            position = positions[seat.window.release]
            keys.append(self._free(position))
            args += [
                "confirm" if held else "free",
                f"{seat.resident.hex}:{seat.ordinal}",
                str(position),
                str(seat.slot),
                str(seat.generation),
            ]
        try:
            return int(self._scripts("settle", keys, args)) >= 0
        except redis.RedisError:
            return False

    def pending(self, pool: Pool, before: datetime) -> list[Seat]:
        """Seats set aside before an instant and neither confirmed nor freed since."""
        # The client decodes replies, which its types can't know.
        fields = cast(
            list[str],
            self._redis.zrangebyscore(self._state()[2], "-inf", _ms(before), 0, 500),
        )
        values = cast(
            list[str | None], self._redis.hmget(self._state()[1], fields) if fields else []
        )
        seats = []
        for field, value in zip(fields, values, strict=True):
            if value is None or not value.startswith("P|"):
                continue
            _, position, slot, generation, _ = value.split("|")
            resident, ordinal = field.split(":")
            seats.append(
                Seat(
                    pool.windows[int(position) - 1],
                    int(slot),
                    ResidentId(UUID(hex=resident)),
                    int(ordinal),
                    int(generation),
                )
            )
        return seats

    def free(self, pool: Pool) -> list[int] | None:
        """Free slots of each release, or None when the gate is away or not at this epoch."""
        try:
            pipeline = self._redis.pipeline(transaction=True)
            pipeline.hget(self._state()[0], "epoch")
            for position in range(1, len(pool.windows) + 1):
                pipeline.llen(self._free(position))
            epoch, *counts = pipeline.execute()
        except redis.RedisError:
            return None
        return [int(count) for count in counts] if epoch == str(pool.epoch) else None

    def _state(self) -> tuple[str, str, str]:
        return f"{self._prefix}:meta", f"{self._prefix}:who", f"{self._prefix}:pending"

    def _free(self, position: int) -> str:
        return f"{self._prefix}:free:{position}"


def _answer(pool: Pool, ask: Ask, reply: list[str]) -> Answer:
    verdict = Verdict(reply[0])
    if verdict is not Verdict.SEAT:
        return Answer(verdict)
    position, slot, ordinal, generation = (int(part) for part in reply[1:])
    window: Window = pool.windows[position - 1]
    return Answer(verdict, Seat(window, slot, ask.resident, ordinal, generation))


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
