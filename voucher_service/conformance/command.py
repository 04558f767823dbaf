"""`voucher pos-check`: play a till against a server, and say which promises it keeps."""

from __future__ import annotations

from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from rich.console import Console
from rich.table import Table

from . import later_checks
from .checks import CHECKS, Check, FailedError
from .till import NoAnswerError, Till

__all__ = ["later_checks", "pos_check"]

_BROKEN = (KeyError, TypeError, ValueError)


@click.command("pos-check")
@click.argument("url")
@click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The till's private key, Ed25519 as PEM.",
)
@click.option("--keyid", required=True, help="The id that the key was registered under.")
@click.option("--wait/--no-wait", default=True, help="Wait two minutes for a freeze to be over.")
@click.option("--only", default="", help="Only the checks with this in their titles.")
def pos_check(*, url: str, key_file: Path, keyid: str, wait: bool, only: str) -> None:
    """Play a till of the sandbox against URL; fails when a promise of the contract is broken."""
    till = Till(url, private_key(key_file), keyid)
    table = Table("check", "", "reason")
    failed = 0
    for one in (one for one in CHECKS if only in one.title):
        if one.slow and not wait:
            table.add_row(one.title, "left out", "it waits for a freeze to be over: --wait")
            continue
        reason = judged(one, till)
        failed += bool(reason)
        table.add_row(one.title, "FAILED" if reason else "ok", reason)
    Console(width=None if Console().is_terminal else 160).print(table)
    if failed:
        raise click.ClickException(f"{failed} of {table.row_count} checks failed")
    click.echo(f"{table.row_count} checks, all as the contract says")


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key in a PEM file. Raises ClickException when it holds none."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (TypeError, ValueError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise click.ClickException(f"{path} holds no Ed25519 key")
    return key


def judged(one: Check, till: Till) -> str:
    """Why a check failed; empty when it did not. Raises ClickException without a server."""
    try:
        one.run(till)
    except NoAnswerError as error:
        raise click.ClickException(str(error)) from error
    except FailedError as error:
        return str(error)
    except _BROKEN as error:
        return f"the answer is not in the form of the contract: {error!r}"
    return ""
