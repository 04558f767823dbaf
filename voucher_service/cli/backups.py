"""Copy the database elsewhere, get it back, and rehearse both."""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import click

from voucher_service import serving
from voucher_service import settings as settings_module
from voucher_service.infra.embedded.servers import superuser_url
from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.clock import SHANGHAI

from .base import DATA, attached, main, plainly

FOLDER = click.Path(path_type=Path, file_okay=False)
FROM = click.option("--from", "source", type=FOLDER, required=True, help="The backups' folder.")
TO = click.option("--to", "target", type=FOLDER, help="The backups' folder, on another disk.")


@main.group(invoke_without_command=True)
@TO
@click.option("--keep", type=click.IntRange(1), help="Delete all but the newest so many.")
@DATA
@click.pass_context
@plainly
def backup(context: click.Context, target: Path | None, keep: int | None, data: Path) -> None:
    """Take a base backup of the running database, read it back, delete old ones."""
    if context.invoked_subcommand:
        return
    if target is None:
        raise click.UsageError("--to FOLDER is missing")
    from voucher_service.backup import service, taking
    from voucher_service.backup.folder import Folder

    folder = Folder(target)
    with attached(data) as (core, settings):
        made = taking.take(core, _url(settings, data), folder, say=click.echo)
        checked = taking.verify(folder, core.keyring, made)
        service.note(core, folder, made)
        gone = taking.retain(folder, core.keyring, keep=keep) if keep else []
    sealed_bytes = sum(size for size, _ in made.files.values())
    click.echo(
        f"{made.name}: {made.unpacked_bytes / 1e6:,.0f} MB in {sealed_bytes / 1e6:,.0f} MB, "
        f"{checked.unpacked:,} files read back"
    )
    for name in gone:
        click.echo(f"{name} is deleted")


@backup.command()
@TO
@DATA
@plainly
def receive(target: Path | None, data: Path) -> None:
    """Receive everything that is written from now on, until SIGTERM."""
    from voucher_service.backup import receiving
    from voucher_service.backup.folder import Folder
    from voucher_service.jobs.stopping import Stopping

    if target is None:
        raise click.UsageError("--to FOLDER is missing")
    stopping = Stopping()
    stopping.listen()
    settings = settings_module.load()
    receiving.receive(
        _url(settings, data),
        Folder(target),
        Keyring(settings.secrets),
        asked_to_stop=lambda: stopping.asked,
        say=click.echo,
    )


@backup.command()
@FROM
@click.argument("name", required=False)
@plainly
def verify(source: Path, name: str | None) -> None:
    """Read every byte of a backup (default: the newest) and of the log behind it."""
    from voucher_service.backup import taking
    from voucher_service.backup.folder import Folder

    folder, keyring = Folder(source), Keyring(settings_module.load().secrets)
    found = taking.manifest(folder, keyring, name) if name else taking.newest(folder, keyring)
    checked = taking.verify(folder, keyring, found)
    until = max(found.ended_at, checked.chain.reaches or found.ended_at)
    click.echo(
        f"{found.name}: {checked.unpacked:,} files, {len(checked.chain.segments):,} pieces of the "
        f"log; any instant from {_shown(found.ended_at)} to {_shown(until)}"
    )
    if checked.chain.missing:
        raise click.ClickException(f"{checked.chain.missing} is missing, and later ones are there")


@backup.command("list")
@FROM
@plainly
def list_(source: Path) -> None:
    """The whole backups of a folder, the oldest first."""
    from voucher_service.backup import taking
    from voucher_service.backup.folder import Folder

    folder, keyring = Folder(source), Keyring(settings_module.load().secrets)
    for name in folder.names():
        found = taking.manifest(folder, keyring, name)
        click.echo(f"{name}  {_shown(found.ended_at)}  {found.unpacked_bytes / 1e6:,.0f} MB")


@main.command()
@FROM
@click.option("--to", "target", type=FOLDER, required=True, help="A new directory.")
@click.option("--at", help="An instant, 2026-11-22T10:00:00; Shanghai's clock unless it says else.")
@click.option("--latest", is_flag=True, help="Everything that was received. The default.")
@click.option("--backup", "name", default="", help="Default: the newest that serves.")
@click.option(
    "--heads",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Checkpoints that were published: DATA/checkpoints.txt, a witness's, or a page's.",
)
@plainly
def restore(
    *, source: Path, target: Path, at: str | None, latest: bool, name: str, heads: Path | None
) -> None:
    """Make a data directory of a backup, checked to the last fen. Exit 1: it is not clean."""
    from voucher_service.recovery.restoring import restore as make

    if latest and at:
        raise click.UsageError("--at and --latest exclude each other")
    report = make(source, target, at=_instant(at), name=name, heads=heads, say=click.echo)
    click.echo(str(report))
    if not report.clean:
        sys.exit(1)


@main.command()
@click.option("--claims", type=click.IntRange(20), default=2_000, show_default=True)
@click.option("--mode", type=click.Choice(["sync", "async", "none"]), default="sync")
@click.option(
    "--variant",
    type=click.Choice(["latest", "day-old", "missing-wal", "wrong-key", "to-instant"]),
    default="latest",
    show_default=True,
)
@click.option("--from", "source", type=FOLDER, help="Restore true backups and throw the copy away.")
@click.option("--place", type=FOLDER, help="A new folder; kept. Default: one that is deleted.")
@plainly
def drill(*, claims: int, mode: str, variant: str, source: Path | None, place: Path | None) -> None:
    """Lose everything and get it back, under invented load or with true backups. Exit 1: failed."""
    from voucher_service.recovery import drill as rehearsal

    # Not the system's temporary directory, which may be memory.
    where = place or Path(tempfile.mkdtemp(prefix="drill-", dir="/var/tmp"))
    try:
        if source is not None:
            from voucher_service.recovery.restoring import restore as make

            report = make(source, where / "restored", say=click.echo)
            lines, good = str(report).splitlines(), report.clean
        else:
            outcome = rehearsal.hold(
                where,
                claims=claims,
                mode=rehearsal.Mode(mode),
                variant=rehearsal.Variant(variant),
                say=click.echo,
            )
            lines, good = outcome.lines(), not outcome.failed
    finally:
        if place is None:
            shutil.rmtree(where, ignore_errors=True)
    for line in lines:
        click.echo(line)
    if not good:
        sys.exit(1)


def _url(settings: settings_module.Settings, data: Path) -> str:
    """PostgreSQL for a role that may replicate."""
    url = settings.database.backup_url or superuser_url(data.resolve())
    if not url:
        raise serving.ServingError(
            "set VOUCHER__DATABASE__BACKUP_URL: a role with LOGIN and REPLICATION"
        )
    return url


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError("--at is an instant such as 2026-11-22T10:00:00") from None
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


def _shown(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat(sep=" ", timespec="seconds")
