"""Restore: choose, lay out, recover, fill the gates, check, and say how long each took."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from voucher_service import serving
from voucher_service import settings as settings_module
from voucher_service.backup.folder import Folder
from voucher_service.backup.model import RestoreTargetInUse
from voucher_service.infra import core as core_module
from voucher_service.infra.core import Core
from voucher_service.infra.secrets import Keyring
from voucher_service.proof.notes import Head

from . import checking
from .planning import plan
from .recovering import lay_out, recover
from .report import Report

_SERVERS = ("VOUCHER__DATABASE__", "VOUCHER__GATE__URL", "VOUCHER__QUEUE__", "VOUCHER__PROOF__FILE")


def restore(
    source: Path,
    target: Path,
    *,
    at: datetime | None = None,
    name: str = "",
    heads: Path | None = None,
    say: Callable[[str], None],
    also: Callable[[Core], None] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Report:
    """Make a data directory of a backup, recovered to an instant or to the latest, and check it.

    `heads` is a file of published checkpoints; `also` is done on the books at the end. Whatever
    is refused is refused before the target runs, and leaves no target. Raises what `plan`,
    `lay_out` and `recover` do, RestoreTargetInUse and ServingError.
    """
    if target.exists() and any(target.iterdir()):
        raise RestoreTargetInUse(folder=str(target))
    # Never the servers that the environment names: those are what was lost, or still in use.
    environ = alone(environ)
    keyring, folder = Keyring(settings_module.load(environ).secrets), Folder(source)
    wanted = plan(folder, keyring, at=at, name=name)
    report = Report(wanted.manifest.name, at, wanted.reaches)
    try:
        with report.timed("unpacked"):
            count = lay_out(folder, keyring, wanted, target)
        say(f"{count:,} files and {len(wanted.segments):,} pieces of the log are laid out")
        with report.timed("recovered"):
            found = recover(wanted, target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    report.recovered_to, report.place = found.at, found.place
    say(f"recovered to {found.at or 'the end of the backup'}; filling gates and checking")
    with serving.servers(target, environ=environ) as addresses:
        core = core_module.build(serving.settings_for(addresses, target, environ))
        try:
            of_backup: list[Head] = checking.heads_in(core, wanted.manifest.head)
            published = of_backup[:]
            if heads is not None:
                published += checking.heads_in(core, heads.read_text("utf-8"))
            checking.check(core, report, of_backup[0] if of_backup else None, published)
            if also is not None:
                also(core)
        finally:
            core.close()
    report.write(target)
    return report


def alone(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment with our secrets in which every server is the target's own."""
    kept = {key: value for key, value in environ.items() if not key.startswith(_SERVERS)}
    return {**kept, "VOUCHER_ENV": "development"}
