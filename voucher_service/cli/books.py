"""The figures, the job that works them out, and whether the books are clean."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from threading import Thread

import click

from voucher_service import serving
from voucher_service.infra import core as core_module
from voucher_service.infra.core import Core

from .base import DATA, DAY, LANG, attached, main, plainly, servers

_FILES = ("zip", "xlsx", "pdf")


@main.group()
def report() -> None:
    """Reports of what the reconciliation has worked out."""


@report.command()
@click.option("--programme", required=True)
@click.option(
    "--group-by",
    type=click.Choice(
        ["campaign", "area", "trade", "day", "funder", "merchant_size", "offer", "hour", "brand"]
    ),
    default="campaign",
    show_default=True,
)
@click.option(
    "--basis", type=click.Choice(["period", "cohort"]), default="period", show_default=True
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "csv", "zip", "xlsx", "pdf"]),
    default="table",
    show_default=True,
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: standard output."
)
@click.option("--from", "first", type=DAY, help="The first day. Default: as far back as it goes.")
@click.option("--to", "last", type=DAY, help="The last day. Default: until now.")
@LANG
@DATA
@plainly
def leverage(
    *,
    programme: str,
    group_by: str,
    basis: str,
    format_: str,
    out: Path | None,
    first: datetime | None,
    last: datetime | None,
    locale: str,
    data: Path,
) -> None:
    """Issued against leveraged spending: gross, net, and the mechanical floor."""
    from voucher_service.reports import deliver

    if out is None and format_ in _FILES:
        raise click.UsageError(f"{format_} needs --out FILE")
    with attached(data) as (core, _):
        content = deliver.leverage(
            core,
            programme=programme,
            group_by=group_by,
            basis=basis,
            format_=format_,
            locale=locale,
            first=first.date() if first else None,
            last=last.date() if last else None,
        )
    if out is not None:
        out.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)


@main.command()
@click.option("--programme", help="Default: every programme.")
@click.option("--whole", is_flag=True, help="Count every row again, and compare.")
@click.option("--wait-seconds", type=int, default=120, show_default=True)
@DATA
@plainly
def reconcile(programme: str | None, whole: bool, wait_seconds: int, data: Path) -> None:  # noqa: FBT001 - a flag
    """Ring the reconciliation job, wait for it, and say how far it is."""
    from voucher_service.jobs import runtime
    from voucher_service.reconciliation import service as reconciliation

    with servers(data) as addresses:
        settings = serving.settings_for(addresses, data)
        core = core_module.build(settings)
        keys = reconciliation.ask(core, programme=programme, whole=whole)
        slugs = [key.partition(":")[2] for key in keys]
        if not addresses.attached:  # nobody else serves this directory
            Thread(target=lambda: [runtime.do(core, key) for key in keys], daemon=True).start()
        said = _watch(core, keys, set(slugs), time.monotonic() + wait_seconds)
        if said is not None:
            raise click.ClickException(
                f"{said} is not done after {wait_seconds} s; it stays in the list:"
                " ask again, or wait longer with --wait-seconds"
            )
        for one in reconciliation.progress(core):
            if one.programme in slugs:
                click.echo(one.sentence)
        for wrong in reconciliation.wrong_cells(core):
            if wrong.programme in slugs:
                click.echo(wrong.sentence)
        core.close()
    click.echo(f"reconciled: {', '.join(slugs) or 'nothing'}")


def _watch(core: Core, keys: list[str], slugs: set[str], deadline: float) -> str | None:
    """Say on standard error how far recounts are until all jobs are done; the key of one that is
    not in time.
    """
    from voucher_service.infra import outbox
    from voucher_service.reconciliation import service as reconciliation

    said: dict[str, int] = {}
    while True:
        with core.transaction() as session:
            waiting = [key for key in keys if not outbox.served(session, key=key)]
        if not waiting:
            return None
        if time.monotonic() > deadline:
            return waiting[0]
        for one in reconciliation.progress(core):
            if one.programme in slugs and one.parts and said.get(one.programme) != one.done:
                said[one.programme] = one.done
                click.echo(one.sentence, err=True)
        time.sleep(0.2)


@main.command()
@DATA
@plainly
def verify(data: Path) -> None:
    """Check the books: every invariant of the ledger and the quotas. Exit 1 names each breach."""
    from voucher_service.reports import verification

    with attached(data) as (core, _):
        found = verification.verify(core)
    for breach in found.breaches:
        click.echo(f"{breach.invariant}: {breach.detail}")
    if found.breaches:
        sys.exit(1)
    click.echo(found.sentence)
