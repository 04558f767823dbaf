"""`python -m tests.codes --count 1000000`: tampered codes against servers of its own."""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.faults.killable import core_on, servers_in
from tests.make import World
from voucher_service.infra.core import with_clock
from voucher_service.kernel.clock import Clock

from .attack import Outcome, attack, stock


@click.command()
@click.option("--count", default=1_000_000, show_default=True)
@click.option("--vouchers", default=200, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(count: int, vouchers: int, seed: int) -> None:
    """Print how many of each kind were refused; exit 1 when one was accepted."""
    with (
        tempfile.TemporaryDirectory(prefix="codes-") as folder,
        servers_in(Path(folder)) as servers,
        core_on(servers) as core,
    ):
        still = with_clock(core, Clock(datetime.now(UTC)))
        began = time.monotonic()
        outcome = attack(still, stock(World(still), vouchers), count=count, seed=seed)
        _print(outcome, time.monotonic() - began)
    sys.exit(1 if outcome.accepted else 0)


def _print(outcome: Outcome, seconds: float) -> None:
    for kind, said in sorted(outcome.refused.items()):
        counts = ", ".join(f"{code} {count:,}" for code, count in said.most_common() if count)
        click.echo(f"{kind:20} {counts}")
    for kind, text in outcome.accepted[:20]:
        click.echo(f"ACCEPTED {kind} {text!r}")
    same = outcome.same.total()
    click.echo(
        f"tampered codes read: {outcome.tried:,}; accepted: {len(outcome.accepted)}"
        f" ({same:,} changed back into a live one, not counted); {seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
