"""One seed, one history: a crowd, faults, then a calm in which everything must come to an end."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

from voucher_service.allocation import issue as issue_module
from voucher_service.infra import incarnation
from voucher_service.infra.flow import Flow
from voucher_service.infra.idempotency import hash_of
from voucher_service.kernel.errors import DomainError, TryAgain
from voucher_service.vouchers.service import Request
from voucher_service.vouchers.service.flow import claim_flow

from .auditor import audit, undersold
from .cells import rarity
from .faults import PROCESS, SERVERS, Fault, Weather, weather
from .gate import GateClient
from .places import built
from .protections import Protections
from .residents import LATE, Resident, crowd
from .stand import Process, Stand, possible
from .tasks import Task
from .upkeep import Watch, comparing, lapsing, reaping

_REAPED_MS = 10_000
_WATCHED_MS = 2_000
_PATIENCE_MS = 10_000
_STOPPED_MS = 20_000
_STORM_MS = 25_000
_CALM_MS = 45_000
_LAPSED_MS = 3_000
# One history in so many has vouchers that lapse; by its number, so that none that is kept changes.
_LAPSING, _LAPSES = 7, 4
_SECOND_WAVE = 0.4  # when the reaper comes to what the first one left
_MOST_STEPS = 2_000


@dataclass
class Ending:
    """What became of a history."""

    seed: int
    violations: list[str]
    cells: Counter[tuple[str, Fault]]
    steps: Counter[str]
    unknown: Counter[str]


@dataclass
class History:
    """One history under way."""

    seed: int
    keeps: Protections = field(default_factory=Protections)
    spared: frozenset[Fault] = frozenset()
    cells: Counter[tuple[str, Fault]] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        vars(incarnation)["_met"].clear()
        self.random = random = Random(self.seed)  # noqa: S311 - a history, no secret
        self.stand: Stand = built(random, self.keeps)
        self.weather: Weather = weather(random)
        self.weather.weights |= dict.fromkeys(self.spared, 0.0)
        self.tasks: list[Task] = []
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.processes = [self._process(f"web{i}") for i in range(random.randint(2, 4))]
        self.worker = self._process("worker")
        self.queues: dict[Process, list[tuple[Resident, int, Request]]] = {
            one: [] for one in self.processes
        }
        self.most = random.choice((1, 2, 4, 8))
        offer = self.stand.books.offer
        self.residents = crowd(random, random.randint(2, 12), offer.per_resident_limit)

    def run(self) -> Ending:
        """Play it to the end."""
        stand, random = self.stand, self.random
        for resident in self.residents:
            self._at(
                random.choice((0, 5, 200, 3_000)) + random.randint(0, 50), self._asks(resident)
            )
        for latest_ms in (40, 80, 200, 400, 4_000):
            self._at(random.randint(0, latest_ms), stand.gate.keep_copy)
        offer = stand.books.offer.id
        self._every(_WATCHED_MS, "watch", Watch(offer, self.keeps.incarnation).look)
        if self.keeps.reaper:
            self._every(_REAPED_MS, "reaper", lambda: reaping(offer))
        if self.seed % _LAPSING == _LAPSES:
            self._every(_LAPSED_MS, "lapse", lambda: lapsing(offer, self._lapses()))
        self._until(lambda: all(one.idle for one in self.residents), _STORM_MS)
        if random.random() < _SECOND_WAVE:
            self.weather.left = random.randint(1, 3)
            self._until(lambda: False, _STORM_MS)
        self._calm()
        self._again([one for one in self.residents if not one.gave_up])
        unknown, gone = self._unknown(), [one for one in self.residents if one.gave_up]
        self._fill_up()
        found = list(undersold(stand.books))
        self._again(gone)  # only now, since they could still take up what they left half-way
        found += [*audit(self.residents, stand.books), *self.broken]
        return Ending(self.seed, found, self.cells, self.steps, unknown)

    def _lapses(self) -> int:
        """How many vouchers lapse now; none when the storm is over."""
        return self.random.choice((0, 1, 3)) if self.weather.left else 0

    # The four acts after the storm.

    def _calm(self) -> None:
        self.weather.left = 0
        self.stand.gate.down_until_ms = self.stand.books.down_until_ms = 0
        self.stand.gate.skew_ms = 0
        self._until(lambda: False, _CALM_MS)
        if any(fault is Fault.GATE_SET_BACK for _, fault in self.cells):
            # Old data under the same epoch and incarnation: this is what the drift audit is for.
            flow = comparing(self.worker.core, self.stand.books.offer.id)
            self._start(self.worker, "drift", flow, self._quietly)
            self._until(lambda: not any(one.kind == "drift" for one in self.tasks), _CALM_MS)

    def _again(self, residents: Sequence[Resident]) -> None:
        """These ask once more with each key, but those whose voucher has lapsed since."""
        lapsed = self.stand.books.lapsed_keys()
        for resident in residents:
            assert resident.gave_up or not resident.wishes or self.broken or self._stuck(resident)
            keys = dict.fromkeys(one.key for one in resident.journal)
            resident.wishes = [key for key in keys if (resident.id, hash_of(key)) not in lapsed]
            resident.gave_up = False
            self._asks(resident)()
        self._until(lambda: all(one.idle for one in residents), _CALM_MS)

    def _fill_up(self) -> None:
        """New residents come until everything is sold, and two more."""
        books = self.stand.books
        free = sum(one.quota for one in books.offer.releases) - len(books.standing())
        for number in range(LATE, LATE + max(free, 0) + 2):
            late = Resident(number, [f"c{number}"])
            self.residents.append(late)
            self._asks(late)()
            self._until(lambda late=late: late.idle, _CALM_MS)  # type: ignore[misc]

    def _stuck(self, resident: Resident) -> bool:
        self.broken.append(f"resident {resident.number} was never answered")
        return True

    # Time.

    def _at(self, delay_ms: int, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.stand.now_ms + delay_ms, next(self._order), act))

    def _every(self, period_ms: int, kind: str, flow: Callable[[], Flow[Any, Any]]) -> None:
        def tick() -> None:
            self._at(period_ms if self.weather.left else _REAPED_MS, tick)
            if self.worker.alive and not any(task.kind == kind for task in self.tasks):
                self._start(self.worker, kind, flow(), self._quietly)

        self._at(self.random.randint(0, period_ms), tick)

    def _until(self, enough: Callable[[], bool], most_ms: int) -> None:
        end = self.stand.now_ms + most_ms
        while not enough() and self.stand.now_ms < end and not self.broken:
            self._tick()

    def _tick(self) -> None:
        stand = self.stand
        while self._events and self._events[0][0] <= stand.now_ms:
            heapq.heappop(self._events)[2]()
        if stand.gate.late:
            stand.gate.deliver()
        if stand.deferred:
            self._commit_deferred()
        now = stand.now_ms
        ready = [one for one in self.tasks if max(one.wake_ms, one.process.stopped_until_ms) <= now]
        if ready:
            self._advance(self.random.choice(ready))
            stand.now_ms += self.random.choice((0, 0, 1, 3))
            return
        times = [max(one.wake_ms, one.process.stopped_until_ms) for one in self.tasks]
        times += [self._events[0][0]] if self._events else []
        stand.now_ms = max(min(times), now + 1)

    def _advance(self, task: Task) -> None:
        name = task.step
        self.steps[name] += 1
        if self.steps.total() > _MOST_STEPS:
            self.broken.append("no end in sight")
        fault = self.weather.strike(possible(name), rarity(name))
        if fault is None:
            task.advance(None)
        else:
            self.cells[name, fault] += 1
            self._befall(task, fault)
        self.tasks = [one for one in self.tasks if not one.over]

    def _befall(self, task: Task, fault: Fault) -> None:
        if fault in SERVERS:
            self.stand.strike(fault)
            task.advance(None)
        elif fault is Fault.STOPPED:
            task.process.stopped_until_ms = self.stand.now_ms + _STOPPED_MS
        elif fault in PROCESS:
            if fault is Fault.DIES_AFTER:
                task.advance(None)
            self._die(task.process)
        else:
            task.advance(fault)

    # Processes.

    def _process(self, name: str) -> Process:
        return Process(name, GateClient(self.stand.gate, name, learns=self.keeps.incarnation))

    def _start(
        self,
        process: Process,
        kind: str,
        flow: Flow[Any, Any],
        done: Callable[[Any, Exception | None], None],
    ) -> None:
        task = Task(self.stand, process, kind, flow, done)
        task.start()
        if not task.over:
            self.tasks.append(task)

    def _die(self, process: Process) -> None:
        for task in self.tasks:
            if task.process is process and not task.over:
                task.drop()
        process.alive = False
        for resident, ask, _ in self.queues.get(process, []):
            self._answer(resident, ask, None)
        if process in self.queues:
            self.queues[process] = []
        for one in self.stand.deferred:
            if one[0] is process:
                self.stand.books.rollback(one[1])
        self._at(500, partial(self._come_back, process))

    def _come_back(self, process: Process) -> None:
        process.alive, process.known = True, None
        process.client = self._process(process.name).client

    def _quietly(self, _value: Any, error: Exception | None) -> None:
        if error is not None and not isinstance(error, DomainError):
            self.broken.append(f"a flow broke: {error!r}")

    def _commit_deferred(self) -> None:
        if self.random.random() < 0.8:
            return
        _, done = self.stand.deferred.pop(0)
        try:
            self.stand.books.commit(done)
        except TryAgain:
            self.stand.books.rollback(done)

    # Claims.

    def _asks(self, resident: Resident) -> Callable[[], None]:
        def ask() -> None:
            if resident.idle or resident.waits:
                return
            process = self.random.choice(self.processes)
            number = resident.asks_now()
            self._at(_PATIENCE_MS, partial(self._answer, resident, number, None))
            if not process.alive:
                self._answer(resident, number, None)
                return
            self.queues[process].append((resident, number, resident.request()))
            self._at(self.random.choice((0, 2)), partial(self._flush, process))

        return ask

    def _flush(self, process: Process) -> None:
        queue = self.queues[process]
        busy = sum(one.process is process for one in self.tasks)
        if not queue or not process.alive or busy >= 2:
            return
        batch, self.queues[process] = queue[: self.most], queue[self.most :]
        requests = [request for _, _, request in batch]

        def done(answers: Any, error: Exception | None) -> None:
            self._quietly(None, error)
            told = [error] * len(batch) if error is not None else answers
            for (resident, ask, _), answer in zip(batch, told, strict=True):
                self._answer(resident, ask, answer)
            self._at(0, partial(self._flush, process))

        offer = self.stand.books.offer.id
        self._start(process, "claim", claim_flow(offer, requests, at=None), done)

    def _answer(self, resident: Resident, ask: int, answer: object) -> None:
        if resident.asks != ask or not resident.waits:
            return  # they went away before
        calm = self.weather.left == 0 and self.stand.now_ms > _STORM_MS
        resident.hears(self.stand.now_ms, answer, self.random, patient=calm)
        if not resident.idle:
            self._at(self.random.choice((10, 100, 1_500)), self._asks(resident))

    def _unknown(self) -> Counter[str]:
        """How claims of unknown outcome ended."""
        ends: Counter[str] = Counter()
        owners = {row.resident for row in self.stand.books.seen(None)}
        for one in self.residents:
            if one.unsure and one.gave_up:
                ends["gave up, holds one" if one.id in owners else "gave up, holds none"] += 1
            elif one.unsure:
                ends["asked again: voucher" if one.id in owners else "asked again: refused"] += 1
        return ends


def play(
    seed: int, keeps: Protections | None = None, spared: frozenset[Fault] = frozenset()
) -> Ending:
    """Play one seed, without some of the protections, and spared of some of the faults."""
    history = History(seed, keeps or Protections(), spared)
    with _planted(history.keeps, history.random):
        return history.run()


@contextmanager
def _planted(keeps: Protections, random: Random) -> Iterator[None]:
    """The one protection that lives in the flow itself and in no server."""
    if keeps.deterministic_ids:
        yield
        return
    names = vars(issue_module)
    own = names["voucher_id"]
    names["voucher_id"] = lambda *_: UUID(int=random.getrandbits(128))
    try:
        yield
    finally:
        names["voucher_id"] = own
