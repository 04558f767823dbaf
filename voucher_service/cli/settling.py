"""Settlement: draft a day, take the bank's answer, and a played bank for development."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from voucher_service import settings as settings_module
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.clock import day_of

from .base import DATA, DAY, attached, main, plainly


@main.command()
@click.option("--day", type=DAY, help="The last day. Default: yesterday.")
@DATA
@plainly
def settle(day: datetime | None, data: Path) -> None:
    """Draft the batch of a day, as the schedule does; the same one when it is there."""
    from voucher_service.settlement import service as settlement

    with attached(data) as (core, _):
        last = day.date() if day else _yesterday(core)
        batch = settlement.draft(core, actor=SYSTEM, day=last)
    click.echo(
        f"{batch.number} {batch.status}: {batch.lines} lines, {batch.items} redemptions,"
        f" {batch.total.yuan_text()} yuan to pay"
    )


@main.command("bank-return")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@DATA
@plainly
def bank_return(file: Path, data: Path) -> None:
    """Take what the bank answered; the file names its batch. Again it changes nothing."""
    from voucher_service.settlement import service as settlement

    with attached(data) as (core, _):
        taken = settlement.take_return(core, actor=SYSTEM, content=file.read_bytes())
    again = " (taken before)" if taken.replayed else ""
    click.echo(
        f"{taken.rows} answers: {taken.paid} paid, {taken.bounced} bounced,"
        f" {taken.returned} sent back later{again}"
    )


@main.command("play-bank")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--bounced-bps", type=click.IntRange(0, 10_000), default=0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@plainly
def play_bank(file: Path, out: Path, bounced_bps: int, seed: int) -> None:
    """Answer a bank file as a bank would; of 10,000 payments so many bounce. Development only."""
    from voucher_service.settlement import played_bank
    from voucher_service.settlement.model import Form

    if settings_module.load().production:
        raise click.ClickException("refused: VOUCHER_ENV=production")
    form = Form.XLSX if out.suffix == ".xlsx" else Form.CSV
    answers = played_bank.answer(
        file.read_bytes(), form=form, at=datetime.now(UTC), bounced_bps=bounced_bps, seed=seed
    )
    out.write_bytes(answers)
    click.echo(f"wrote {out}")


def _yesterday(core: Core) -> date:
    with core.transaction() as session:
        return day_of(core.now(session)) - timedelta(days=1)
