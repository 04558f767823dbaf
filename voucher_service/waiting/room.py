"""The lines on Redis, on the server and beside the keys of the gate.

A line is one small hash for its opening and 4,096 for its residents, each small enough to be
packed: about thirty bytes a resident. Nothing is kept of who stands before whom. A line that is
lost with its server begins again with whoever asks next; nobody's voucher depends on it.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import redis

from voucher_service.infra.core import Core
from voucher_service.infra.scripts import Scripts
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.ids import OfferId, ResidentId

from .model import Line, Opening

_LUA = Path(__file__).parent / "lua"
_PARTS = 4_096
_KEPT_MS = 6 * 3_600_000


class Room:
    """The line of one opening."""

    def __init__(self, core: Core, offer: OfferId, opening: Opening) -> None:
        self._clock = core.clock
        self._settings = core.settings.waiting
        self._scripts = Scripts(core.gate, _LUA)
        self._opens_ms = int(opening.at.timestamp() * 1000)
        self._quota = opening.quota
        self._key = f"line:{{{offer.hex}}}:{self._opens_ms}"

    def look(self, resident: ResidentId) -> Line:
        """The line as this resident meets it. Raises TryAgain when the gate is away."""
        return self._ask(resident, "look")

    def join(self, resident: ResidentId) -> Line:
        """The same with the resident in it; who is in it keeps their place. Raises TryAgain."""
        return self._ask(resident, "join")

    def _ask(self, resident: ResidentId, verb: str) -> Line:
        digest = hashlib.sha256(resident.bytes).digest()
        part = int.from_bytes(digest[8:10], "big") % _PARTS
        settings = self._settings
        try:
            place, now, draws, seed, early, served = self._scripts(
                "line",
                [self._key, f"{self._key}:{part}"],
                [
                    self._clock.milliseconds,
                    self._opens_ms,
                    digest[:8],
                    verb,
                    secrets.token_hex(16),
                    settings.draw_seconds * 1000,
                    settings.per_second,
                    self._quota,
                    settings.wave_seconds * 1000,
                    _KEPT_MS,
                ],
            )
        except redis.RedisError as error:
            raise TryAgain(retry_after_seconds=1) from error
        return Line(place, now, draws, seed, early, served)
