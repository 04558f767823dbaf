"""One WSGI application under granian, as in production, for as long as a block lasts."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from voucher_service.infra.embedded import ports
from voucher_service.infra.embedded.processes import Child, Launch
from voucher_service.serving.programs import served

_READY_SECONDS = 60.0
POOL = "BENCH_POOL"


@contextmanager
def serving(
    data: Path, target: str, environment: Mapping[str, str], *, processes: int, threads: int
) -> Iterator[int]:
    """The port on which `target` (module:app) answers. Raises ServerFailed."""
    port = ports.assign(data / "bench-port.json", ["bench"])["bench"]
    command = (sys.executable, "-m", "granian", *served(target, threads), "--host", "127.0.0.1")
    options = ("--port", str(port), "--workers", str(processes), "--no-ws")
    more = ("--workers-kill-timeout", "5", target)
    set_ = {**environment, "VOUCHER__WEB__THREADS": str(threads)}
    child = Child(
        data, "bench", lambda: Launch((*command, *options, *more), Path.cwd(), environment=set_)
    )
    child.start()
    try:
        child.wait_until(partial(_answers, port), _READY_SECONDS)
        yield port
    finally:
        child.stop()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        connection.close()
