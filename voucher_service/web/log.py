"""Logs as one JSON object a line, with a short list of fields: nothing that names a person."""

from __future__ import annotations

import os
import re
import time
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog
from flask import Flask, Response, g, has_request_context, request

from .face import Face

ALLOWED = frozenset(
    {
        *("timestamp", "level", "event", "request_id", "face", "method", "route"),
        *("status", "duration_ms", "code", "error", "frames", "count"),
    }
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class _Line:
    """Writes a line to standard error in one call, so that no thread waits for another's lock."""

    def msg(self, line: str) -> None:
        write(line)

    debug = info = warning = error = critical = msg


def install(app: Flask, face: Face) -> None:
    """Log a line for each request of this app, and give it an id that the answer repeats."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: _Line(),
        cache_logger_on_first_use=False,
    )

    @app.before_request
    def start() -> None:
        g.request_id = request_id(request.headers.get("X-Request-Id", ""))
        g.started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        if not request.path.startswith("/static/"):
            write(
                request_line(
                    face,
                    request.method,
                    route(),
                    response.status_code,
                    time.perf_counter() - g.get("started", 0),
                    g.get("code"),
                    g.get("request_id", ""),
                )
            )
        return response


def request_id(told: str) -> str:
    """The id that a caller gave its request, or a new one."""
    return told if _REQUEST_ID.fullmatch(told) else os.urandom(16).hex()


def request_line(
    face: Face,
    method: str,
    route: str,
    status: int,
    seconds: float,
    code: str | None,
    request_id: str,
) -> str:
    """The line that says that a request was answered, and how long that took."""
    # Written by hand: nothing here needs escaping, and at an opening this line is half the work.
    at = datetime.now(UTC).isoformat()
    refused = f', "code": "{code}"' if code else ""
    return (
        f'{{"face": "{face.value}", "method": "{method}", "route": "{route}", "status": {status}, '
        f'"duration_ms": {seconds * 1000:.1f}, "request_id": "{request_id}", "event": "request", '
        f'"level": "info", "timestamp": "{at}"{refused}}}'
    )


def route() -> str:
    """The route's template, so that no id and no query gets into logs and metrics."""
    return request.url_rule.rule if request.url_rule else "none"


def report(event: str, error: BaseException) -> None:
    """Log a failure by its kind and place. Its message may hold personal data, so it stays out."""
    frames = [
        f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    _logger().error(
        event,
        error=type(error).__qualname__,
        frames=frames[-12:],
        route=route() if has_request_context() else None,
        request_id=g.get("request_id") if has_request_context() else None,
    )


def write(lines: str) -> None:
    """Put one line, or several, into the log in one call."""
    os.write(2, lines.encode() + b"\n")


def _logger() -> Any:
    return structlog.get_logger()


def _only_allowed(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name in ALLOWED and value is not None}
