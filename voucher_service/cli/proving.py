"""The sealed log: take it out for an auditor."""

from __future__ import annotations

from pathlib import Path

import click

from .base import DATA, attached, main, plainly


@main.group()
def proof() -> None:
    """The log that proves itself."""


@proof.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="A new folder, or an empty one.",
)
@DATA
@plainly
def export(out: Path, data: Path) -> None:
    """Write the sealed log with its heads and keys, for `python3 tools/verify_log.py DIR`."""
    from voucher_service.proof import service

    with attached(data) as (core, _):
        while service.seal(core):
            pass
        count = service.export(core, folder=out)
    click.echo(f"{count:,} entries in {out}")
