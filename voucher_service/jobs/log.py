"""Log lines of jobs: one JSON object each, with no message of an error, which may name a person."""

from __future__ import annotations

import sys
import traceback

import structlog


def configure() -> None:
    """Log to the standard error stream of this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def info(event: str, **facts: object) -> None:
    """A thing that happened."""
    structlog.get_logger().info(event, **facts)


def failed(event: str, error: BaseException, **facts: object) -> None:
    """A thing that failed, by the error's kind and place, and those of what caused it."""
    places = [
        f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "/voucher_service/" in frame.filename
    ]
    cause = error.__cause__
    structlog.get_logger().error(
        event,
        error=type(error).__qualname__,
        cause=type(cause).__qualname__ if cause else None,
        frames=places[-6:],
        **facts,
    )


def broken(invariant: str, count: int) -> None:
    """The books break an invariant in at least that many places."""
    structlog.get_logger().error("books_broken", invariant=invariant, count=count)
