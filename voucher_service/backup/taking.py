"""Take a base backup into a folder, read backups back, and drop those that are too old."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text

from voucher_service.infra.core import Core
from voucher_service.infra.secrets import Keyring
from voucher_service.proof import service as proof

from . import sealed, wal
from .folder import FILES, MANIFEST, TAR, Folder, plainly, put, sync
from .model import (
    BackupDamaged,
    BackupNotFound,
    BackupWrongKey,
    Manifest,
    parsed,
)
from .replication import BaseBackup, Replication
from .unpacking import Listing, check
from .wal import Chain

_NAMED = "voucher_base_backup"


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup that was read whole, and the log behind it. `unpacked` counts files."""

    manifest: Manifest
    chain: Chain
    unpacked: int


def take(core: Core, url: str, folder: Folder, *, say: Callable[[str], None]) -> Manifest:
    """Copy the whole database while it is in use; its manifest once every byte is on the disk.

    `url` is PostgreSQL for a role with LOGIN and REPLICATION. Raises BackupServerFailed,
    BackupUnfit, BackupNotOurs, BackupInProgress and BackupFolderFailed; then nothing is left.
    """
    folder.prepare()
    with folder.held("base"), Replication(url, _NAMED) as connection:
        for half in folder.remove_halves():
            say(f"{half} was never finished and is removed")
        server = connection.identify()
        folder.claim(server.system)
        head = proof.publish(core).note
        database, schema, superuser, began_at = _asked(core)
        name = f"{began_at:%Y%m%dT%H%M%SZ}-{os.urandom(2).hex()}"
        with plainly():
            (folder.base / name).mkdir(mode=0o700)
        try:
            source = connection.base_backup(name)
            files, size = _copy(source, folder, core.keyring, name)
            *_, ended_at = _asked(core)
            made = Manifest(
                name=name,
                system=server.system,
                server_version=server.version,
                timeline=source.timeline,
                start=source.start,
                end=source.end,
                began_at=began_at,
                ended_at=ended_at,
                database=database,
                superuser=superuser,
                schema=schema,
                unpacked_bytes=size,
                files=files,
                head=head,
                secrets=fingerprints(core.keyring),
            )
            return finish(folder, core.keyring, made)
        except BaseException:
            with suppress(Exception):
                folder.remove(name)
            raise


def manifest(folder: Folder, keyring: Keyring, name: str) -> Manifest:
    """What a backup says about itself. Raises BackupNotFound, BackupWrongKey, BackupDamaged."""
    found = parsed(folder.manifest(name))
    number, _, mac = found.mac.partition(":")
    key = keyring.backup_keys().get(int(number)) if number.isdecimal() else None
    mark, _, told = mac.partition(":")
    if key is None or sealed.fingerprint(key).hex() != mark:
        raise BackupWrongKey(file=MANIFEST, number=number, fingerprint=mark)
    if found.name != name or not hmac.compare_digest(_mac(key, found), told):
        raise BackupDamaged(file=MANIFEST)
    return found


def newest(folder: Folder, keyring: Keyring, *, at: datetime | None = None) -> Manifest:
    """The newest backup, or the newest from which an instant is reached. Raises BackupNotFound,
    BackupWrongKey, BackupDamaged.
    """
    for name in reversed(folder.names()):
        found = manifest(folder, keyring, name)
        if at is None or found.ended_at <= at:
            return found
    raise BackupNotFound(folder=str(folder.path))


def verify(folder: Folder, keyring: Keyring, found: Manifest) -> Checked:
    """Read every byte of a backup and of the log behind it.

    Raises BackupWrongKey, BackupDamaged. A missing piece of the log is told, not raised.
    """
    for name, (size, hash) in found.files.items():
        _compare(folder, found.name, name, size, hash)
    with plainly():
        count = check(folder, keyring, found.name, Listing.read(folder, keyring, found.name))
    chain = wal.chain(folder, keyring, timeline=found.timeline, place=found.end)
    for segment in chain.segments:
        wal.content(folder, keyring, segment)
    return Checked(found, chain, count)


def retain(folder: Folder, keyring: Keyring, *, keep: int) -> list[str]:
    """Delete all but the newest `keep` backups (at least one stays), and the log before the oldest
    one that stays; the names of those that went. Raises BackupInProgress.
    """
    with folder.held("base"):
        names = folder.names()
        stays = names[-max(keep, 1) :]
        gone = names[: len(names) - len(stays)]
        if stays:
            oldest = manifest(folder, keyring, stays[0])
            for name in gone:
                folder.remove(name)
            wal.forget(folder, timeline=oldest.timeline, place=oldest.start)
    return gone


def fingerprints(keyring: Keyring) -> dict[str, dict[str, str]]:
    """What tells the keys of the books apart, by setting and number."""
    return {
        setting: {str(number): sealed.fingerprint(key).hex() for number, key in keys.items()}
        for setting, keys in keyring.kept_keys().items()
    }


def _copy(
    source: BaseBackup, folder: Folder, keyring: Keyring, name: str
) -> tuple[dict[str, tuple[int, str]], int]:
    """Write tar and list; their sizes and hashes, and how many bytes it takes unpacked."""
    size, place = 0, folder.base / name
    with plainly(), (place / TAR).open("wb") as tar, (place / FILES).open("wb") as listed:
        writers = {
            False: sealed.Writer(tar, keyring, f"{name}/{TAR}"),
            True: sealed.Writer(listed, keyring, f"{name}/{FILES}"),
        }
        for listing, data in source.pieces():
            writers[listing].write(data)
            size += len(data)
        return {TAR: writers[False].close(), FILES: writers[True].close()}, size


def finish(folder: Folder, keyring: Keyring, made: Manifest) -> Manifest:
    """Sign a manifest and write it beside its files: from now on there is a backup."""
    number, key = next(iter(keyring.backup_keys().items()))
    mac = f"{number}:{sealed.fingerprint(key).hex()}:{_mac(key, made)}"
    whole = replace(made, mac=mac)
    with plainly():
        put(folder.base / made.name / MANIFEST, str(whole).encode())
        sync(folder.base)
    return whole


def _mac(key: bytes, made: Manifest) -> str:
    return hmac.digest(key, b"manifest\0" + made.body, "sha256").hex()


def _asked(core: Core) -> tuple[str, str, str, datetime]:
    """The database, its schema, who owns the cluster, and the server's clock."""
    with core.transaction() as session:
        database, schema, superuser, now = session.execute(
            text(
                "SELECT current_database(), (SELECT max(version_num) FROM alembic_version),"
                " (SELECT rolname FROM pg_roles WHERE oid = 10), clock_timestamp()"
            )
        ).one()
    return str(database), str(schema), str(superuser), now


def _compare(folder: Folder, backup: str, name: str, size: int, hash: str) -> None:
    file = folder.base / backup / name
    with plainly():
        if file.stat().st_size != size:
            raise BackupDamaged(file=name)
        with file.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != hash:
                raise BackupDamaged(file=name)
