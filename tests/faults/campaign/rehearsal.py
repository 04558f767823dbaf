"""A whole run: residents, faults, how soon claims come back, a quiet phase, and the judgement."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import psycopg

from voucher_service.infra.embedded.servers import DATABASE, GATE

from . import checker, cut_kinds, gate_kinds, kinds
from .city import City, Wanted
from .clients import Crowd, Market
from .journal import Journal
from .runner import Runner
from .stand import Stand
from .strike import Kind

ALL = (*kinds.KINDS, *gate_kinds.KINDS, *cut_kinds.KINDS)
QUIET_SECONDS = 20.0  # after the last fault everything is settled within this time
_LARGE = 60_000
_AT_ONCE = 4  # small offers on sale at the same moment
_ENOUGH = 12  # refusals after which residents lose interest
_RETURN_SECONDS = 15.0
_DRAIN_SECONDS = 90.0
_LEAVING_SEATS = ("gate.admit.reply_lost", "claim.insert.request_lost")


@dataclass(frozen=True)
class Size:
    """How big a run is. `list`: these kinds in this order, each once, in place of a draw.

    `patience_seconds`: for how long an offer that is not full may answer "sold out" in the end.
    """

    hits: int
    every: tuple[float, float]
    clients: int
    residents: int
    offers: int
    quotas: tuple[int, ...]
    pause_seconds: float
    gate_kills: int
    database_kills: int
    late: int
    left_seats: int
    quiet_seconds: float = QUIET_SECONDS
    patience_seconds: float = 0.0
    list: tuple[str, ...] = ()


FULL = Size(
    hits=170,
    every=(2.0, 3.0),
    clients=32,
    residents=4_000,
    offers=44,
    quotas=(25, 60, 150, 400, 800),
    pause_seconds=0.06,
    gate_kills=22,
    database_kills=11,
    late=2,
    left_seats=4,
)
SLICE = Size(
    hits=0,
    every=(0.8, 1.2),
    clients=12,
    residents=400,
    offers=6,
    quotas=(20, 50, 100),
    pause_seconds=0.05,
    gate_kills=1,
    database_kills=1,
    late=0,
    left_seats=0,
    quiet_seconds=0.0,
    patience_seconds=28.0,
    list=(
        "gate.admit.reply_lost",
        "claim.commit.reply_lost",
        "claim.commit.reply_dies",
        "gate.set_back",
        "postgres.backend_kill",
        "claim.insert.request_lost",
        "web.kill",
        "gate.flush",
    ),
)


@dataclass
class Outcome:
    """What a run found."""

    findings: checker.Findings
    strikes: dict[str, tuple[int, int]]  # kind → tries, hits
    exhausted: list[str]
    gate_back: list[float]
    database_back: list[float]


@dataclass
class Shelf:
    """Which offers are on sale: the next one comes when an old one has nothing left."""

    market: Market
    small: Sequence[Wanted]
    large: Sequence[Wanted]
    shown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.turn()

    def turn(self) -> None:
        """Put what residents are tired of away."""
        still = [slug for slug in self.shown if self.market.sold_out[slug] < _ENOUGH]
        rest = [one.slug for one in self.small if one.slug not in self.shown]
        fresh = rest[: _AT_ONCE - len(still)]
        self.shown += fresh
        self.market.offers = (*(one.slug for one in self.large), *still, *fresh)


def run(stand: Stand, city: City, size: Size, *, seed: str, say: Callable[[str], None]) -> Outcome:
    """Strike while residents claim, then let it settle, then judge. Raises nothing of its own."""
    rng, folder = Random(seed), stand.data / "journals"
    folder.mkdir(exist_ok=True)
    small = [Wanted(f"small-{n}", rng.choice(size.quotas), 1 + n % 2) for n in range(size.offers)]
    large = [Wanted(f"large-{n}", _LARGE, 30) for n in range(2)]
    for start in range(0, len(small), 8):
        city.publish(small[start : start + 8])
    city.publish(large)
    say(f"{len(small) + len(large)} offers are open to {len(city.residents):,} residents")
    market = Market(stand.port, pause_seconds=size.pause_seconds)
    shelf = Shelf(market, small, large)
    journal = Journal(folder / "faults.jsonl")
    runner = Runner(stand, journal, rng, shelf.turn)
    crowd = Crowd(market, city.residents, folder, clients=size.clients, seed=seed)
    over = threading.Event()
    modes = threading.Thread(target=_watch_modes, args=(stand, folder, over), daemon=True)
    modes.start()
    crowd.start()
    runner.wait(2.0)
    _strike(runner, size, say)
    _returns(runner, market, size, say)
    _settle(runner, shelf, size, say)
    exhausted = drain(runner, city, shelf.shown, seed=seed, patience_seconds=size.patience_seconds)
    crowd.stop()
    over.set()
    modes.join()
    journal.close()
    say(f"{len(exhausted)} offers were asked for until nothing was left")
    with psycopg.connect(stand.database_url) as connection:
        findings = checker.check(folder, connection, exhausted=exhausted)
    return Outcome(
        findings,
        tally(runner),
        exhausted,
        checker.recoveries(folder, "return", "gate.kill"),
        checker.recoveries(folder, "return", "postgres.kill"),
    )


def tally(runner: Runner) -> dict[str, tuple[int, int]]:
    """Kind → how often it was tried, and how often it hit."""
    found: dict[str, tuple[int, int]] = {}
    for one in runner.strikes:
        tries, hits = found.get(one.kind, (0, 0))
        found[one.kind] = tries + 1, hits + one.hits
    return found


def named(names: Iterable[str]) -> list[Kind]:
    """Kinds by their names."""
    known = {kind.name: kind for kind in ALL}
    return [known[name] for name in names]


def _strike(runner: Runner, size: Size, say: Callable[[str], None]) -> None:
    if size.list:
        for kind in named(size.list):
            while not runner.free(kind):
                runner.wait(0.1)
            runner.begin(kind, "faults")
            runner.wait(runner.rng.uniform(*size.every))
        runner.finish()
    else:
        runner.campaign(ALL, hits=size.hits, every=size.every, phase="faults")
    say(f"{runner.hits} faults hit, of {len(runner.strikes)}")


def _returns(runner: Runner, market: Market, size: Size, say: Callable[[str], None]) -> None:
    """Kill a server, start it as `voucher dev` would, and wait until somebody gets a voucher."""
    for name, count in ((DATABASE, size.database_kills), (GATE, size.gate_kills)):
        # Down for as long as `voucher dev` takes to notice.
        soon = partial(kinds.kill_server, name=name, down=(0.0, 0.2))
        for _ in range(count):
            _until_good(runner, market)
            strike = runner.begin(Kind(f"{name}.kill", soon, frozenset({name})), "return")
            _until_good(runner, market, since=strike.began)
            runner.finish()
        if count:
            say(f"{name} was killed {count} times and came back")


def _until_good(runner: Runner, market: Market, *, since: int = 0) -> None:
    """Until a voucher asked for after `since` (or from now on) was given."""
    since = since or time.time_ns()
    until = time.monotonic() + _RETURN_SECONDS
    while time.monotonic() < until and not any(at > since for at in market.good[-500:]):
        runner.wait(0.05)


def _settle(runner: Runner, shelf: Shelf, size: Size, say: Callable[[str], None]) -> None:
    """The late commits, which need quiet around them; seats that nobody asks for; then no fault.

    Small offers only: what is left pending of them is found by the reaper, or it is undersold.
    """
    for _ in range(size.late):
        runner.begin(cut_kinds.LATE, "late")
        runner.wait(0.5)
    runner.finish()
    shelf.large = ()
    for kind in named(_LEAVING_SEATS * size.left_seats):
        runner.begin(kind, "left seats")
        runner.finish()
    runner.wait(size.quiet_seconds)
    say("the quiet phase is over")


def drain(
    runner: Runner, city: City, slugs: Sequence[str], *, seed: str, patience_seconds: float
) -> list[str]:
    """Let new residents ask for each offer until they are told that nothing is left; which were.

    An offer that is not full is asked for again until patience ends: seats may be pending.
    """
    market = Market(runner.stand.port, tuple(slugs), pause_seconds=0.01)
    folder = runner.stand.data / "journals"
    crowd = Crowd(market, city.residents[::-1], folder, clients=16, seed=f"{seed}-last")
    crowd.start()
    began, gone = time.monotonic(), set[str]()
    while market.offers and time.monotonic() < began + _DRAIN_SECONDS:
        runner.wait(0.2)
        tired = {slug for slug in market.offers if market.sold_out[slug] >= _ENOUGH}
        if time.monotonic() < began + patience_seconds:
            tired &= _full(runner.stand)
        gone |= tired
        market.offers = tuple(slug for slug in market.offers if slug not in gone)
    crowd.stop()
    return sorted(gone)


def _full(stand: Stand) -> set[str]:
    with psycopg.connect(stand.database_url) as connection:
        rows = connection.execute(
            "SELECT o.slug FROM offer o JOIN voucher v ON v.offer_id = o.id AND v.holds_slot"
            " GROUP BY o.slug, o.quota HAVING count(*) >= o.quota"
        ).fetchall()
    return {slug for (slug,) in rows}


def _watch_modes(stand: Stand, folder: Path, over: threading.Event) -> None:
    """Write down which offers are in the declared degraded mode, whenever PostgreSQL says so."""
    journal = Journal(folder / "modes.jsonl")
    while not over.wait(0.2):
        try:
            with psycopg.connect(stand.database_url, connect_timeout=2, autocommit=True) as one:
                one.execute("SET statement_timeout = '2s'")
                while not over.wait(0.2):
                    rows = one.execute("SELECT slug FROM offer WHERE mode = 'degraded'").fetchall()
                    if rows:
                        journal.write("modes", degraded=[slug for (slug,) in rows])
        except psycopg.Error:
            continue
    journal.close()
