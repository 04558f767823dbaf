"""Whether sealing keeps up with the claims that `make bench` sends.

    python -m tests.proof.beside --seconds 60

Claims come over HTTP as in the bench's row `claim`, an offer every ten seconds, with the schedule
running beside them. Printed for each offer: claims a second, what they left to seal, what was
sealed meanwhile, and how old the oldest row was that was not. Exit 1 when that was older than half
a minute at any end, or when the rest is not sealed within half a minute.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import click
from sqlalchemy import text

from benchmarks import server, wrk
from benchmarks.rows import ROWS
from benchmarks.stand import Stand, standing
from voucher_service.infra.core import Core
from voucher_service.infra.embedded.processes import Child, Launch
from voucher_service.proof import service

LATE = timedelta(seconds=30)
_WINDOW_SECONDS = 10
_CONNECTIONS, _PROCESSES, _THREADS = 128, 2, 64
_RESIDENTS_A_WINDOW = 40_000
_ROWS = text("SELECT (SELECT count(*) FROM audit.event) + (SELECT count(*) FROM ledger.transfer)")


def rows(core: Core) -> int:
    """How many rows there are to seal, sealed or not."""
    with core.transaction() as session:
        return int(session.execute(_ROWS).scalar_one())


@contextmanager
def scheduled(stand: Stand) -> Iterator[None]:
    """The schedule, as in production, for as long as the block lasts."""
    command = (sys.executable, "-m", "voucher_service.jobs", "schedule")
    launch = Launch(command, Path.cwd(), environment=stand.environment)
    child = Child(stand.data, "schedule", lambda: launch)
    child.start()
    try:
        yield
    finally:
        child.stop()


def caught_up(core: Core) -> float:
    """Wait until everything is sealed; how long that took, in seconds, half a minute at most."""
    began = monotonic()
    while service.health(core).behind > timedelta() and monotonic() - began < LATE.seconds:
        sleep(0.2)
    return monotonic() - began


def campaign(stand: Stand, seconds: int) -> timedelta:
    """Claims for that long; how old the oldest row was that waited at the end of any window."""
    core, late = stand.city.core, timedelta()
    row = next(one for one in ROWS if one.name == "claim")
    for number in range(max(1, seconds // _WINDOW_SECONDS)):
        window = row.send(stand, _WINDOW_SECONDS, 0.0)
        written, sealed = rows(core), service.state(core).size
        with server.serving(
            stand.data,
            row.target,
            {**stand.environment, server.POOL: "4"},
            processes=_PROCESSES,
            threads=_THREADS,
        ) as port:
            load = wrk.run(
                port,
                window.requests,
                connections=_CONNECTIONS,
                seconds=_WINDOW_SECONDS,
                journal=True,
            )
            behind = service.health(core).behind
        claims = len(load.ids or ()) / load.seconds
        written, sealed = rows(core) - written, service.state(core).size - sealed
        waited = behind / timedelta(seconds=1)
        told = f"{claims:,.0f} claims/s, {written:,} rows written, {sealed:,} sealed"
        click.echo(f"window {number + 1}: {told}, the oldest waited {waited:.1f} s")
        late = max(late, behind)
    return late


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    # Not the system's temporary directory, which may be memory: a flush there would cost nothing.
    place = Path(tempfile.mkdtemp(prefix="beside-", dir="/var/tmp"))
    try:
        with standing(place, _RESIDENTS_A_WINDOW) as stand, scheduled(stand):
            caught_up(stand.city.core)
            late = campaign(stand, seconds)
            rest = caught_up(stand.city.core)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    click.echo(f"at most {late / timedelta(seconds=1):.1f} s behind; the rest took {rest:.1f} s")
    return 1 if late > LATE or rest >= LATE.seconds else 0


if __name__ == "__main__":
    sys.exit(main())
