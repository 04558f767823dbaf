"""How a file is laid out, and the lines that are read from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum

from voucher_service.kernel.money import Money

from ..model import Part

_DAY = timedelta(days=1)


class Against(StrEnum):
    """What of ours the lines are looked for in, and by which reference: payments of orders by the
    channel's own number, orders of one shop by the shop's, or what settlement gave to the bank by
    the flow number of its file.
    """

    PAYMENTS = "payments"
    ORDERS = "orders"
    TRANSFERS = "transfers"


class LineKind(StrEnum):
    """What a line says: that money was paid, or that it came back."""

    PAYMENT = "payment"
    REFUND = "refund"


class Unit(StrEnum):
    """What amounts are written in."""

    YUAN = "yuan"
    FEN = "fen"


@dataclass(frozen=True, slots=True)
class Totals:
    """What a file says of itself at its end, by fact: `lines payments refunds` are counts,
    `payment refund` sums.

    Either a small table whose headings begin with `after`, with a column for each fact; or lines
    that begin as one of `texts`, in which `{fact}` stands. A file that lacks one of `needed` was
    cut off.
    """

    after: str
    columns: Mapping[str, str]
    texts: tuple[str, ...]
    needed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Format:
    """How one kind of file is written, from a day on.

    `prefix` stands in front of every field; lines that begin with `comment` are no data. `at`: the
    headings that make up the instant, written as `time_form` in the zone; `day`: the heading of the
    business day as `day_form`, else it is the day of the instant. Business days end `day_ends`
    after their midnight. The same order may stand `shift_days` away without being a difference,
    and sums may be `tolerance` apart. `ours`: what those of our references look like that are
    expected in the file (a POSIX regular expression). `kinds`: what the words of the column `kind`
    mean; None is passed over. `every_heading` and what stands `before` them are for samples: they
    are not asked for.
    """

    id: str
    title: Mapping[str, str]
    channel: str
    valid_from: date
    against: Against
    encodings: tuple[str, ...]
    delimiter: str
    prefix: str
    comment: str
    unit: Unit
    zone: timezone
    time_form: str
    day_form: str
    day_ends: timedelta
    shift_days: int
    tolerance: Money
    ours: str
    at: tuple[str, ...]
    day: str
    kind: str
    reference: str
    sums: Mapping[Part, str]
    refund: str
    kinds: Mapping[str, LineKind | None]
    totals: Totals | None
    before: tuple[str, ...]
    every_heading: tuple[str, ...]

    @property
    def offset(self) -> timedelta:
        """What is added to an instant in UTC, so that its date is the business day."""
        zone = self.zone.utcoffset(None)
        assert zone is not None
        return zone + (_DAY - self.day_ends)

    def business_day(self, at: datetime) -> date:
        """The business day of an instant."""
        return (at.astimezone(UTC) + self.offset).date()

    def begins(self, day: date) -> datetime:
        """The instant at which a business day begins."""
        return datetime.combine(day, time.min, UTC) - self.offset

    @property
    def headings(self) -> frozenset[str]:
        """Every heading that a file must have."""
        named = {*self.at, self.day, self.kind, self.reference, self.refund, *self.sums.values()}
        return frozenset(named - {""})


@dataclass(frozen=True, slots=True)
class Days:
    """Business days, from the first to the last, that a file is about."""

    first: date
    last: date

    @classmethod
    def said(cls, first: date | None, last: date | None = None) -> Days | None:
        """As people say them: one day is enough; None where they said nothing."""
        begins, ends = first or last, last or first
        return Days(begins, ends) if begins and ends else None

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        one = self.first.isoformat()
        return one if self.first == self.last else f"{one} – {self.last.isoformat()}"


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong with a line (0: the file); `text` may name `{column}`, `{said}`, `{found}`."""

    line: int
    text: str
    column: str = ""
    said: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A line of a file, by its number there. `day` is the channel's business day."""

    line: int
    kind: LineKind
    reference: str
    at: datetime
    day: date
    order: int | None
    discount: int | None
    paid: int | None
