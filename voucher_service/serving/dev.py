"""`voucher dev`: the servers, three faces, worker, schedule and a witness of one data directory."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from voucher_service import migrate
from voucher_service.infra.embedded.processes import Child, ServerFailed, sweep
from voucher_service.infra.embedded.servers import DATABASE
from voucher_service.settings import Settings

from . import lock, programs, witness
from .addresses import (
    Addresses,
    ServingError,
    combined,
    environment_for,
    expect_fitting,
    outside,
    settings_for,
    started,
)
from .watch import keep_running

_JOB_SECONDS = 30.0


@dataclass(frozen=True)
class Login:
    """A login of the demo, to show at the end of the start."""

    face: str
    name: str
    password: str


Demo = Callable[[Settings], Sequence[Login]]


def dev(data: Path, port: int, demo: Demo | None, ready_file: Path | None) -> None:
    """Serve `data` on `port`, `port` + 1, `port` + 2 until Ctrl-C or SIGTERM; then stop in order.

    `demo` loads what the demo needs and is not there yet, and names its logins. `ready.json` (and
    `ready_file`) is there exactly while all is up. Raises ServingError and SettingsError.
    """
    data, console = data.resolve(), Console(highlight=False, soft_wrap=True)
    with _signals_stop_us(), lock.hold(data) as held:
        if not held:
            raise ServingError(
                f"{data} is already being served by {lock.holder(data)}; stop that one, or choose "
                "another directory with --data (make run DATA=…)"
            )
        sweep(data)  # before the ports: a face left behind would hold one
        programs.check_ports(port)
        files = [data / "ready.json", *([ready_file.resolve()] if ready_file else [])]
        for file in files:
            file.unlink(missing_ok=True)
        with suppress(KeyboardInterrupt):
            _serve(data, port, demo, files, console)
        console.print(f"stopped; the data is kept in {data}", markup=False)


def _serve(
    data: Path, port: int, demo: Demo | None, files: Sequence[Path], console: Console
) -> None:
    began, given = time.monotonic(), outside()

    def say(text: str) -> None:
        console.print(Text.assemble((f"{time.monotonic() - began:6.1f} s  ", "dim"), text))

    say("starting " + (", ".join(given.wanted) or "no server: the environment names all three"))
    with started(data, given) as bundle:
        addresses = combined(given, bundle, attached=False)
        if DATABASE not in bundle.children and addresses.database_owner_url:
            migrate.upgrade(addresses.database_owner_url)
        expect_fitting(addresses)
        say("servers are up, the database is migrated")
        cosigning = witness.witness(data)
        settings = settings_for(addresses, data)
        environment = environment_for(addresses, data)
        faces = programs.faces(data, port, settings.web.threads, environment)
        jobs = [*cosigning, *programs.jobs(data, environment)]
        try:
            for child in (*faces, *jobs):
                child.start()
            logins = demo(settings) if demo else ()
            if demo:
                say("the demo is loaded")
            programs.wait_for_faces(faces, port)
            if ended := [child for child in jobs if child.exit_code() is not None]:
                raise ServingError(
                    f"{ended[0].name} does not run. {ended[0].log} ends:\n{ended[0].last_words()}"
                )
            _announce(files, port, addresses)
            say("ready")
            _show(console, port, logins, data)
            keep_running((*bundle.children.values(), *faces, *jobs), say)
        except ServerFailed as error:
            raise ServingError(str(error)) from error
        finally:
            for file in files:
                file.unlink(missing_ok=True)
            say("stopping: faces first, then the worker, then the servers")
            _stop(faces, programs.DRAIN_SECONDS)
            _stop(jobs, _JOB_SECONDS)


def _announce(files: Sequence[Path], port: int, addresses: Addresses) -> None:
    """Write the ready files, each whole or not at all; they hold passwords, so for us alone."""
    found = programs.addresses(port)
    for name in ("database_url", "database_owner_url", "gate_url", "queue_url"):
        found[name] = getattr(addresses, name)
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(file.name + ".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(found, out, indent=2)
        draft.replace(file)


def _show(console: Console, port: int, logins: Sequence[Login], data: Path) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("face", "address", "sign in as", "password"):
        table.add_column(title, overflow="fold")
    for face, address in programs.addresses(port).items():
        mine = [login for login in logins if login.face == face]
        table.add_row(
            face,
            address,
            "\n".join(login.name for login in mine),
            "\n".join(login.password for login in mine),
        )
    console.print(table)
    where = f"short messages: {data / 'outbox' / 'sms.jsonl'}   logs: {data / 'logs'}"
    console.print(where, markup=False)
    console.print("Ctrl-C stops everything; the data is kept.")


def _stop(children: Sequence[Child], timeout_seconds: float) -> None:
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.stop(timeout_seconds)


@contextmanager
def _signals_stop_us() -> Iterator[None]:
    """The first SIGINT, SIGTERM or SIGHUP ends the block; later ones don't cut its end short."""
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(*_: object) -> None:
        for kind in kinds:
            signal.signal(kind, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {kind: signal.signal(kind, stop) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
