"""Find each row's own best setting, then measure it there."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from . import server, wrk
from .checks import Tally
from .plan import Plan, Setting
from .rows import Counts, Row, Window
from .stand import Stand
from .wrk import Load

_TOLERATED = 0.002  # of the requests may end otherwise than the row expects


class BenchFailed(Exception):
    """A window that does not mean what its row says; the text says why."""


@dataclass(frozen=True)
class Measured:
    """A row at its best setting. Rates a second; `half` is (p50, p99) in ms at half that load."""

    setting: Setting
    rates: tuple[float, ...]
    p50_ms: float
    p99_ms: float
    cpu_share: float
    half: tuple[float, float] | None = None
    gate_bytes: float | None = None

    @property
    def median(self) -> float:
        """The middle of the repetitions."""
        return statistics.median(self.rates)


class Bench:
    """Measures rows on one stand."""

    def __init__(self, stand: Stand, plan: Plan, say: Callable[[str], None]) -> None:
        self.stand, self.plan, self.say = stand, plan, say
        self.tally = Tally()
        self._best_rate = 0.0
        self._grown_bytes = 0

    def row(self, row: Row, setting: Setting | None = None) -> Measured:
        """Tune unless told the setting, warm up, measure. Raises BenchFailed."""
        self._best_rate = 0.0
        setting = setting or self._tuned(row)
        plan = self.plan
        with self._server(row, setting) as port:
            if plan.repetitions > 1:
                self._window(row, port, setting, plan.trial_seconds)
            before, self._grown_bytes = self.tally.rows_in_db, 0
            loads = [
                self._window(row, port, setting, plan.window_seconds)
                for _ in range(plan.repetitions)
            ]
            written = self.tally.rows_in_db - before
            grown = self._grown_bytes / written if written else None
            half = self._half_load(row, port, setting)
        found = Measured(
            setting,
            tuple(rate for rate, _ in loads),
            statistics.median(load.p50_ms for _, load in loads),
            statistics.median(load.p99_ms for _, load in loads),
            statistics.median(load.cpu_share for _, load in loads),
            half,
            grown,
        )
        self.say(f"{row.name}: {found.median:.0f}/s at {setting}")
        return found

    def _tuned(self, row: Row) -> Setting:
        plan = self.plan
        pools = plan.pools if row.pooled else (0,)
        middle = plan.connections[len(plan.connections) // 2]
        best = Setting(middle, plan.threads[0], pools[len(pools) // 2])
        if plan.whole_grid:
            places = [(threads, pool) for threads in plan.threads for pool in pools]
            rates = self._rates(row, places, plan.connections)
            return max(rates, key=lambda one: rates[one])
        rates = {}
        if len(plan.threads) > 1:
            rates |= self._rates(row, [(one, best.pool) for one in plan.threads], [middle])
            best = max(rates, key=lambda one: rates[one])
        if len(pools) > 1:
            others = [(best.threads, one) for one in pools if one != best.pool]
            rates |= self._rates(row, others, [middle])
            best = max(rates, key=lambda one: rates[one])
        if counts := [one for one in plan.connections if one != middle]:
            rates |= self._rates(row, [(best.threads, best.pool)], counts)
            best = max(rates, key=lambda one: rates[one])
        return best

    def _rates(
        self, row: Row, places: Sequence[tuple[int, int]], connections: Sequence[int]
    ) -> dict[Setting, float]:
        rates = {}
        for threads, pool in places:
            with self._server(row, Setting(0, threads, pool)) as port:
                for count in connections:
                    setting = Setting(count, threads, pool)
                    rates[setting], _ = self._window(row, port, setting, self.plan.trial_seconds)
        return rates

    def _window(
        self, row: Row, port: int, setting: Setting, seconds: int, pause_ms: int = 0
    ) -> tuple[float, Load]:
        window = row.send(self.stand, seconds, self._best_rate)
        before = self._gate_bytes()
        load = wrk.run(
            port,
            window.requests,
            connections=setting.connections,
            seconds=seconds,
            journal=row.counts is Counts.CREATED,
            pause_ms=pause_ms,
        )
        if window.spent is not None:
            window.spent(load.requests + setting.connections + 1)
        counted = _counted(row, load)
        if window.offers and not row.pooled:
            self._settle(port, window, load)
            self._grown_bytes += self._gate_bytes() - before
        rate = counted / load.seconds
        self._best_rate = max(self._best_rate, rate)
        return rate, load

    def _settle(self, port: int, window: Window, load: Load) -> None:
        asks = dict(zip(self.stand.city.residents, window.requests, strict=False))
        self.tally.settle(self.stand.database_url, port, window.offers, load.ids or (), asks)
        if self.tally.lost:
            raise BenchFailed(f"{self.tally.lost} acknowledged claims are not in PostgreSQL")

    def _half_load(self, row: Row, port: int, setting: Setting) -> tuple[float, float] | None:
        if row.name not in {"claim", "redeem"}:
            return None
        pause_ms = round(setting.connections / (self._best_rate / 2) * 1000)
        _, load = self._window(row, port, setting, self.plan.window_seconds, pause_ms)
        return load.p50_ms, load.p99_ms

    def _gate_bytes(self) -> int:
        return int(self.stand.gate.info("memory")["used_memory"])

    @contextmanager
    def _server(self, row: Row, setting: Setting) -> Iterator[int]:
        environment = {**self.stand.environment, server.POOL: str(setting.pool or 4)}
        with server.serving(
            self.stand.data,
            row.target,
            environment,
            processes=self.plan.processes,
            threads=setting.threads,
        ) as port:
            yield port


def _counted(row: Row, load: Load) -> int:
    """The answers that make the rate. Raises BenchFailed when too many are of another kind."""
    if load.wrapped and row.once:
        raise BenchFailed(f"{row.name} ran out of requests; give the city more residents")
    expected = load.refused if row.counts is Counts.REFUSED else load.requests - load.refused
    # A baseline may give up on its lock; what it refuses is simply not counted.
    least = 1 if row.pooled else load.requests * (1 - _TOLERATED) - 1
    if load.requests == 0 or expected < least:
        raise BenchFailed(f"{row.name}: {expected} of {load.requests} answers as expected: {load}")
    return expected if load.ids is None else len(load.ids)
