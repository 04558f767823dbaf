"""Merchants' systems that receive messages: ones that take them, fail, redirect or dawdle."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from voucher_service.infra.signatures import Message


@dataclass
class Receiver:
    """What came in, and what is answered: a status, or `drip`: a byte now and then."""

    url: str = ""
    status: int = 200
    drip: bool = False
    came: list[Message] = field(default_factory=list)


@contextmanager
def receiver(context: Any = None) -> Iterator[Receiver]:
    """One at work on this machine; with a TLS `context` on https."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            host = self.headers["Host"]
            url = f"http{'s' if context else ''}://{host}{self.path}"
            found.came.append(Message("POST", url, dict(self.headers), body))
            self.send_response(found.status)
            self.send_header("Location", "http://127.0.0.1:9/")
            if not found.drip:
                self.end_headers()
                return
            for _ in range(100):
                try:
                    self.wfile.write(b"x")
                except OSError:
                    return
                time.sleep(0.05)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    found.url = f"http://127.0.0.1:{server.server_port}/hook?shop=1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
