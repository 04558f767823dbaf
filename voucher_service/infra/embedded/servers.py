"""The three servers of one data directory, with their ports and passwords."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Collection
from pathlib import Path

from . import ports, postgres, valkey
from .processes import Child, sweep

DATABASE, GATE, QUEUE = NAMES = ("postgres", "gate", "queue")
_PASSWORDS = (postgres.SUPERUSER, postgres.OWNER, postgres.APPLICATION, GATE, QUEUE)


class Servers:
    """PostgreSQL, the gate and the queue of `data`, or those of them that are `wanted`.

    Only for the holder of the lock on `data`. `durable=False` is for the test suite.
    """

    def __init__(
        self, data: Path, *, durable: bool = True, wanted: Collection[str] = NAMES
    ) -> None:
        self.data = data.resolve()
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep(self.data)
        self._ports = ports.assign(self.data / "ports.json", NAMES)
        self._passwords = passwords_in(self.data / "secrets" / "servers.json")
        makers = {
            DATABASE: lambda: postgres.child(
                self.data,
                DATABASE,
                port=self._ports[DATABASE],
                passwords=self._passwords,
                durable=durable,
            ),
            GATE: lambda: self._valkey(GATE, persists=False, durable=durable),
            QUEUE: lambda: self._valkey(QUEUE, persists=True, durable=durable),
        }
        self.children: dict[str, Child] = {name: makers[name]() for name in NAMES if name in wanted}

    def _valkey(self, name: str, *, persists: bool, durable: bool) -> Child:
        return valkey.child(
            self.data,
            name,
            port=self._ports[name],
            password=self._passwords[name],
            persists=persists,
            durable=durable,
        )

    def start(self) -> None:
        """Start them side by side, wait until all answer. Raises ServerFailed, with all stopped."""
        try:
            for child in self.children.values():
                child.start()
            for name, child in self.children.items():
                if name == DATABASE:
                    postgres.wait_until_ready(child, self._ports[DATABASE], self._passwords)
                else:
                    valkey.wait_until_ready(child, self.url(name))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop them well; PostgreSQL last."""
        for child in reversed(self.children.values()):
            child.stop()

    def url(self, name: str, role: str = postgres.APPLICATION) -> str:
        """The address of one server; for PostgreSQL, as this role."""
        if name == DATABASE:
            return postgres.url(role, self._passwords[role], self._ports[DATABASE])
        return valkey.url(self._passwords[name], self._ports[name])

    @property
    def owner_url(self) -> str:
        """The database as its owner."""
        return self.url(DATABASE, postgres.OWNER)


def superuser_url(data: Path) -> str:
    """The database of a data directory as its superuser; empty where it has none of its own."""
    try:
        known = json.loads((data / "secrets" / "servers.json").read_text("utf-8"))
        port = json.loads((data / "ports.json").read_text("utf-8"))[DATABASE]
        return postgres.url(postgres.SUPERUSER, known[postgres.SUPERUSER], port)
    except (FileNotFoundError, KeyError):
        return ""


def passwords_in(file: Path) -> dict[str, str]:
    """The passwords of this data directory, made at its first start; for its owner alone."""
    known: dict[str, str] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    if missing := [name for name in _PASSWORDS if name not in known]:
        known |= {name: secrets.token_urlsafe(24) for name in missing}
        file.parent.mkdir(mode=0o700, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(known, out)
        draft.replace(file)
    return known
