"""The witness of `voucher dev`: a process with a key and a store of its own, under DATA/witness.

On the computer of the log it shows how heads are cosigned, and finds a log that was put back.
Against whoever owns that computer only a witness of somebody else helps: name it in the settings.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from voucher_service import settings as settings_module
from voucher_service.infra.embedded import ports
from voucher_service.infra.embedded.processes import Child, Launch
from voucher_service.infra.secrets import Keyring
from voucher_service.proof import notes
from voucher_service.proof.witness import key_in

NAME = "localhost/witness"


def environment(data: Path) -> dict[str, str]:
    """The settings of a log that this directory's witness cosigns; none where it has no witness."""
    try:
        found: dict[str, str] = json.loads(_file(data).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found


def witness(data: Path, environ: Mapping[str, str] = os.environ) -> list[Child]:
    """The witness of a directory, not started yet; from here on `environment` leads to it.

    None where the settings name another: that one is somebody else's to run.
    """
    settings = settings_module.load(environ)
    if settings.proof.witness_url:
        _file(data).unlink(missing_ok=True)
        return []
    folder = _file(data).parent
    folder.mkdir(mode=0o700, exist_ok=True)
    port = ports.assign(data / "ports.json", ("witness",))["witness"]
    key = key_in(folder / "key")
    told = {
        "VOUCHER__PROOF__WITNESS_URL": f"http://127.0.0.1:{port}",
        "VOUCHER__PROOF__WITNESS_KEY": str(notes.verifier(NAME, key, cosigns=True)),
    }
    _file(data).write_text(json.dumps(told), "utf-8")
    log = next(iter(Keyring(settings.secrets).log_keys().values()))
    words = {
        "--name": NAME,
        "--key": str(folder / "key"),
        "--store": str(folder / "last.json"),
        "--log": str(notes.verifier(settings.proof.origin, log)),
        "--port": str(port),
    }
    options = (word for option in words.items() for word in option)
    command = (sys.executable, "-m", "voucher_service.cli", "proof", "witness", *options)
    its_environment = {**environ, "PYTHONUNBUFFERED": "1"}
    launch = Launch(command, Path.cwd(), environment=its_environment)
    return [Child(data, "witness", lambda: launch)]


def _file(data: Path) -> Path:
    return data / "witness" / "settings.json"
