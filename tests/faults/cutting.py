"""A TCP proxy between a till and its server that loses requests, or replies after some bytes."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from enum import Enum, auto
from typing import Any
from urllib.parse import urlsplit


class Lost(Enum):
    """What gets lost on the way."""

    NOTHING = auto()
    REQUEST = auto()
    REPLY = auto()


class Cutter:
    """Passes one request a connection on. `lost` is what happens to the next one, then nothing.

    Of a lost reply `after_bytes` come through; the server has answered in full by then.
    """

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.lost, self.after_bytes, self.cuts = Lost.NOTHING, 0, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                lost, self.lost = self.lost, Lost.NOTHING
                threading.Thread(target=self._pass, args=(connection, lost), daemon=True).start()

    def _pass(self, connection: socket.socket, lost: Lost) -> None:
        with closing(connection), suppress(OSError):
            request = _whole(connection)
            self.cuts += lost is not Lost.NOTHING
            if lost is Lost.REQUEST:
                return
            with closing(socket.create_connection(self._server)) as server:
                server.sendall(request)
                reply = b""
                while piece := server.recv(65_536):
                    reply += piece
            connection.sendall(reply if lost is Lost.NOTHING else reply[: self.after_bytes])


def _whole(connection: socket.socket) -> bytes:
    """A request with all of its body."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65_536)
    head, _, body = request.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    while len(body) < sum(lengths):
        piece = connection.recv(65_536)
        request, body = request + piece, body + piece
    return request


@contextmanager
def cutting(url: str) -> Iterator[Cutter]:
    """A proxy before the server at a URL."""
    cutter = Cutter(urlsplit(url).port or 80)
    try:
        yield cutter
    finally:
        cutter.close()


class Wire:
    """A till on a wire: whatever is not a whole answer is None."""

    def __init__(self, cutter: Cutter, token: str) -> None:
        self.cutter, self._token = cutter, token

    def call(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any] | None:
        """Status and JSON of an answer, or None when it was lost."""
        headers = {"Authorization": f"Bearer {self._token}", "Connection": "close"}
        if key:
            headers |= {"Idempotency-Key": key, "Content-Type": "application/json"}
        line = http.client.HTTPConnection("127.0.0.1", self.cutter.port, timeout=20)
        with closing(line):
            try:
                sent = None if body is None else json.dumps(body)
                line.request(method, path, body=sent, headers=headers)
                answer = line.getresponse()
                return answer.status, json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError):
                return None

    def losing(
        self, lost: Lost, after_bytes: int, *call: Any, **more: Any
    ) -> tuple[int, Any] | None:
        """The same call, of which something gets lost."""
        self.cutter.lost, self.cutter.after_bytes = lost, after_bytes
        return self.call(*call, **more)
