"""The servers' addresses: from the environment, from a running `voucher dev`, or started here."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic.util import CommandError

from voucher_service import migrate
from voucher_service import settings as settings_module
from voucher_service.infra.embedded.processes import ServerFailed
from voucher_service.infra.embedded.servers import DATABASE, GATE, QUEUE, Servers
from voucher_service.settings import Settings

from . import lock, witness

_WAIT_SECONDS = 60.0


class ServingError(Exception):
    """Something does not start or is in the way; the text says what, and what to do."""


@dataclass(frozen=True)
class Addresses:
    """Where the three servers are. `attached` when somebody else started them.

    `database_owner_url` is empty when the environment names a database without its owner.
    """

    database_url: str
    database_owner_url: str
    gate_url: str
    queue_url: str
    attached: bool


@dataclass(frozen=True)
class Outside:
    """The servers that the settings name: not ours to start, each may be empty."""

    database_url: str
    database_owner_url: str
    gate_url: str
    queue_url: str

    @property
    def wanted(self) -> tuple[str, ...]:
        """The servers that are left to us."""
        named = {DATABASE: self.database_url, GATE: self.gate_url, QUEUE: self.queue_url}
        return tuple(name for name, url in named.items() if not url)


@contextmanager
def servers(
    data: Path, *, durable: bool = True, environ: Mapping[str, str] = os.environ
) -> Iterator[Addresses]:
    """Attach to the servers of `data`, or start, migrate and at the end stop them.

    Servers that the environment names are used as they are, and never migrated from here.
    `durable=False` is for the test suite. Raises ServingError, SettingsError.
    """
    data, given = data.resolve(), outside(environ)
    if not given.wanted:
        yield combined(given, None, attached=True)
        return
    with ExitStack() as stack:
        deadline = time.monotonic() + _WAIT_SECONDS
        while not stack.enter_context(lock.hold(data)):
            if running := _running(data):
                yield _attached(given, running)
                return
            if time.monotonic() > deadline:
                raise ServingError(
                    f"{data} is in use by {lock.holder(data)}; wait for it to end, or choose "
                    "another directory with --data"
                )
            stack.close()
            time.sleep(0.2)
        (data / "ready.json").unlink(missing_ok=True)
        with started(data, given, durable=durable) as bundle:
            yield combined(given, bundle, attached=False)


@contextmanager
def started(data: Path, given: Outside, *, durable: bool = True) -> Iterator[Servers]:
    """Our servers of `data`, migrated; for the holder of its lock. Raises ServingError."""
    try:
        bundle = Servers(data, durable=durable, wanted=given.wanted)
        bundle.start()
    except ServerFailed as error:
        raise ServingError(str(error)) from error
    try:
        if DATABASE in bundle.children:
            with _newer_is_refused(data):
                migrate.upgrade(bundle.owner_url)
        yield bundle
    finally:
        bundle.stop()


@contextmanager
def _newer_is_refused(data: Path) -> Iterator[None]:
    try:
        yield
    except CommandError as error:  # alembic's: a revision that it has never heard of
        raise ServingError(f"{data} was written by a newer version: {error}") from error


def expect_fitting(addresses: Addresses) -> None:
    """Refuse a database that this version can't work on. Raises ServingError, which says what to
    do.
    """
    why = migrate.unfit(addresses.database_owner_url or addresses.database_url)
    if not why:
        return
    if not addresses.attached:
        what = "No migration leads from there: restore a backup, or begin in another directory"
    elif addresses.database_owner_url:
        what = "Run `voucher migrate` of this version, then start its processes again"
    else:
        what = "Run `voucher migrate` of this version with VOUCHER__DATABASE__OWNER_URL set"
    raise ServingError(f"the database does not fit this version: {why}. {what}")


def outside(environ: Mapping[str, str] = os.environ) -> Outside:
    """What the settings say. Raises SettingsError."""
    settings = settings_module.load(environ)
    return Outside(
        settings.database.url, settings.database.owner_url, settings.gate.url, settings.queue.url
    )


def combined(given: Outside, bundle: Servers | None, *, attached: bool) -> Addresses:
    """The servers of the settings, and ours for the rest."""

    def ours(name: str) -> str:
        return "" if bundle is None else bundle.url(name)

    own_database = bundle is not None and DATABASE in bundle.children
    return Addresses(
        database_url=given.database_url or ours(DATABASE),
        database_owner_url=bundle.owner_url
        if bundle is not None and own_database
        else given.database_owner_url,
        gate_url=given.gate_url or ours(GATE),
        queue_url=given.queue_url or ours(QUEUE),
        attached=attached,
    )


def environment_for(
    addresses: Addresses, data: Path, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The environment in which `settings.load` gives these addresses, and outbox and witness of
    `data`.
    """
    return {
        "VOUCHER__SMS__OUTBOX": str(data.resolve() / "outbox" / "sms.jsonl"),
        "VOUCHER__PROOF__FILE": str(data.resolve() / "checkpoints.txt"),
        "VOUCHER__MATCHING__FOLDER": str(data.resolve() / "uploads"),
        **witness.environment(data.resolve()),
        **environ,
        "VOUCHER__DATABASE__URL": addresses.database_url,
        "VOUCHER__DATABASE__OWNER_URL": addresses.database_owner_url,
        "VOUCHER__GATE__URL": addresses.gate_url,
        "VOUCHER__QUEUE__URL": addresses.queue_url,
    }


def settings_for(
    addresses: Addresses, data: Path, environ: Mapping[str, str] = os.environ
) -> Settings:
    """The settings of a command that runs on `data`. Raises SettingsError."""
    return settings_module.load(environment_for(addresses, data, environ))


def _running(data: Path) -> dict[str, str] | None:
    """What `voucher dev` wrote when it was ready, or None."""
    try:
        found: dict[str, str] = json.loads((data / "ready.json").read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return found


def _attached(given: Outside, running: Mapping[str, str]) -> Addresses:
    return Addresses(
        database_url=given.database_url or running["database_url"],
        database_owner_url=given.database_owner_url
        if given.database_url
        else running["database_owner_url"],
        gate_url=given.gate_url or running["gate_url"],
        queue_url=given.queue_url or running["queue_url"],
        attached=True,
    )
