"""What a backup says about itself, how places in the write-ahead log are named, the refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from voucher_service.kernel.errors import Conflict, NotFound, Unavailable, Unprocessable

SEGMENT_BYTES = 16 << 20
_SEGMENTS_IN_FOUR_GIB = (1 << 32) // SEGMENT_BYTES
FORM = 1


class BackupNotFound(NotFound):
    """The folder holds no whole backup, or none of that name, or none so early."""

    code = "backup_not_found"


class BackupDamaged(Unprocessable):
    """A file of a backup is cut short, changed, or stands under another's name."""

    code = "backup_damaged"


class BackupWrongKey(Unprocessable):
    """The file was sealed with a key that isn't among ours."""

    code = "backup_wrong_key"


class BackupSecretsMissing(Unprocessable):
    """Secrets that the books need are not ours: what is restored could not be read or checked."""

    code = "backup_secrets_missing"


class BackupSchemaNewer(Conflict):
    """The backup's schema is not one that this release knows."""

    code = "backup_schema_newer"


class BackupServerDiffers(Conflict):
    """The backup was made by another major version of PostgreSQL than the one that is here."""

    code = "backup_server_differs"


class BackupNotOurs(Conflict):
    """The folder belongs to another PostgreSQL cluster."""

    code = "backup_not_ours"


class BackupUnfit(Unprocessable):
    """The server is set up in a way that is not backed up: tablespaces, other segment sizes."""

    code = "backup_unfit"


class WalMissing(Unprocessable):
    """A piece of the write-ahead log is missing, and later ones are there."""

    code = "backup_wal_missing"


class InstantUnreachable(Unprocessable):
    """The instant lies before the backup or after the last byte that was received."""

    code = "backup_instant_unreachable"


class RestoreTargetInUse(Conflict):
    """The target is not a new or empty directory."""

    code = "restore_target_in_use"


class RecoveryFailed(Unprocessable):
    """PostgreSQL did not get through the write-ahead log; its own words say why."""

    code = "restore_recovery_failed"


class BackupInProgress(Conflict):
    """Somebody else is writing into this part of the folder."""

    code = "backup_in_progress"


class BackupFolderFailed(Unavailable):
    """The folder can't be written or read: full, read-only, gone."""

    code = "backup_folder_failed"


class BackupServerFailed(Unavailable):
    """PostgreSQL is away, or refuses the role, the replication or the backup."""

    code = "backup_server_failed"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A base backup: written last, so that a folder without it is no backup.

    `start` and `end` are places in the log of `timeline`; restoring needs all between them, and
    reaches no instant before `ended_at`, the server's clock. `schema` is the newest migration.
    `files` are hashes of what stands beside it: name → (bytes, SHA-256). `head` is the checkpoint
    of the sealed log. `secrets` are fingerprints of the keys that the books need: setting →
    number → fingerprint.
    """

    name: str
    system: str
    server_version: int
    timeline: int
    start: int
    end: int
    began_at: datetime
    ended_at: datetime
    database: str
    superuser: str
    schema: str
    unpacked_bytes: int
    files: Mapping[str, tuple[int, str]]
    head: str
    secrets: Mapping[str, Mapping[str, str]]
    mac: str = ""

    @property
    def body(self) -> bytes:
        """What the keyed hash is over: everything else, in one spelling."""
        return self._text(replace(self, mac=""))

    def __str__(self) -> str:
        """The file."""
        return self._text(self).decode()

    @staticmethod
    def _text(one: Manifest) -> bytes:
        facts = {"form": FORM, **asdict(one)}
        for place in ("start", "end"):
            facts[place] = lsn(facts[place])
        for instant in ("began_at", "ended_at"):
            facts[instant] = facts[instant].isoformat()
        return json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False).encode()


def parsed(text: str) -> Manifest:
    """A manifest from its file. Raises BackupDamaged."""
    try:
        facts: dict[str, Any] = json.loads(text)
        if facts.pop("form") != FORM:
            raise ValueError
        for place in ("start", "end"):
            facts[place] = parsed_lsn(facts[place])
        for instant in ("began_at", "ended_at"):
            facts[instant] = datetime.fromisoformat(facts[instant])
        facts["files"] = {name: (size, hash) for name, (size, hash) in facts["files"].items()}
        return Manifest(**facts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupDamaged(file="manifest.json") from error


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the write-ahead log: 16 MiB, or its beginning while it is still growing.

    `until` is the server's clock at its last byte, `quiet_until` at the last time when it said that
    there was nothing more.
    """

    name: str
    size: int
    until: datetime
    quiet_until: datetime
    growing: bool = False

    @property
    def end(self) -> int:
        """The place behind its last byte."""
        return start_of(self.name) + self.size


def lsn(place: int) -> str:
    """A place in the write-ahead log as PostgreSQL writes it: `0/3000060`."""
    return f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"


def parsed_lsn(text: str) -> int:
    """The place again. Raises ValueError."""
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


def segment_of(timeline: int, place: int) -> str:
    """The name of the segment that holds a place."""
    number = place // SEGMENT_BYTES
    high, low = divmod(number, _SEGMENTS_IN_FOUR_GIB)
    return f"{timeline:08X}{high:08X}{low:08X}"


def start_of(segment: str) -> int:
    """The place of a segment's first byte."""
    return int(segment[8:16], 16) * (1 << 32) + int(segment[16:], 16) * SEGMENT_BYTES


def timeline_of(segment: str) -> int:
    """The timeline that a segment belongs to."""
    return int(segment[:8], 16)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the backups of an installation stand, as its own database knows.

    `age`: of the last base backup, None where there is none. `receiving`: whether the receiver is
    there, None where none ever was; `behind_bytes`: how much of the write-ahead log is kept back
    for it, None where there is none or its place was given up.
    """

    age: timedelta | None
    receiving: bool | None
    behind_bytes: int | None
