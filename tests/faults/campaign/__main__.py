"""`python -m tests.faults.campaign`: strike, race, judge; exit 1 names what was broken."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from benchmarks import machine
from voucher_service import settings as settings_module
from voucher_service.infra.core import build
from voucher_service.reports import verification

from . import city as city_module
from . import race, rehearsal, report
from .stand import Stand, serve, standing

PROCESSES, THREADS = 4, 16
_WATCH_SECONDS = 30.0  # two looks at every offer
_WHOLE = 200  # from so many faults on every cell must have been hit


@click.command()
@click.option("--seed", default="1", show_default=True)
@click.option(
    "--faults",
    type=int,
    default=rehearsal.FULL.hits,
    show_default=True,
    help="Besides those that measure how soon claims come back.",
)
@click.option("--returns/--no-returns", default=True, help="Measure how soon claims come back.")
@click.option("--races", type=int, default=20, show_default=True, help="Of each of three sizes.")
@click.option("--data", type=click.Path(path_type=Path), help="A new directory; kept.")
def main(*, seed: str, faults: int, returns: bool, races: int, data: Path | None) -> None:
    """Strike at real processes under load, and check the books by the residents' journals."""
    console, began = Console(soft_wrap=True, highlight=False), time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {text}", markup=False)

    # Not the system's temporary directory, which may be memory: a flush there would cost nothing.
    place = Path(tempfile.mkdtemp(prefix="faults-", dir="/var/tmp")) if data is None else data
    place.mkdir(parents=True, exist_ok=True)
    size = replace(rehearsal.FULL, hits=faults)
    if not returns:
        size = replace(size, gate_kills=0, database_kills=0)
    try:
        outcome, raced, books = rehearse(place, size, seed=seed, races=races, say=say)
    finally:
        if data is None:
            shutil.rmtree(place, ignore_errors=True)
    flush_us = machine.fsync_us(Path("/var/tmp"), 0.5)
    console.print(f"seed {seed}, {machine.cores()} cores, a flush takes {flush_us} µs")
    report.show(outcome, raced, console)
    whole = sum(report.hits_of(outcome).values()) >= _WHOLE
    if problems := report.broken(outcome, raced, books, whole=whole):
        for problem in problems:
            console.print(f"BROKEN  {problem}", markup=False)
        sys.exit(1)
    console.print("every promise was kept")


def rehearse(
    place: Path, size: rehearsal.Size, *, seed: str, races: int, say: Callable[[str], None]
) -> tuple[rehearsal.Outcome, list[race.Race], list[str]]:
    """Faults, races, and what `voucher verify` says in the end, on new servers in `place`."""
    with standing(place, processes=PROCESSES, threads=THREADS) as stand:
        serve(stand)
        city = city_module.found(stand, size.residents)
        try:
            if not city_module.durable(stand):
                sys.exit("the database is not durable: nothing would be proved")
            raced = race.run(city, times=races)
            say(f"{len(raced)} races are over")
            outcome = rehearsal.run(stand, city, size, seed=seed, say=say)
            return outcome, raced, verify(stand)
        finally:
            city.close()


def verify(stand: Stand) -> list[str]:
    """What the product's own check of the books finds wrong, and goes on finding.

    A gate that differs is filled again by the watch, which looks at each offer in turn.
    """
    core, until = build(settings_module.load(stand.direct)), time.monotonic() + _WATCH_SECONDS
    try:
        while (found := verification.verify(core)).breaches and time.monotonic() < until:
            time.sleep(5)
        return [f"{one.invariant}: {one.detail}" for one in found.breaches]
    finally:
        core.close()


if __name__ == "__main__":
    main()
