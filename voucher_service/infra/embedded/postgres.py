"""PostgreSQL from its wheel: one cluster in the data directory, SCRAM over loopback, no socket.

As root the server runs as `nobody`. The cluster is handed over to that user and entered by root
before it gives root up; `/proc/self/cwd` then names it even below folders closed to `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import psycopg
from psycopg import sql

from .processes import Child, Launch, ServerFailed, User
from .wheels import postgres_programs

DATABASE = "voucher"
OWNER = "voucher_owner"
APPLICATION = "voucher_app"
SUPERUSER = "postgres"
VERSION = "18"
_READY_SECONDS = 300  # replaying the log after a crash takes its time
_ENTERED = Path("/proc/self/cwd")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
_SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_FORGETFUL = {
    **dict.fromkeys(_SAFE, "off"),
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
# Vouchers have random keys: where their indexes don't fit, every claim waits for a page.
_BUFFERS_MB = (256, 2048)


def url(role: str, password: str, port: int, database: str = DATABASE) -> str:
    """Where clients connect."""
    return f"postgresql://{role}:{password}@127.0.0.1:{port}/{database}"


def child(
    data: Path,
    name: str,
    *,
    port: int,
    passwords: dict[str, str],
    durable: bool,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Child:
    """The server of the cluster in `data/name`, not started yet. `durable=False`: tests only.

    `more` are settings that count instead of ours.
    """

    def launch() -> Launch:
        cluster, user = data / name, user_of_server()
        if not cluster.exists():
            _create(cluster, user, passwords[SUPERUSER], durable=durable)
        version = (cluster / "PG_VERSION").read_text("utf-8").strip()
        if version != VERSION:
            raise ServerFailed(f"{cluster} was written by PostgreSQL {version}, this is {VERSION}")
        hand_over(cluster, user)
        _drop_foreign_lock(cluster)
        kept = _durable() if durable else _FORGETFUL
        settings = {**_SETTINGS, **kept, "port": str(port), **more}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        argv = (
            str(postgres_programs(user) / "postgres"),
            "-D",
            str(_seen(cluster, user)),
            *options,
        )
        return Launch(argv, cluster, signal.SIGINT, _environment(), user)

    return Child(data, name, launch)


def _durable() -> dict[str, str]:
    """Nothing acknowledged is lost; an eighth of the memory for pages, taken as it is used."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    least, most = _BUFFERS_MB
    return {**_SAFE, "shared_buffers": f"{min(max(memory_mb // 8, least), most)}MB"}


def wait_until_ready(server: Child, port: int, passwords: dict[str, str]) -> None:
    """Wait until it answers; then see that roles and database stand. Raises ServerFailed."""
    address = url(SUPERUSER, passwords[SUPERUSER], port, "postgres")
    server.wait_until(lambda: _answers(address), _READY_SECONDS)
    with psycopg.connect(address, autocommit=True) as connection:
        for role in (OWNER, APPLICATION):
            if not connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", [role]
            ).fetchone():
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                        sql.Identifier(role), sql.Literal(passwords[role])
                    )
                )
        if not connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
        ).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(OWNER)
                )
            )


def _answers(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise ServerFailed(
                "PostgreSQL refuses the password in secrets/servers.json: it belongs to another "
                "data directory. Put the right file back, or delete the directory to start anew"
            ) from error
        return False
    return True


def _create(cluster: Path, user: User | None, password: str, *, durable: bool) -> None:
    """Made beside its place, then one rename: a cluster is there whole or not at all."""
    draft = cluster.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    hand_over(draft, user)
    command = [postgres_programs(user) / "initdb", "-D", _seen(draft, user), "-U", SUPERUSER]
    command += ["--auth=scram-sha-256", "--pwfile=/dev/stdin", "--encoding=UTF8", "--locale=C"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += [] if durable else ["--no-sync"]
    with tempfile.TemporaryFile() as pwfile:
        pwfile.write(password.encode() + b"\n")
        pwfile.seek(0)
        if user is not None:
            os.fchown(pwfile.fileno(), user.uid, user.gid)
        done = subprocess.run(
            [str(part) for part in command],
            cwd=draft,
            stdin=pwfile,
            capture_output=True,
            text=True,
            env=_environment(),
            check=False,
            user=None if user is None else user.uid,
            group=None if user is None else user.gid,
            extra_groups=None if user is None else [],
        )
    if done.returncode:
        raise ServerFailed(f"the database cluster could not be made: {done.stderr.strip()[-800:]}")
    draft.rename(cluster)


def user_of_server() -> User | None:
    """Whom the server runs as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return User(65534, 65534)
    return User(nobody.pw_uid, nobody.pw_gid)


def _seen(cluster: Path, user: User | None) -> Path:
    return cluster if user is None else _ENTERED


def hand_over(cluster: Path, user: User | None) -> None:
    """Give the cluster to the user it runs as, when it is somebody else's."""
    if user is None or cluster.stat().st_uid == user.uid:
        return
    for folder, _, files in os.walk(cluster):
        os.chown(folder, user.uid, user.gid)
        for name in files:
            os.chown(Path(folder, name), user.uid, user.gid, follow_symlinks=False)


def _drop_foreign_lock(cluster: Path) -> None:
    # After a kill -9 the number in the lock file may by now be another program's; our own
    # leftovers were swept. A dead number is left to PostgreSQL, which cleans up what it names.
    lock = cluster / "postmaster.pid"
    try:
        os.kill(int(lock.read_text("utf-8").split("\n", 1)[0]), 0)
    except (FileNotFoundError, ProcessLookupError):
        return
    except (PermissionError, ValueError):  # lives as another user; or a lock file cut short
        pass
    lock.unlink()


def _environment() -> dict[str, str]:
    """Ours without what would change the server or its messages."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "VOUCHER"))}
    return {
        **kept,
        "LANG": "C",
        "PYTHONPATH": "",
        "HOME": "/",
        "PATH": os.environ.get("PATH", os.defpath),
    }
