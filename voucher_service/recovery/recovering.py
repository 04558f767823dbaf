"""The files of a backup become a cluster: laid out, replayed up to the instant, made ours."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from voucher_service.backup import unpacking, wal
from voucher_service.backup.folder import Folder, plainly
from voucher_service.backup.model import RecoveryFailed
from voucher_service.infra.embedded import ports, postgres
from voucher_service.infra.embedded.processes import Child, ServerFailed
from voucher_service.infra.embedded.servers import DATABASE, NAMES, passwords_in
from voucher_service.infra.secrets import Keyring

from .planning import Plan

_REPLAYED = "restored_wal"
_TOO_FAR = "recovery ended before configured recovery target was reached"
_MOST_SECONDS = 24 * 3600.0
# The source's own settings stay behind: they would send this copy's log over the true archive, or
# have its commits wait for a standby that is not there.
_OVERWRITTEN = {
    "postgresql.conf": "# Restored: see postgresql.conf.source for what the source had here.\n",
    "postgresql.auto.conf": "",
    "pg_hba.conf": "local all all trust\n",
    "pg_ident.conf": "",
    "recovery.signal": "",
}
_WITH_PASSWORDS = (
    "host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n"
)


@dataclass(frozen=True, slots=True)
class Recovered:
    """How far it came: the last commit's instant, None where none was replayed, and the place."""

    at: datetime | None
    place: str


def lay_out(folder: Folder, keyring: Keyring, plan: Plan, target: Path) -> int:
    """Write cluster and log below the target; how many files. Nothing of it runs yet.

    Raises BackupWrongKey, BackupDamaged, BackupFolderFailed.
    """
    cluster = target / DATABASE
    draft = cluster.with_suffix(".new")
    name = plan.manifest.name
    with plainly():
        draft.mkdir(mode=0o700, parents=True)
        listing = unpacking.Listing.read(folder, keyring, name)
        count = unpacking.unpack(folder, keyring, name, listing, draft)
        (draft / _REPLAYED).mkdir(mode=0o700)
        for segment in plan.segments:
            wal.unpack(folder, keyring, segment, draft / _REPLAYED)
        for file, text in _OVERWRITTEN.items():
            if (draft / file).exists():
                (draft / file).rename(draft / f"{file}.source")
            (draft / file).write_text(text, "utf-8")
        draft.rename(cluster)
    return count


def recover(plan: Plan, target: Path) -> Recovered:
    """Replay the log up to the instant, promote, and give the roles this directory's passwords.

    Nobody but us reaches the server meanwhile. Raises RecoveryFailed with its last words.
    """
    to: dict[str, str] = {}
    if plan.at is not None:
        to["recovery_target_time"] = plan.at.astimezone(UTC).isoformat(sep=" ")
    try:
        try:
            found = _replayed(plan, target, to)
        except ServerFailed as error:
            # Nothing was committed behind the instant: all there is, is what there was then.
            if not to or _TOO_FAR not in str(error):
                raise
            found = _replayed(plan, target, {})
    except ServerFailed as error:
        raise RecoveryFailed(reason=str(error)[-1500:]) from error
    (target / DATABASE / "pg_hba.conf").write_text(_WITH_PASSWORDS, "utf-8")
    shutil.rmtree(target / DATABASE / _REPLAYED)
    return found


def _replayed(plan: Plan, target: Path, to: Mapping[str, str]) -> Recovered:
    with _door() as door:
        port = ports.assign(target / "ports.json", NAMES)[DATABASE]
        passwords = passwords_in(target / "secrets" / "servers.json")
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(door),
            "hot_standby": "off",
            "restore_command": f'cp "{_REPLAYED}/%f" "%p"',
            "recovery_target_timeline": "current",
            "recovery_target_action": "promote",
            **to,
        }
        server = postgres.child(
            target, DATABASE, port=port, passwords=passwords, durable=True, more=settings
        )
        address = psycopg.conninfo.make_conninfo(
            host=str(door), port=port, user=plan.manifest.superuser, dbname="postgres"
        )
        server.start()
        try:
            return _promoted(server, address, passwords)
        finally:
            server.stop(timeout_seconds=120)


def _promoted(server: Child, address: str, passwords: Mapping[str, str]) -> Recovered:
    server.wait_until(lambda: _open(address), _MOST_SECONDS)
    with psycopg.connect(address, autocommit=True) as connection:
        row = connection.execute(
            "SELECT pg_last_xact_replay_timestamp(), pg_last_wal_replay_lsn()::text"
        ).fetchone()
        known = {one for (one,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role in (postgres.SUPERUSER, postgres.OWNER, postgres.APPLICATION):
            verb = "ALTER" if role in known else "CREATE"
            rights = " SUPERUSER" if role == postgres.SUPERUSER else ""
            connection.execute(
                sql.SQL(f"{verb} ROLE {{}} LOGIN{rights} PASSWORD {{}}").format(
                    sql.Identifier(role), sql.Literal(passwords[role])
                )
            )
    assert row is not None
    return Recovered(row[0], str(row[1] or ""))


def _open(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def _door() -> Iterator[Path]:
    """A folder for the server's socket that only its user enters; short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="restore-") as made:
        if user := postgres.user_of_server():
            os.chown(made, user.uid, user.gid)
        yield Path(made)
