"""The sealed log: take it out for an auditor."""

from __future__ import annotations

import contextlib
import re
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


@proof.command()
@click.option("--name", required=True, help="The witness's name: a host name and a path.")
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Its private key; made, for its owner's eyes only, where there is none.",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The last head that it signed.",
)
@click.option("--log", "log_key", required=True, help="The log's key, as /checkpoints shows it.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=8100, show_default=True)
@plainly
def witness(name: str, key_file: Path, store: Path, log_key: str, host: str, port: int) -> None:
    """Cosign heads of a log as long as each continues the last; refuse every other history."""
    from voucher_service.proof import notes
    from voucher_service.proof import witness as watching

    if not re.fullmatch(r"[^\s+]+", name):
        raise click.ClickException("a name has no space and no plus sign")
    key = watching.key_in(key_file)
    made = watching.Witness(name, key, notes.parsed_verifier(log_key), store)
    with watching.serve(made, port, host) as server:
        click.echo(f"witness_url = http://{host}:{server.server_address[1]}")
        click.echo(f"witness_key = {notes.verifier(name, key, cosigns=True)}")
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
