"""How fine rollups are, which days of them are to be counted again, and how far a run is. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

DAYS_AT_ONCE = 16
"""So many days are counted in one statement at most; more are a full recount, in parts."""


class Basis(StrEnum):
    """Which day a figure belongs to: its own, or the day its voucher was claimed."""

    PERIOD = "period"
    COHORT = "cohort"


class Dimension(StrEnum):
    """By what figures are told apart. An offer leads to its campaign and to its funders."""

    OFFER = "offer"
    AREA = "area"
    TRADE = "trade"
    MERCHANT_SIZE = "merchant_size"
    HOUR = "hour"


class Side(StrEnum):
    """What a cell counts, and with it which of its days says when it is to be counted again:
    `claims` the day of the claim, the others their own day. Of `lapses` that is the last day of the
    vouchers' validity.
    """

    RELEASES = "releases"
    CLAIMS = "claims"
    LAPSES = "lapses"
    ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class Moved:
    """Days whose rows changed: of claims, by the day of the claim; of lapses, by the last day of
    validity; of orders, by their own day or that of their refund; of releases, by the day of the
    opening; of trade-in, by the day of the sale, of its refund or of an application's approval.
    """

    claims: frozenset[date] = frozenset()
    lapses: frozenset[date] = frozenset()
    orders: frozenset[date] = frozenset()
    releases: frozenset[date] = frozenset()
    sales: frozenset[date] = frozenset()

    @property
    def many(self) -> bool:
        """Whether counting everything is the cheaper way. What lapsed is read by itself, so that
        no number of such days makes it so.
        """
        return len(self.claims) + len(self.orders) > 2 * DAYS_AT_ONCE

    def __or__(self, other: Moved) -> Moved:
        both = (getattr(self, one) | getattr(other, one) for one in self.__slots__)
        return Moved(*both)


@dataclass(frozen=True, slots=True)
class Span:
    """Days, both ends within."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """Each of them."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def parts(self, most: int = DAYS_AT_ONCE) -> Iterator[Span]:
        """Spans of so many days at most that follow on each other."""
        first = self.first
        while first <= self.last:
            last = min(self.last, first + timedelta(days=most - 1))
            yield Span(first, last)
            first = last + timedelta(days=1)


def spans(days: Collection[date]) -> Iterator[Span]:
    """The days as few spans, none of them longer than is counted at once."""
    run: list[date] = []
    for day in sorted(days):
        if run and day != run[-1] + timedelta(days=1):
            yield from Span(run[0], run[-1]).parts()
            run = []
        run.append(day)
    if run:
        yield from Span(run[0], run[-1]).parts()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the figures of a programme are; `as_of` is None before the first run.

    While `parts` are not all done, a full recount is under way. `proved_at`: when one last was
    compared with what was counted day by day; of `proved_cells` cells `differing` said something
    else.
    """

    programme: str
    as_of: datetime | None
    done: int
    parts: int
    proved_at: datetime | None
    proved_cells: int | None
    differing: int | None

    @property
    def sentence(self) -> str:
        """The same in a line, for a person at a terminal."""
        said = [f"{self.programme}:"]
        said.append(f"as of {self.as_of.isoformat()}" if self.as_of else "never counted")
        if self.parts:
            said.append(f"recounting {self.done} of {self.parts} parts")
        if self.proved_at:
            verdict = f"{self.differing:,} differ" if self.differing else "none differs"
            said.append(
                f"recounted whole {self.proved_at.isoformat()}:"
                f" {self.proved_cells:,} cells, {verdict}"
            )
        return " ".join(said)


@dataclass(frozen=True, slots=True)
class WrongCell:
    """A figure that a full recount found wrong, and put right: what `stood` in a cell of a table,
    in fen or pieces, and what was counted `again`. The figure `rows` says how often the cell was
    there. `cell` names it by its columns; without `key` it is what belongs to none.
    """

    programme: str
    of_table: str
    cell: Mapping[str, str]
    figure: str
    stood: int
    again: int

    @property
    def sentence(self) -> str:
        """The same in a line, for a person at a terminal."""
        where = " ".join(self.cell.values())
        return (
            f"{self.programme}: {self.of_table} {where}:"
            f" {self.figure} was {self.stood:,}, is {self.again:,}"
        )
