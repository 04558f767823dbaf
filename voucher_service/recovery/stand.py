"""A throwaway installation for a drill: servers, one face, the schedule, a receiver of the log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psycopg

from voucher_service import migrate, serving
from voucher_service.backup.folder import Folder
from voucher_service.backup.receiving import NAME
from voucher_service.infra.embedded import ports, postgres
from voucher_service.infra.embedded.processes import Child, Launch, sweep
from voucher_service.infra.embedded.servers import DATABASE, GATE, QUEUE, Servers
from voucher_service.serving.addresses import Addresses
from voucher_service.serving.programs import served

_READY_SECONDS = 60.0
_FACE = "voucher_service.resident.asgi:app"
_PROCESSES = "2"


@dataclass
class Stand:
    """What is going to be lost. `url` is PostgreSQL as its superuser."""

    data: Path
    servers: Servers
    environment: Mapping[str, str]
    port: int
    receiver: Child
    programs: list[Child]

    @property
    def url(self) -> str:
        """PostgreSQL as the one who may replicate."""
        return self.servers.url(DATABASE, postgres.SUPERUSER)

    def serve(self) -> None:
        """Start the face and the schedule; wait until residents are answered."""
        for child in self.programs:
            child.start()
        self.programs[0].wait_until(self._answers, _READY_SECONDS)

    def receive(self, *, synchronous: bool) -> None:
        """Start the receiver; with `synchronous` every commit waits for it from now on."""
        self.receiver.start()
        with psycopg.connect(self.url, autocommit=True) as connection:
            self.receiver.wait_until(lambda: _streams(connection), _READY_SECONDS)
            if synchronous:
                connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{NAME}'")
                connection.execute("SELECT pg_reload_conf()")

    def new_segment(self) -> None:
        """Have the log go on in a new piece."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_switch_wal()")

    def lose(self) -> None:
        """Kill everything at once, the oldest process first: what was not sent yet is lost."""
        sweep(self.data, grace_seconds=0)

    def _answers(self) -> bool:
        with suppress(OSError):
            urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5).close()
            return True
        return False


@contextmanager
def standing(data: Path, backups: Folder, environ: Mapping[str, str]) -> Iterator[Stand]:
    """Servers of their own, migrated; what is left of them is killed at the end."""
    servers = Servers(data, durable=True)
    try:
        servers.start()
        migrate.upgrade(servers.owner_url)
        yield _stand(servers, backups, environ)
    finally:
        sweep(data, grace_seconds=0)
        servers.stop()


def _stand(servers: Servers, backups: Folder, environ: Mapping[str, str]) -> Stand:
    data = servers.data
    addresses = Addresses(
        servers.url(DATABASE), "", servers.url(GATE), servers.url(QUEUE), attached=False
    )
    environment = {
        **serving.environment_for(addresses, data, environ),
        "VOUCHER__DATABASE__BACKUP_URL": servers.url(DATABASE, postgres.SUPERUSER),
        "VOUCHER__WEB__PROXIES": "1",
        "PYTHONUNBUFFERED": "1",
    }
    port = ports.assign(data / "more-ports.json", ["face"])["face"]
    granian = ("granian", *served(_FACE, 8), "--host", "127.0.0.1", "--port", str(port))
    granian += ("--workers", _PROCESSES, "--no-ws", _FACE)
    receive = ("voucher_service.cli", "backup", "receive", "--to", str(backups.path))

    def child(name: str, module: tuple[str, ...]) -> Child:
        command = (sys.executable, "-m", *module)
        return Child(data, name, lambda: Launch(command, Path.cwd(), environment=environment))

    programs = [child("resident", granian), child("schedule", ("voucher_service.jobs", "schedule"))]
    return Stand(data, servers, environment, port, child("receiver", receive), programs)


def _streams(connection: psycopg.Connection) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_replication"
        " WHERE application_name = %s AND state = 'streaming'",
        [NAME],
    ).fetchone()
    time.sleep(0.05)
    return row is not None and row[0] > 0
