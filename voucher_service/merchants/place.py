"""When a shop is open and where it stands: evidence for a redemption, and facts for the public.

Pure. Hours and days are Shanghai's; a span that ends before it begins goes on after midnight.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby, pairwise
from typing import Any

from voucher_service.i18n import formats
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.errors import Unprocessable

Span = tuple[str, str]
"""From and until, as HH:MM; until is the first minute that is closed, 24:00 at the latest."""
DAYS = range(1, 8)
"""Monday is 1, as in ISO 8601."""
MOST_SPANS = 3
CLOSED = frozenset({"休", "休息", "off", "closed", "-"})
_EARTH_METRES = 6_371_000
_SPAN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)[-~]([01]?\d|2[0-4]):([0-5]\d)")
_NAMES = (
    ("周一", "Mon"),
    ("周二", "Tue"),
    ("周三", "Wed"),
    ("周四", "Thu"),
    ("周五", "Fri"),
    ("周六", "Sat"),
    ("周日", "Sun"),
)


class OpeningHoursInvalid(Unprocessable):
    """Opening hours are spans such as 09:00-14:00, up to three a day, that don't overlap."""

    code = "opening_hours_invalid"


class PositionInvalid(Unprocessable):
    """A position is a latitude (3 to 54) and a longitude (73 to 136), both or neither."""

    code = "position_invalid"


@dataclass(frozen=True, slots=True)
class Position:
    """A point on the earth in degrees, WGS 84. Raises PositionInvalid outside the country."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (3 <= self.latitude <= 54 and 73 <= self.longitude <= 136):
            raise PositionInvalid

    def metres_to(self, other: Position) -> int:
        """How far the other one is, along the surface."""
        here, there = math.radians(self.latitude), math.radians(other.latitude)
        east = math.radians(other.longitude - self.longitude)
        half = (
            math.sin((there - here) / 2) ** 2
            + math.cos(here) * math.cos(there) * math.sin(east / 2) ** 2
        )
        return round(2 * _EARTH_METRES * math.asin(math.sqrt(half)))


def position(latitude: float | None, longitude: float | None) -> Position | None:
    """The position of two columns, or None for none. Raises PositionInvalid."""
    if latitude is None and longitude is None:
        return None
    if latitude is None or longitude is None:
        raise PositionInvalid
    return Position(latitude, longitude)


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """The spans of each day of the week, Monday first; a day without any is closed."""

    days: tuple[tuple[Span, ...], ...]

    def open_at(self, at: datetime) -> bool:
        """Whether the shop is open at an instant, by this table."""
        local = at.astimezone(SHANGHAI)
        clock, today = f"{local:%H:%M}", local.isoweekday() - 1
        late = any(begin >= end and clock < end for begin, end in self.days[today - 1])
        return late or any(
            begin <= clock and (clock < end or begin >= end) for begin, end in self.days[today]
        )

    def as_json(self) -> list[list[list[str]]]:
        """Seven lists of spans, as they are stored and sent."""
        return [[list(span) for span in spans] for spans in self.days]

    def in_words(self, locale: str) -> str:
        """The week in one line: 周一至周五 09:00–22:00；周六、周日 10:00–23:00."""
        english = locale == "en"
        parts = []
        for spans, group in groupby(range(7), key=lambda day: self.days[day]):
            if spans:
                hours = formats.listed((f"{a}–{b}" for a, b in spans), locale)
                parts.append(f"{_run(list(group), english=english)} {hours}")
        return formats.clauses(parts, locale)


def from_json(told: Any) -> OpeningHours | None:
    """Opening hours as they are stored or sent; None for none. Raises OpeningHoursInvalid."""
    if told is None:
        return None
    try:
        return _checked(
            [[f"{begin}-{end}" for begin, end in spans] for spans in told], days=len(told)
        )
    except (TypeError, ValueError):
        raise OpeningHoursInvalid from None


def typed(every_day: str, by_day: Mapping[int, str]) -> OpeningHours | None:
    """Opening hours as people type them: one line for every day, and lines for days that differ.

    A line is spans such as `9:00-14:00 17:00-22:00`, or 休 for a closed day. None where nothing is
    typed. Raises OpeningHoursInvalid.
    """
    lines = [_plain(by_day.get(day, "")) or _plain(every_day) for day in DAYS]
    if not any(lines):
        return None
    return _checked([[] if line in CLOSED else line.split() for line in lines], days=7)


def as_typed(hours: OpeningHours | None, *, closed: str = "休") -> tuple[str, dict[int, str]]:
    """The lines that `typed` reads as these hours: the commonest day first, then what differs.

    `closed`: one of the words for a closed day.
    """
    if hours is None:
        return "", {}
    usual = max(hours.days, key=hours.days.count)
    lines = {day: _line(hours.days[day - 1]) or closed for day in DAYS}
    differs = {day: line for day, line in lines.items() if hours.days[day - 1] != usual}
    return _line(usual) or closed, differs


def outside(hours: OpeningHours | None, at: datetime) -> bool:
    """Whether an instant lies outside known opening hours: evidence, never a refusal."""
    return hours is not None and not hours.open_at(at)


def in_season(opens_on: date | None, closes_on: date | None, day: date) -> bool:
    """Whether a day lies between two dates, both included, either of them open."""
    return (opens_on is None or opens_on <= day) and (closes_on is None or day <= closes_on)


def _checked(lines: Sequence[Iterable[str]], *, days: int) -> OpeningHours:
    if days != len(DAYS):
        raise OpeningHoursInvalid
    return OpeningHours(tuple(_spans(list(line)) for line in lines))


def _spans(texts: Sequence[str]) -> tuple[Span, ...]:
    """The spans of a day in order. Raises OpeningHoursInvalid when they overlap or are no hours."""
    spans = sorted(_span(text) for text in texts)
    reaches = [(begin, end if begin < end else _next_day(end)) for begin, end in spans]
    apart = all(first[1] <= second[0] for first, second in pairwise(reaches))
    if len(spans) > MOST_SPANS or not apart:
        raise OpeningHoursInvalid
    return tuple(spans)


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise OpeningHoursInvalid
    begin, end = f"{int(found[1]):02d}:{found[2]}", f"{int(found[3]):02d}:{found[4]}"
    if end > "24:00" or (begin == end):
        raise OpeningHoursInvalid
    return begin, end


def _next_day(clock: str) -> str:
    return f"{int(clock[:2]) + 24:02d}{clock[2:]}"


def _plain(line: str) -> str:
    text = unicodedata.normalize("NFKC", line).strip().lower()
    text = re.sub(r"\s*[-–—~～至到]+\s*", "-", text) if text not in CLOSED else text
    return re.sub(r"[\s,，、;；]+", " ", text)


def _line(spans: tuple[Span, ...]) -> str:
    return " ".join(f"{begin}-{end}" for begin, end in spans)


def _run(group: list[int], *, english: bool) -> str:
    if len(group) == 7:
        return "daily" if english else "每天"
    first, last = (_NAMES[group[end]][english] for end in (0, -1))
    if len(group) == 1:
        return first
    joint = ("–" if english else "至") if len(group) > 2 else ("," if english else "、")
    return f"{first}{joint}{' ' if joint == ',' else ''}{last}"


__all__ = [
    "DAYS",
    "OpeningHours",
    "OpeningHoursInvalid",
    "Position",
    "PositionInvalid",
    "as_typed",
    "from_json",
    "in_season",
    "outside",
    "position",
    "typed",
]
