"""Settle a large day and say how long each step took, and how much memory.

`python -m tests.settlement.scale --merchants 2000 --redemptions 100000`, on servers of its own.
Fails above --seconds or --megabytes.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import click
from sqlalchemy import create_engine, text

from tests.make import World
from tests.settlement import large_day
from voucher_service.cli.base import attached
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Role
from voucher_service.kernel.clock import day_of
from voucher_service.reports import verification
from voucher_service.settlement import played_bank
from voucher_service.settlement import service as settlement
from voucher_service.settlement.model import Form

T = TypeVar("T")


@click.command()
@click.option("--merchants", type=int, default=20_000, show_default=True)
@click.option("--redemptions", type=int, default=1_000_000, show_default=True)
@click.option("--seconds", type=int, default=600, show_default=True)
@click.option("--megabytes", type=int, default=400, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help="Default: one that is thrown away.")
def main(merchants: int, redemptions: int, seconds: int, megabytes: int, data: Path | None) -> None:
    """Settle a book of so many merchants and redemptions, to the bank and back."""
    os.environ["VOUCHER__SETTLEMENT__STATEMENT_HOURS"] = "0"
    with TemporaryDirectory() as thrown:
        folder = data or Path(thrown)
        with attached(Path(folder)) as (core, _):
            _make(core, merchants, redemptions)
            took, most = _settle(core)
            found = verification.verify(core).breaches
    # The day is written by statements: today (T1), and without the audit trail of its vouchers.
    breaches = [str(one) for one in found if one.invariant[:2] not in ("T1", "A1", "A2")]
    click.echo(f"together {took:.0f} s, at most {most} MB; breaches: {breaches or 'none'}")
    if took > seconds or most > megabytes or breaches:
        raise SystemExit(1)


def _make(core: Core, shops: int, redemptions: int) -> None:
    began = time.monotonic()
    large_day.make(core, shops=shops, redemptions=redemptions)
    if url := core.settings.database.owner_url:
        owner = create_engine(url, isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.execute(text("VACUUM (ANALYZE)"))
        owner.dispose()
    click.echo(f"book made in {time.monotonic() - began:.0f} s")


def _settle(core: Core) -> tuple[float, int]:
    world = World(core)
    reviewer, payer = world.staff(Role.FINANCE), world.staff(Role.FINANCE)
    yesterday = day_of(world.now()) - timedelta(days=1)
    steps = _Steps()
    big = partial(settlement.draft, core, actor=SYSTEM, day=yesterday)
    batch = steps.do("draft", big)
    click.echo(f"{batch.lines:,} lines, {batch.items:,} redemptions, {batch.due.yuan_text()} yuan")
    steps.do("draft again", big)
    asked = steps.do("review", lambda: settlement.review(core, actor=reviewer, batch=batch.id))
    world.approve(asked)
    steps.do("send", lambda: settlement.send(core, actor=payer, batch=batch.id))
    _, content = steps.do(
        "file",
        lambda: settlement.bank_file(core, actor=payer, batch=batch.id, form=Form.XLSX),
    )
    _, content = settlement.bank_file(core, actor=payer, batch=batch.id, form=Form.CSV)
    with core.transaction() as session:
        now = core.now(session)
    back = played_bank.answer(content, form=Form.CSV, at=now, bounced_bps=100, seed=1)
    taken = steps.do("return", lambda: settlement.take_return(core, actor=payer, content=back))
    steps.do("return again", lambda: settlement.take_return(core, actor=payer, content=back))
    done = settlement.batch(core, actor=payer, batch=batch.id)
    click.echo(f"{done.status}: paid {taken.paid:,}, bounced {taken.bounced:,}")
    return steps.took, steps.most


class _Steps:
    """Runs steps and remembers the time of all and the most memory of one."""

    took = 0.0
    most = 0

    def do(self, name: str, step: Callable[[], T]) -> T:
        """Run a step and print its seconds and its peak of resident memory."""
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        began, worked = time.monotonic(), time.process_time()
        result = step()
        took, worked = time.monotonic() - began, time.process_time() - worked
        peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
        assert peak is not None, "Linux tells it"
        megabytes = int(peak[1]) // 1024
        click.echo(f"{name:14} {took:7.1f} s, {worked:6.1f} s of processor, {megabytes:4} MB")
        self.took, self.most = self.took + took, max(self.most, megabytes)
        return result


if __name__ == "__main__":
    main()
