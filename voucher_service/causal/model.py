"""What an estimate is, which designs there are, and when nothing may be said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Two-sided, of every interval that is printed.
CONFIDENCE = 0.95
# An effect this large (yuan of spending per redeemed yuan) must be told from nothing in 80 of 100
# repetitions; a sample that is too small for it is refused, whatever it happens to show.
WORTH_DETECTING = 3.0
POWER = 0.80


class Design(StrEnum):
    """With what the spending of voucher holders is compared."""

    LOTTERY = "lottery"
    CUTOFF = "cutoff"
    BUNCHING = "bunching"
    AREAS = "areas"


class Window(StrEnum):
    """Over which weeks spending is summed: while vouchers are valid, or the weeks after as well."""

    DURING = "during"
    WITH_AFTER = "with_after"


class Counted(StrEnum):
    """Of what there were too few."""

    ENTRANTS = "entrants"
    SHOPS = "shops"
    AREAS = "areas"


class Verdict(StrEnum):
    """What came of asking for an estimate."""

    ESTIMATED = "estimated"
    TOO_SMALL = "too_small"
    NO_FIRST_STAGE = "no_first_stage"


class CheckName(StrEnum):
    """What is looked at beside the estimate."""

    BALANCE = "balance"
    COVERAGE = "coverage"
    TRIMMED = "trimmed"
    EARLIER_TREND = "earlier_trend"
    OTHER_WINDOW = "other_window"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its figure, and whether it stands; None where the figure is only to be read.

    The figure is a probability for balance, coverage and trend (below 0.01 does not stand), else in
    yuan per redeemed yuan.
    """

    name: CheckName
    figure: float
    stands: bool | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the ends of its interval."""

    point: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Found:
    """An estimate. `effect`: extra yuan of spending per redeemed yuan.

    `offered` is the effect on everybody who was offered a voucher, in yuan a person (orders: None),
    `redeemed` how many yuan more they redeemed than those compared with. `treated` and `control`
    count entrants, areas or shops.
    """

    effect: Interval
    offered: Interval | None
    redeemed: float
    treated: int
    control: int
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class TooSmall:
    """The sample can't tell an effect of `WORTH_DETECTING` from nothing; how many it would take."""

    have: int
    needed: int
    unit: Counted


@dataclass(frozen=True, slots=True)
class NoFirstStage:
    """Who was offered a voucher redeemed hardly more than the others: nothing to divide by."""

    redeemed: float


Answer = Found | TooSmall | NoFirstStage
