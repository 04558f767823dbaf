"""Everything under test in one fresh directory: servers, proxies, the resident face, the jobs."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import make_url

from voucher_service import allocation, migrate, serving
from voucher_service.infra.embedded import ports, postgres, valkey
from voucher_service.infra.embedded.processes import Child, Launch
from voucher_service.infra.embedded.servers import DATABASE, GATE, QUEUE, Servers
from voucher_service.serving.programs import served

from . import processes, wire
from .proxy import Proxy, Thread

FACE, WORKER, SCHEDULE = "resident", "worker", "schedule"
SPARE = "gate-b"
_LOOK_SECONDS = 0.2  # as often as `voucher dev` looks after what it started
_READY_SECONDS = 60.0


@dataclass
class Stand:
    """What faults strike at. `down` names what is down on purpose and is left so."""

    data: Path
    servers: Servers
    gate_proxy: Proxy
    database_proxy: Proxy
    gates: dict[str, Child]
    gate_ports: dict[str, int]
    password: str
    environment: Mapping[str, str]
    port: int
    programs: dict[str, Child] = field(default_factory=dict)
    serving_gate: str = GATE
    down: set[str] = field(default_factory=set)
    _looked_at: float = 0.0

    @property
    def gate(self) -> Child:
        """The gate that is claimed from."""
        return self.gates[self.serving_gate]

    @property
    def spare(self) -> str:
        """The name of the other one."""
        return next(name for name in self.gates if name != self.serving_gate)

    def child(self, name: str) -> Child:
        """A server or program by its name."""
        everything = {**self.servers.children, **self.gates, **self.programs}
        return everything[self.serving_gate if name == GATE else name]

    def pid(self, name: str) -> int:
        """Its process id."""
        pid = self.child(name).pid
        assert pid is not None
        return pid

    def family(self, name: str) -> list[int]:
        """The process and its children."""
        return [self.pid(name), *processes.children(self.pid(name))]

    def web_workers(self) -> list[int]:
        """The processes that answer residents, the one that lives longest first."""
        return sorted(processes.children(self.pid(FACE)), key=processes.born)

    def claimants(self) -> list[int]:
        """Every process that talks to the gate."""
        return [*self.web_workers(), *self.family(WORKER), self.pid(SCHEDULE)]

    @property
    def database_url(self) -> str:
        """PostgreSQL itself, past the proxy, as its owner."""
        return self.servers.url(DATABASE, postgres.SUPERUSER)

    @property
    def direct(self) -> dict[str, str]:
        """The environment of somebody whom no proxy cuts off."""
        addresses = {
            "VOUCHER__DATABASE__URL": self.servers.url(DATABASE),
            "VOUCHER__GATE__URL": valkey.url(self.password, self.gate_ports[self.serving_gate]),
        }
        return {**self.environment, **addresses}

    def at_gate(self, name: str = "") -> redis.Redis:
        """A gate itself, past the proxy; by default the one that is claimed from."""
        return redis.Redis(
            host="127.0.0.1",
            port=self.gate_ports[name or self.serving_gate],
            password=self.password,
            socket_timeout=2,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )

    @contextmanager
    def kept_down(self, name: str) -> Iterator[None]:
        """Nobody starts it again inside the block."""
        self.down.add(name)
        try:
            yield
        finally:
            self.down.discard(name)

    def tend(self) -> list[str]:
        """Start again what ended; its names. Call often."""
        now, started = time.monotonic(), []
        if now - self._looked_at < _LOOK_SECONDS:
            return []
        self._looked_at = now
        names = [DATABASE, GATE, QUEUE, *self.programs]
        for name in names:
            if name not in self.down and self.child(name).exit_code() is not None:
                self.child(name).start()
                started.append(name)
        return started


@contextmanager
def standing(data: Path, *, processes: int, threads: int) -> Iterator[Stand]:
    """Start servers, proxies and secrets in `data` (new); the programs start with `serve`."""
    servers, loop = Servers(data, durable=True), Thread()
    try:
        servers.start()
        migrate.upgrade(servers.owner_url)
        stand = _stand(servers, loop, processes, threads)
        try:
            yield stand
        finally:
            for child in reversed([*stand.programs.values(), stand.gates[SPARE]]):
                child.stop(5)
    finally:
        loop.stop()
        servers.stop()


def serve(stand: Stand) -> None:
    """Start the face and the jobs, and wait until residents are answered."""
    for child in stand.programs.values():
        child.start()
    address = f"http://127.0.0.1:{stand.port}/healthz"
    stand.programs[FACE].wait_until(
        lambda: quietly(lambda: urlopen(address, timeout=5).close()), _READY_SECONDS
    )


def _stand(servers: Servers, loop: Thread, processes: int, threads: int) -> Stand:
    data = servers.data
    gate, database = make_url(servers.url(GATE)), make_url(servers.url(DATABASE))
    assert gate.port and database.port and gate.password
    scripts = wire.scripts(Path(allocation.__file__).parent / "lua")
    gate_proxy = Proxy(gate.port, lambda: wire.GateRequests(scripts))
    database_proxy = Proxy(database.port, wire.PostgresRequests)
    for one in (gate_proxy, database_proxy):
        loop.open(one)
    found = ports.assign(data / "more-ports.json", [SPARE, FACE])
    spare = valkey.child(
        data, SPARE, port=found[SPARE], password=gate.password, persists=False, durable=True
    )
    addresses = serving.Addresses(
        database.set(port=database_proxy.port).render_as_string(hide_password=False),
        "",
        gate.set(port=gate_proxy.port).render_as_string(hide_password=False),
        servers.url(QUEUE),
        attached=False,
    )
    outside = {key: value for key, value in os.environ.items() if not key.startswith("VOUCHER")}
    environment = serving.environment_for(addresses, data, outside) | _production(data)
    stand = Stand(
        data,
        servers,
        gate_proxy,
        database_proxy,
        gates={GATE: servers.children[GATE], SPARE: spare},
        gate_ports={GATE: gate.port, SPARE: found[SPARE]},
        password=gate.password,
        environment=environment,
        port=found[FACE],
    )
    stand.programs = _programs(stand, processes, threads)
    return stand


def _programs(stand: Stand, processes: int, threads: int) -> dict[str, Child]:
    target = "voucher_service.resident.asgi:app"
    face = ("granian", *served(target, threads), "--host", "127.0.0.1", "--port", str(stand.port))
    face += ("--workers", str(processes), "--no-ws", "--workers-kill-timeout", "2")
    face += ("--respawn-failed-workers", "--respawn-interval", "0.2", target)
    jobs = {name: ("voucher_service.jobs", name) for name in (WORKER, SCHEDULE)}
    return {
        name: Child(stand.data, name, _python(module, stand.environment))
        for name, module in {FACE: face, **jobs}.items()
    }


def _python(module: tuple[str, ...], environment: Mapping[str, str]) -> Callable[[], Launch]:
    command = (sys.executable, "-m", *module)
    return lambda: Launch(command, Path.cwd(), environment={**environment, "PYTHONUNBUFFERED": "1"})


def _production(data: Path) -> dict[str, str]:
    folder = data / "channel-files"
    folder.mkdir(exist_ok=True)
    uses = ("code", "field", "lookup", "ledger", "webhook", "log", "backup")
    return {
        "VOUCHER_ENV": "production",
        "VOUCHER__SECRETS__TOKEN_KEY": secrets.token_hex(32),
        **{f"VOUCHER__SECRETS__{use.upper()}_KEYS": f"1:{secrets.token_hex(32)}" for use in uses},
        "VOUCHER__WEB__PROXIES": "1",
        "VOUCHER__MATCHING__FOLDER": str(folder),
    }


def quietly(what: Callable[[], object]) -> bool:
    """Whether it worked."""
    with suppress(Exception):
        what()
        return True
    return False
