"""`python -m benchmarks`: measure, write the JSON, and put the table into a page."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from voucher_service.kernel.clock import day_of

from . import ledger, machine, report, wrk
from .measure import Bench, BenchFailed
from .plan import FULL, SLICE, USUAL, Plan
from .rows import long_rows, rows
from .stand import standing

_PLANS = {"usual": USUAL, "full": FULL, "slice": SLICE}
_RESULTS = Path(__file__).with_name("results") / "latest.json"
_FSYNC_SECONDS = 1.0


def run(plan: Plan, data: Path, console: Console) -> dict[str, Any]:
    """All rows on new servers in `data`. Raises BenchFailed, WrkMissing."""
    wrk.program()
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {text}", markup=False, highlight=False)

    flush_us = machine.fsync_us(data, _FSYNC_SECONDS)
    with standing(data, plan.residents) as stand:
        durable = machine.durable_settings(stand.database_url)
        if set(durable.values()) != {"on"}:
            raise BenchFailed(f"the database is not durable: {durable}")
        say(f"{plan.residents} residents are registered")
        bench = Bench(stand, plan, say)
        measured = {row.name: bench.row(row) for row in rows(day_of(stand.city.now))}
        for row in long_rows(plan):
            measured[row.name] = bench.row(row, measured["claim"].setting)
        measured |= ledger.rows(stand, plan, say)
    return report.results(plan, machine.facts(), flush_us, durable, measured, bench.tally)


@click.command()
@click.option("--plan", type=click.Choice(list(_PLANS)), default="usual", show_default=True)
@click.option(
    "--data", type=click.Path(path_type=Path), help="A new directory on the disk to measure."
)
@click.option("--out", type=click.Path(path_type=Path), default=_RESULTS, show_default=True)
@click.option("--page", type=click.Path(path_type=Path), help="Put the table into this page.")
def main(plan: str, data: Path | None, out: Path, page: Path | None) -> None:
    """Measure claims and redemptions beside empty Flask and plain baselines."""
    console = Console(soft_wrap=True)
    # Not the system's temporary directory, which may be memory: a flush there would cost nothing.
    place = Path(tempfile.mkdtemp(prefix="bench-", dir="/var/tmp")) if data is None else data
    place.mkdir(parents=True, exist_ok=True)
    try:
        found = run(_PLANS[plan], place, console)
    except (BenchFailed, wrk.WrkMissing) as error:
        raise click.ClickException(str(error)) from error
    finally:
        if data is None:
            shutil.rmtree(place, ignore_errors=True)
    report.save(found, out)
    if page is not None:
        report.put_into(page, found)
    console.print(report.table(found), markup=False, highlight=False)
    if found["checks"]["acknowledged"] != found["checks"]["rows_in_db"]:
        sys.exit("acknowledged claims and rows differ")


if __name__ == "__main__":
    main()
