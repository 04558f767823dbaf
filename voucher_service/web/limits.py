"""Token buckets: how often a resident, a device and a network may ask.

They keep the noise down and protect no quota. Residents and devices are counted in the process, in
two dictionaries of bounded size. Networks are counted by all processes together: what happened is
added up and told to the gate's Redis once a second by a thread, so that no request waits for it.
What is less than a hundredth of the limit is not worth telling, so only floods cost anything. With
Redis away nobody is refused for their network.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Sequence
from math import ceil
from pathlib import Path

import redis
import structlog

from voucher_service.infra.core import Core
from voucher_service.infra.scripts import Scripts

_LUA = Path(__file__).parent / "lua"
_MOST = 50_000
_PAUSE_SECONDS = 1.0
# Without a proxy that was counted everybody seems to come from here, so it says nothing.
_OURS = frozenset({"127.0.0.0/24", "::/48"})
_log = structlog.get_logger(__name__)


class Buckets:
    """Buckets of one size, by name. Remembers the last 50,000 to 100,000 names at most."""

    __slots__ = ("_burst", "_each", "_full", "_older")

    def __init__(self, per_second: float, burst: int) -> None:
        self._each, self._burst = 1 / per_second, (burst - 1) / per_second
        self._full: dict[Hashable, float] = {}  # when each bucket is full again
        self._older: dict[Hashable, float] = {}

    def take(self, name: Hashable, now: float) -> int:
        """Take one token. 0, or the seconds until there is one again."""
        full = self._full.get(name)
        if full is None:
            full = self._older.get(name, 0.0)
            if len(self._full) >= _MOST:
                self._full, self._older = {}, self._full
        full = max(full, now)
        early = full - now - self._burst
        self._full[name] = full if early > 0 else full + self._each
        return ceil(early) if early > 0 else 0


class Limits:
    """The buckets of one process."""

    def __init__(self, core: Core) -> None:
        self._core, set_ = core, core.settings.limits
        self._residents = Buckets(set_.resident_per_minute / 60, set_.resident_burst)
        self._devices = Buckets(set_.device_per_minute / 60, set_.device_burst)
        self._networks = _Networks(core)

    def check(
        self, resident: Hashable | None, device: str | None, prefix: str | None
    ) -> int | None:
        """None when the request is in time, else the seconds after which one more would be.

        Whoever is unknown is not counted. Costs about a microsecond and never waits.
        """
        now = time.monotonic()
        if prefix is not None:
            seconds = self._networks.count(prefix, now)
            if seconds:
                return seconds
        if resident is not None:
            seconds = self._residents.take(resident, now)
            if seconds:
                return seconds
        if device is not None:
            seconds = self._devices.take(device, now)
            if seconds:
                return seconds
        return None

    def check_codes(self, device: str | None, prefix: str | None) -> int | None:
        """The same for sending a one-time code, which costs money.

        Asks Redis, since all processes count together. None also when Redis is away.
        """
        set_ = self._core.settings.limits
        hourly, minutely = set_.device_codes_per_hour, set_.network_codes_per_minute
        charges = []
        if device is not None:
            charges.append((f"limit:codes:device:{device}", 3_600_000_000 // hourly, hourly, 1))
        if prefix is not None and prefix not in _OURS:
            name = f"limit:codes:network:{prefix}"
            charges.append((name, 60_000_000 // minutely, minutely, 1))
        longest = max(_charge(self._core, charges), default=0)
        return ceil(longest / 1000) if longest else None


class _Networks:
    """Networks, counted by all processes together a moment after they asked."""

    def __init__(self, core: Core) -> None:
        set_ = core.settings.limits
        self._core = core
        self._size = (1_000_000 // set_.network_per_second, set_.network_burst)
        self._worth = set_.network_per_second / 100
        self._new: dict[str, int] = {}
        self._closed: dict[str, float] = {}  # until when each is refused
        self._some = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def count(self, prefix: str, now: float) -> int:
        """Note one request. 0, or for how many seconds this network is refused."""
        until = self._closed.get(prefix)
        if until is not None and until > now:
            return ceil(until - now)
        if prefix in _OURS:
            return 0
        new = self._new
        new[prefix] = new.get(prefix, 0) + 1  # a count lost between two threads is no matter
        if not self._some.is_set():
            self._start()
            self._some.set()
        return 0

    def _start(self) -> None:
        """The thread, once in a process: a fork leaves it behind."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True, name="limits")
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(_PAUSE_SECONDS)
            self._some.clear()
            self.tell()

    def tell(self) -> None:
        """Tell Redis what happened since the last time, and hear which networks are refused."""
        new, self._new = self._new, {}
        # copied, since a thread that came before the swap may still be adding
        counts = {name: count for name, count in dict(new).items() if count >= self._worth}
        each, burst = self._size
        waits = _charge(
            self._core,
            [(f"limit:network:{name}", each, burst, count) for name, count in counts.items()],
        )
        now = time.monotonic()
        ends = {name: now + wait / 1000 for name, wait in zip(counts, waits, strict=False) if wait}
        self._closed = {name: end for name, end in self._closed.items() if end > now} | ends


def _charge(core: Core, charges: Sequence[tuple[str, int, int, int]]) -> list[int]:
    """Charge buckets: key, microseconds for one, how many at once, how many happened.

    By how many milliseconds each is overdrawn; nothing when Redis is away.
    """
    try:
        scripts = Scripts(core.gate, _LUA)
        return [
            int(scripts("charge", [key], [each, burst, count]))
            for key, each, burst, count in charges
        ]
    except redis.RedisError as error:
        _log.warning("limits_not_counted", error=type(error).__name__)
        return []


_known: dict[int, Limits] = {}  # by the identity of the core, which they keep alive


def limits_of(core: Core) -> Limits:
    """The limits of this process on a core; always the same ones."""
    return _known.get(id(core)) or _known.setdefault(id(core), Limits(core))
