"""What a restore will take, judged before anything is written: or why it can't be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alembic.script import ScriptDirectory

from voucher_service import migrate
from voucher_service.backup import taking, wal
from voucher_service.backup.folder import Folder
from voucher_service.backup.model import (
    BackupSchemaNewer,
    BackupSecretsMissing,
    BackupServerDiffers,
    InstantUnreachable,
    Manifest,
    Segment,
    WalMissing,
)
from voucher_service.infra.embedded import postgres
from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.clock import SHANGHAI

# The log is stamped when it is sent: a commit may be so much older than the bytes that carry it.
_SLACK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Plan:
    """A base backup, the pieces of the log behind it, and the instant: None for the latest.

    `reaches` is the last instant that the log is sure to cover.
    """

    manifest: Manifest
    segments: tuple[Segment, ...]
    at: datetime | None
    reaches: datetime


def plan(folder: Folder, keyring: Keyring, *, at: datetime | None, name: str = "") -> Plan:
    """Choose the backup (the newest that serves, or the one named) and judge it.

    Raises BackupNotFound, BackupWrongKey, BackupDamaged, BackupServerDiffers, BackupSchemaNewer,
    BackupSecretsMissing, WalMissing and InstantUnreachable, the last two with what is reachable.
    """
    found = (
        taking.manifest(folder, keyring, name) if name else taking.newest(folder, keyring, at=at)
    )
    _check(found, keyring)
    chain = wal.chain(folder, keyring, timeline=found.timeline, place=found.end)
    reaches = max(found.ended_at, chain.reaches or found.ended_at)
    if chain.missing and (at is None or at > reaches):
        raise WalMissing(segment=chain.missing, **_window(found.ended_at, reaches))
    if at is not None and not found.ended_at <= at <= reaches:
        raise InstantUnreachable(at=_shown(at), **_window(found.ended_at, reaches))
    return Plan(found, _needed(chain.segments, at), at, reaches)


def _window(since: datetime, until: datetime) -> dict[str, Any]:
    """What is within reach: as text for people, as instants for programs."""
    return {
        "since": _shown(since),
        "until": _shown(until),
        "extra": {"since": since, "until": until},
    }


def _shown(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat(timespec="milliseconds")


def _check(found: Manifest, keyring: Keyring) -> None:
    if str(found.server_version // 10_000) != postgres.VERSION:
        raise BackupServerDiffers(theirs=found.server_version // 10_000, ours=postgres.VERSION)
    known = {one.revision for one in _migrations().walk_revisions()}
    if found.schema not in known:
        raise BackupSchemaNewer(theirs=found.schema, ours=_migrations().get_current_head())
    ours = taking.fingerprints(keyring)
    missing = sorted(
        f"{setting} {number}"
        for setting, keys in found.secrets.items()
        for number, mark in keys.items()
        if ours.get(setting, {}).get(number) != mark
    )
    if missing:
        raise BackupSecretsMissing(keys=", ".join(missing))


def _needed(segments: tuple[Segment, ...], at: datetime | None) -> tuple[Segment, ...]:
    """The pieces up to the one that is surely behind an instant."""
    if at is None:
        return segments
    behind = (place for place, one in enumerate(segments) if one.until > at + _SLACK)
    return segments[: next(behind, len(segments)) + 1]


def _migrations() -> ScriptDirectory:
    return ScriptDirectory(str(migrate.MIGRATIONS))
