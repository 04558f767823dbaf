"""`python -m tests.books`: a long walk on servers of its own, which are killed now and then."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from random import Random

import click

from tests.faults.killable import core_on, servers_in
from tests.faults.test_outages import kill, start_again
from voucher_service.infra.core import with_clock
from voucher_service.infra.embedded.servers import DATABASE, GATE
from voucher_service.kernel.clock import Clock

from .city import START, build
from .walk import Report, Walk


@click.command()
@click.option("--operations", default=100_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--crashes", default=0.02, show_default=True, help="Part of the operations that die.")
@click.option("--kill-servers", default=60.0, show_default=True, help="Seconds between kill -9.")
def main(operations: int, seed: int, crashes: float, kill_servers: float) -> None:
    """Walk, and print what was done; exit 1 at the first fen that is wrong."""
    with (
        tempfile.TemporaryDirectory(prefix="books-") as folder,
        servers_in(Path(folder)) as servers,
        core_on(servers) as core,
    ):
        city = build(with_clock(core, Clock(START)), 400)
        done = threading.Event()
        killed: list[str] = []

        def strike() -> None:
            random = Random(seed)
            while kill_servers and not done.wait(random.uniform(0.5, 1.5) * kill_servers):
                name = random.choice((DATABASE, GATE))
                kill(servers, name)
                killed.append(name)
                start_again(servers, name)

        killer = threading.Thread(target=strike)
        killer.start()
        walk = Walk(core, city, seed, crash_rate=crashes, disaster=kill_servers > 0)
        walk.looked = _say
        try:
            report = walk.run(operations)
        finally:
            done.set()
            killer.join()
            walk.close()
        _print(report, killed)


def _say(report: Report) -> None:
    if report.looks % 10 == 0:
        click.echo(f"{report.operations.total():,} operations, no difference", err=True)


def _print(report: Report, killed: list[str]) -> None:
    for title, counts in (
        ("operations", report.operations),
        ("refusals", report.refusals),
        ("crashes", report.crashes),
        ("after a crash", report.endings),
    ):
        click.echo(f"{title}: {counts.total():,}")
        for name, count in counts.most_common():
            click.echo(f"  {name:40} {count:>8,}")
    click.echo(f"servers killed: {len(killed)} ({', '.join(sorted(set(killed)))})")
    click.echo(
        f"differences: 0 at {report.looks} looks; verified {report.verified} times;"
        f" {report.seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
