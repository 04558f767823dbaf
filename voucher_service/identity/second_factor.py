"""Time-based one-time passwords (RFC 6238): six digits, SHA-1, steps of 30 seconds. Pure."""

from __future__ import annotations

import hmac
from datetime import datetime

STEP_SECONDS = 30
SECRET_BYTES = 20


def code_at(secret: bytes, step: int) -> str:
    """The six digits of one step."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def step_at(now: datetime) -> int:
    """The number of the step an instant falls in."""
    return int(now.timestamp()) // STEP_SECONDS


def accepted_step(secret: bytes, otp: str, *, now: datetime, used: int) -> int | None:
    """The step whose code this is, later than `used`, so that no code works twice; else None.

    Codes of the neighbouring steps count too, for clocks that are off.
    """
    present = step_at(now)
    for step in (present, present - 1, present + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), otp.encode("utf-8", "replace")):
            return step if step > used else None
    return None
