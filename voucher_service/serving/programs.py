"""The programs beside the servers: three faces, the worker and the schedule."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from voucher_service.infra.embedded import ports
from voucher_service.infra.embedded.processes import Child, Launch

from .addresses import ServingError

DRAIN_SECONDS = 20.0  # requests under way may take this long when a face stops
_FACES = {
    "resident": "voucher_service.resident.asgi:app",
    "merchant": "merchant_portal.wsgi:app",
    "admin": "admin.wsgi:app",
}
_HOST = "127.0.0.1"
_READY_SECONDS = 60.0


def addresses(port: int) -> dict[str, str]:
    """The faces' URLs by name: `port`, `port` + 1, `port` + 2."""
    return {name: f"http://{_HOST}:{port + place}" for place, name in enumerate(_FACES)}


def check_ports(port: int) -> None:
    """Raises ServingError when a face's port is in use."""
    for place, name in enumerate(_FACES):
        if not ports.is_free(port + place):
            raise ServingError(
                f"port {port + place} (for the {name} face) is in use by another program. Stop "
                f"that one, or choose three other ports in a row: make run PORT={port + 100}, or "
                f"voucher dev --port {port + 100}"
            )


def faces(data: Path, port: int, threads: int, environment: Mapping[str, str]) -> list[Child]:
    """The three faces, each with `threads` for requests; not started yet."""
    its_environment = {**environment, "VOUCHER__WEB__PORT": str(port)}
    return [
        _python(data, name, _granian(target, port + place, threads), its_environment)
        for place, (name, target) in enumerate(_FACES.items())
    ]


def jobs(data: Path, environment: Mapping[str, str]) -> list[Child]:
    """The worker and the schedule; not started yet."""
    return [
        _python(data, name, ("voucher_service.jobs", name), environment)
        for name in ("worker", "schedule")
    ]


def wait_for_faces(children: Sequence[Child], port: int) -> None:
    """Until each answers /healthz. Raises ServerFailed."""
    for place, child in enumerate(children):
        child.wait_until(partial(_healthy, port + place), _READY_SECONDS)


def _granian(target: str, port: int, threads: int) -> tuple[str, ...]:
    options = {
        "--host": _HOST,
        "--port": str(port),
        "--workers": "1",
        # A request that never ends must not hold the stop up.
        "--workers-kill-timeout": str(int(DRAIN_SECONDS) - 5),
    }
    words = [word for option in options.items() for word in option]
    return ("granian", *served(target, threads), *words, "--no-ws", target)


def served(target: str, threads: int) -> tuple[str, ...]:
    """How granian serves an application: an ASGI one keeps its own threads."""
    if target.split(":", maxsplit=1)[0].endswith(".asgi"):
        return ("--interface", "asgi")
    return ("--interface", "wsgi", "--blocking-threads", str(threads))


def _python(
    data: Path, name: str, module: tuple[str, ...], environment: Mapping[str, str]
) -> Child:
    # Migrations are over: what runs from here on does not need the owner.
    its_environment = {
        **environment,
        "VOUCHER__DATABASE__OWNER_URL": "",
        "PYTHONUNBUFFERED": "1",
    }
    command = (sys.executable, "-m", *module)
    return Child(data, name, lambda: Launch(command, Path.cwd(), environment=its_environment))


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(_HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
