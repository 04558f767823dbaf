"""An append-only file of JSON lines, each on the disk before anybody goes on."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any


class Journal:
    """One writer's own file. `at` is Unix nanoseconds, the same clock for all of a machine."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, what: str, **facts: Any) -> int:
        """Write a line and flush it; the instant that it carries."""
        at = time.time_ns()
        line = json.dumps({"at": at, "what": what, **facts}, separators=(",", ":"))
        os.write(self._file, line.encode() + b"\n")
        os.fdatasync(self._file)
        return at

    def close(self) -> None:
        """Nothing more is written."""
        os.close(self._file)
