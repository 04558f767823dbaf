"""Instants and business days. A day is a date in Asia/Shanghai; an instant is aware."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight saving since 1991


@dataclass
class Clock:
    """Where time comes from: the servers' own, or an instant that tests and replays set.

    With `at` None the servers decide: SQL uses `clock_timestamp()`, Lua uses `TIME`.
    """

    at: datetime | None = field(default=None)

    def set(self, instant: datetime) -> None:
        """Move a clock of a test or a replay."""
        if self.at is None:
            raise RuntimeError("the servers' clock can't be set")
        self.at = instant

    @property
    def milliseconds(self) -> str:
        """Unix milliseconds for scripts; empty means the server's own time."""
        return "" if self.at is None else str(int(self.at.timestamp() * 1000))


def day_of(instant: datetime) -> date:
    """The business day an instant falls on."""
    return instant.astimezone(SHANGHAI).date()


@lru_cache(maxsize=1_024)
def start_of(day: date) -> datetime:
    """The first instant of a business day, in UTC."""
    return datetime.combine(day, time.min, SHANGHAI).astimezone(UTC)


def end_of(day: date) -> datetime:
    """The instant a business day ends, which is the start of the next one, in UTC."""
    return start_of(day + timedelta(days=1))
