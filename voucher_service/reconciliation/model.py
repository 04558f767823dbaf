"""Two accounts of the same orders, side by side: ours, and the one of the shop's own till. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import Unprocessable
from voucher_service.kernel.ids import RedemptionId, ShopId
from voucher_service.kernel.money import ZERO, Money

MatchingId = NewType("MatchingId", UUID)
MatchingLineId = NewType("MatchingLineId", UUID)


class TillFileInvalid(Unprocessable):
    """A till's file can't be read; `extra["lines"]` says which lines are wrong, and how."""

    code = "till_file_invalid"


class Finding(StrEnum):
    """What became of a line that was looked for on the other side.

    `undone`: with us the order was cancelled, lapsed or reversed, or refused for good; the till
    counts it. `duplicate`: the till's file has the order twice. `date_shifted`: the same order with
    the same sums on another business day.
    """

    ONLY_OURS = "only_ours"
    ONLY_THEIRS = "only_theirs"
    UNDONE = "undone"
    AMOUNT_DIFFERS = "amount_differs"
    DUPLICATE = "duplicate"
    DATE_SHIFTED = "date_shifted"
    MATCHED = "matched"


FINDINGS: Mapping[Finding, str] = {
    Finding.ONLY_OURS: mark("平台有，收银没有"),
    Finding.ONLY_THEIRS: mark("收银有，平台没有"),
    Finding.UNDONE: mark("收银有，平台已撤销"),
    Finding.AMOUNT_DIFFERS: mark("金额不一样"),
    Finding.DUPLICATE: mark("收银文件里重复"),
    Finding.DATE_SHIFTED: mark("日期不一样"),
    Finding.MATCHED: mark("对上了"),
}


class Part(StrEnum):
    """A sum of an order that both sides may know."""

    ORDER = "order"
    DISCOUNT = "discount"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Ours:
    """A committed redemption; or one that came to nothing, whose sums are nought.

    `paid`: what the customer paid, after every discount.
    """

    id: RedemptionId
    reference: str
    at: datetime
    order: Money
    discount: Money
    paid: Money


@dataclass(frozen=True, slots=True)
class Theirs:
    """A line of the till's file, by its number there. What the file does not say is None; `at` is a
    business day where it says no hour.
    """

    line: int
    reference: str
    order: Money
    at: datetime | date | None = None
    discount: Money | None = None
    paid: Money | None = None

    @property
    def day(self) -> date | None:
        """The business day of the line."""
        return day_of(self.at) if isinstance(self.at, datetime) else self.at


@dataclass(frozen=True, slots=True)
class Pair:
    """A line with what was found for it on the other side, and the sums that differ."""

    finding: Finding
    ours: Ours | None
    theirs: Theirs | None
    differs: tuple[Part, ...] = ()

    @property
    def reference(self) -> str:
        """The order's reference."""
        side = self.ours or self.theirs
        assert side is not None
        return side.reference


def match(
    ours: Sequence[Ours],
    theirs: Sequence[Theirs],
    *,
    first: date,
    last: date,
    undone: Sequence[Ours] = (),
    tolerance: Money = ZERO,
) -> list[Pair]:
    """Each line of both sides exactly once: the till's in its order, then what only we have.

    Orders are the same when their references are. `ours` may reach beyond the days asked about
    (`first` to `last`): such a line counts when the till has it, and is not missed when it hasn't.
    What came to nothing, `undone`, is told apart when the till has it, and never missed. A sum
    differs when it is further apart than `tolerance`; one that the file leaves out does not.
    """
    by_reference = {one.reference: one for one in (*ours, *undone)}
    assert len(by_reference) == len(ours) + len(undone)  # a shop never uses a reference twice
    ended, seen = {one.reference for one in undone}, set[str]()
    pairs = []
    for line in theirs:
        found = by_reference.get(line.reference)
        if line.reference in seen:
            pairs.append(Pair(Finding.DUPLICATE, found, line))
        elif line.reference in ended:
            pairs.append(Pair(Finding.UNDONE, found, line))
        else:
            pairs.append(_pair(found, line, tolerance))
        seen.add(line.reference)
    missing = (one for one in ours if one.reference not in seen and first <= day_of(one.at) <= last)
    return pairs + [Pair(Finding.ONLY_OURS, one, None) for one in missing]


def _pair(ours: Ours | None, line: Theirs, tolerance: Money) -> Pair:
    if ours is None:
        return Pair(Finding.ONLY_THEIRS, None, line)
    differs = _differing(ours, line, tolerance)
    if differs:
        return Pair(Finding.AMOUNT_DIFFERS, ours, line, differs)
    if line.day is not None and line.day != day_of(ours.at):
        return Pair(Finding.DATE_SHIFTED, ours, line)
    return Pair(Finding.MATCHED, ours, line)


def _differing(ours: Ours, line: Theirs, tolerance: Money) -> tuple[Part, ...]:
    sums = {
        Part.ORDER: (ours.order, line.order),
        Part.DISCOUNT: (ours.discount, line.discount),
        Part.PAID: (ours.paid, line.paid),
    }
    return tuple(
        part
        for part, (here, there) in sums.items()
        if there is not None and abs(here.fen - there.fen) > tolerance.fen
    )


@dataclass(frozen=True, slots=True)
class Matching:
    """One comparison of a till's file with our books. `counts` has every finding."""

    id: MatchingId
    shop_id: ShopId
    file_name: str
    first: date
    last: date
    counts: Mapping[Finding, int]
    made_at: datetime

    @property
    def open(self) -> int:
        """How many lines did not match."""
        return sum(self.counts.values()) - self.counts[Finding.MATCHED]


@dataclass(frozen=True, slots=True)
class MatchingLine:
    """A pair as it was kept."""

    id: MatchingLineId
    pair: Pair
