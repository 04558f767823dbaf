"""What a client says to PostgreSQL and to the gate, in words: `claim.commit`, `gate.admit`."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Protocol

_ENCRYPTION = {80877103, 80877104}  # asks for TLS or GSS: a start-up message follows
_SHA = re.compile(rb"EVALSHA\r\n\$40\r\n([0-9a-f]{40})")
_QUERY, _PARSE, _BIND = b"Q", b"P", b"B"


class Requests(Protocol):
    """The requests of one connection."""

    def feed(self, chunk: bytes) -> list[str]:
        """The labels of the requests that this chunk completes; what has none is left out."""


class PostgresRequests:
    """Statements by what they do to a claim, prepared ones too."""

    def __init__(self) -> None:
        self._buffer, self._started = b"", False
        self._statements: dict[bytes, str] = {}
        self._whose = ""

    def feed(self, chunk: bytes) -> list[str]:
        self._buffer += chunk
        labels = []
        while (message := self._next()) is not None:
            if label := self._label(message):
                labels.append(label)
        return labels

    def _next(self) -> bytes | None:
        head = 1 if self._started else 0
        if len(self._buffer) < head + 4:
            return None
        size = head + int.from_bytes(self._buffer[head : head + 4])
        if len(self._buffer) < size:
            return None
        message, self._buffer = self._buffer[:size], self._buffer[size:]
        if not self._started:
            self._started = int.from_bytes(message[4:8]) not in _ENCRYPTION
            return b"?"
        return message

    def _label(self, message: bytes) -> str:
        kind, body = message[:1], message[5:]
        if kind == _PARSE:
            name, text = body.split(b"\0", 2)[:2]
            self._statements[name] = _does(text)
            return ""
        if kind == _QUERY:
            does = _does(body.rstrip(b"\0"))
        elif kind == _BIND:
            does = self._statements.get(body.split(b"\0", 2)[1], "")
        else:
            return ""
        return self._in_transaction(does)

    def _in_transaction(self, does: str) -> str:
        """A commit belongs to whoever fenced, inserted or raised in its transaction."""
        if does == "begin":
            self._whose = ""
        elif does in {"fence", "insert"}:
            self._whose = "claim"
        elif does == "raise":
            self._whose = "rebuild"
        return f"{self._whose}.{does}" if self._whose and does else ""


def _does(text: bytes) -> str:
    words = b" ".join(text.split())
    if words in {b"BEGIN", b"COMMIT", b"ROLLBACK"}:
        return words.decode().lower()
    marks = {
        b"FOR KEY SHARE": "fence",
        b"FOR NO KEY UPDATE": "fence",  # of a batch without the gate
        b"INSERT INTO voucher ": "insert",
        b"INTO ledger.entry": "post",
        b"FROM offer WHERE": "raise" if words.endswith(b"FOR UPDATE") else "",
    }
    return next((label for mark, label in marks.items() if mark in words), "")


class GateRequests:
    """Scripts of the gate by their file's name."""

    def __init__(self, scripts: dict[bytes, str]) -> None:
        self._scripts = scripts

    def feed(self, chunk: bytes) -> list[str]:
        found = (self._scripts.get(sha) for sha in _SHA.findall(chunk))
        return [f"gate.{name}" for name in found if name]


def scripts(folder: Path) -> dict[bytes, str]:
    """The digests by which a server knows the scripts of a folder."""
    return {
        hashlib.sha1(path.read_bytes()).hexdigest().encode(): path.stem
        for path in folder.glob("*.lua")
    }
