"""Servers and programs that are killed or frozen, and disks that are full."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from random import Random

from voucher_service.infra.embedded.servers import DATABASE, GATE, QUEUE

from . import processes
from .stand import FACE, SCHEDULE, WORKER, Stand
from .strike import Course, Kind, Strike

_FULL_SECONDS = 1.0
_LONG_SECONDS = (4.0, 8.0)  # longer than it takes until PostgreSQL alone goes on
_WORDS_BYTES = 100_000
Pids = Callable[[Stand, Random], list[int]]


def kill_server(
    stand: Stand, strike: Strike, *, name: str, down: tuple[float, float] = (0.0, 2.0)
) -> Course:
    """kill -9, some time down, start."""
    with stand.kept_down(name):
        family, child = stand.family(name), stand.child(name)
        # The head first, as an operator's kill -9 or the kernel would do; the rest ends by itself.
        gone = processes.kill(family[:1]) and processes.kill(family[1:] or family)
        child.exit_code()
        strike.hit(gone, f"{len(family)} processes gone, {name} {family[0]} first")
        with strike.out_of_reach(name):
            yield strike.rng.uniform(*down)
        child.start()
    yield 0.2


def kill_and_tend(stand: Stand, strike: Strike, *, pids: Pids) -> Course:
    """kill -9; whoever looks after it starts it again."""
    chosen = pids(stand, strike.rng)
    strike.hit(processes.kill(chosen), f"{len(chosen)} gone: {chosen}")
    yield 1.5


def freeze(stand: Stand, strike: Strike, *, pids: Pids, server: str = "") -> Course:
    """SIGSTOP, one to ten seconds, SIGCONT."""
    chosen = pids(stand, strike.rng)
    try:
        strike.hit(processes.freeze(chosen), f"state T: {chosen}")
        seconds = strike.rng.choice((1.0, 2.0, 3.0, 5.0, 10.0))
        if server:
            with strike.out_of_reach(server):
                yield seconds
        else:
            yield seconds
    finally:
        processes.thaw(chosen)
    yield 0.3


def kill_both(stand: Stand, strike: Strike) -> Course:
    """Gate and PostgreSQL at the same moment."""
    with stand.kept_down(GATE), stand.kept_down(DATABASE):
        gone = processes.kill([stand.pid(GATE), stand.pid(DATABASE)])
        processes.kill(processes.children(stand.pid(DATABASE)))
        strike.hit(gone, "both gone")
        with strike.out_of_reach(GATE), strike.out_of_reach(DATABASE):
            yield strike.rng.uniform(0, 1)
        for name in (DATABASE, GATE):
            stand.child(name).exit_code()
            stand.child(name).start()
    yield 0.5


def strike_backend(stand: Stand, strike: Strike, *, number: signal.Signals) -> Course:
    """One busy backend: kill -9 (the server restarts all of them) or SIGTERM (one connection)."""
    chosen: list[int] = []
    for _ in range(100):
        backends = _backends(stand)
        busy = [pid for pid in backends if not processes.title(pid).endswith(" idle")]
        chosen = busy or chosen or backends
        if busy:
            break
        yield 0.02
    pid = strike.rng.choice(chosen)
    was = processes.title(pid)
    strike.hit(processes.kill([pid], number), f"backend {pid} gone, it was: {was}")
    yield 0.5


def freeze_backend(stand: Stand, strike: Strike) -> Course:
    """One backend stands still, with whatever locks it holds."""
    for _ in range(100):
        if busy := [one for one in _backends(stand) if not processes.title(one).endswith(" idle")]:
            yield from freeze(stand, strike, pids=lambda _stand, _rng: busy[:1])
            return
        yield 0.02


def fill_disk(stand: Stand, strike: Strike) -> Course:
    """No process of PostgreSQL can write where the log of changes goes on, as on a full disk.

    Only its log of words may grow a little, so that it can say what happened to it.
    """
    log = stand.child(DATABASE).log
    before = log.stat().st_size
    family = stand.family(DATABASE)
    try:
        processes.starve(family, most_bytes=before + _WORDS_BYTES)
        yield _FULL_SECONDS
    finally:
        processes.starve({*family, *stand.family(DATABASE)}, most_bytes=None)
    said = log.read_bytes()[before:].decode("utf-8", "replace") if log.exists() else ""
    words = [line for line in said.splitlines() if "File too large" in line]
    strike.hit(bool(words), words[0][-120:] if words else "it wrote nothing meanwhile")
    yield 1.0


def _backends(stand: Stand) -> list[int]:
    family = processes.children(stand.pid(DATABASE))
    return [pid for pid in family if processes.title(pid).startswith("postgres: voucher_app")]


def _one_web_worker(stand: Stand, rng: Random) -> list[int]:
    # Not the youngest: granian gives up on a worker that ends again right after its start.
    workers = stand.web_workers()[:2]
    return [rng.choice(workers)] if workers else []


def _postmaster(stand: Stand, _rng: Random) -> list[int]:
    return [stand.pid(DATABASE)]


def _family(name: str) -> Pids:
    return lambda stand, _rng: stand.family(name)


def _program(name: str) -> tuple[Kind, Kind]:
    return (
        Kind(f"{name}.kill", partial(kill_and_tend, pids=_family(name)), frozenset({name})),
        Kind(f"{name}.freeze", partial(freeze, pids=_family(name)), frozenset({name})),
    )


def _server(name: str, weight: int) -> tuple[Kind, Kind]:
    stopped = partial(freeze, pids=_family(name), server=name)
    return (
        Kind(f"{name}.kill", partial(kill_server, name=name), frozenset({name}), weight),
        Kind(f"{name}.freeze", stopped, frozenset({name}), weight),
    )


_TERM = partial(strike_backend, number=signal.SIGTERM)
KINDS = (
    *_server(GATE, 2),
    *_server(DATABASE, 1),
    *_server(QUEUE, 1),
    Kind("gate.away", partial(kill_server, name=GATE, down=_LONG_SECONDS), frozenset({GATE})),
    Kind("both.kill", kill_both, frozenset({GATE, DATABASE})),
    Kind("postgres.postmaster_freeze", partial(freeze, pids=_postmaster), frozenset({DATABASE})),
    Kind(
        "postgres.backend_kill",
        partial(strike_backend, number=signal.SIGKILL),
        frozenset({DATABASE}),
    ),
    Kind("postgres.backend_end", _TERM, frozenset({DATABASE})),
    Kind("postgres.backend_freeze", freeze_backend, frozenset({DATABASE})),
    Kind("postgres.disk_full", fill_disk, frozenset({DATABASE})),
    Kind("web.kill", partial(kill_and_tend, pids=_one_web_worker), frozenset({FACE}), 2),
    Kind("web.freeze", partial(freeze, pids=_one_web_worker), frozenset({FACE}), 2),
    Kind("web.kill_all", partial(kill_and_tend, pids=_family(FACE)), frozenset({FACE})),
    *_program(WORKER),
    *_program(SCHEDULE),
)
