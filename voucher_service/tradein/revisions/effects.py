"""What a draft of a policy would have cost, by what was bought, its price, place and energy. Pure.

No decision is kept, only counts and sums, so that a year's decisions pass through.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from enum import StrEnum
from typing import Any

from voucher_service.infra import areas
from voucher_service.kernel.money import Money

from ..policy import Case, Policy
from ..quote import under
from ..revision import Past

# Where a price band starts, in yuan; the first one starts at nothing. The edges are those at which
# policies change: tiers, ceilings and the prices at which a cap is reached.
BANDS_YUAN = (0, 1_000, 2_000, 4_000, 6_000, 10_000, 40_000, 70_000, 100_000, 150_000, 250_000)


class By(StrEnum):
    """What decisions are told apart by."""

    CATEGORY = "category"
    PRICE = "price"
    AREA = "area"
    ENERGY = "energy"


@dataclass(frozen=True, slots=True)
class Effect:
    """Some decisions: how many, what they cost before and after, how many get more and less."""

    decisions: int
    before: Money
    after: Money
    gained: int
    lost: int

    @property
    def change(self) -> Money:
        """What the draft costs more; negative when it saves."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Effects:
    """All decisions together, and told apart in several ways; each way adds up to all.

    Keys: a category, the yuan at which a price band starts, a division code or "", an energy.
    """

    total: Effect
    by: Mapping[By, Mapping[str, Effect]]


@dataclass(slots=True)
class _Sums:
    decisions: int = 0
    before_fen: int = 0
    after_fen: int = 0
    gained: int = 0
    lost: int = 0

    def add(self, before: Money, after: Money) -> None:
        self.decisions += 1
        self.before_fen += before.fen
        self.after_fen += after.fen
        self.gained += after > before
        self.lost += after < before

    def effect(self) -> Effect:
        before, after = Money(self.before_fen), Money(self.after_fen)
        return Effect(self.decisions, before, after, self.gained, self.lost)


@dataclass(slots=True)
class Tally:
    """Adds decisions up, one after the other. What is outside the draft's areas stays as it is."""

    draft: Policy
    _total: _Sums = field(default_factory=_Sums)
    _by: dict[By, dict[str, _Sums]] = field(default_factory=lambda: {one: {} for one in By})

    def add(self, past: Past) -> None:
        """Count one decision."""
        case, before = past.decision.case, past.decision.subsidy
        after = under(self.draft, case).subsidy if self._covers(case) else before
        self._total.add(before, after)
        for by, key in _keys(case, past.area):
            self._by[by].setdefault(key, _Sums()).add(before, after)

    @property
    def sums(self) -> dict[str, Any]:
        """What was added up so far, to go on from later: `Tally.of`."""
        by = {way: {key: astuple(one) for key, one in of.items()} for way, of in self._by.items()}
        return {"total": astuple(self._total), "by": by}

    @classmethod
    def of(cls, draft: Policy, sums: Mapping[str, Any] | None) -> Tally:
        """A tally that goes on from such sums; a new one without."""
        if not sums:
            return cls(draft)
        found = {By(way): of for way, of in sums["by"].items()}
        by = {way: {key: _Sums(*one) for key, one in found[way].items()} for way in By}
        return cls(draft, _Sums(*sums["total"]), by)

    def effects(self) -> Effects:
        """The sums so far; each way in the order of its keys, price bands by price."""
        return Effects(
            self._total.effect(),
            {
                by: {key: found[key].effect() for key in sorted(found, key=_ordered)}
                for by, found in self._by.items()
                if found
            },
        )

    def _covers(self, case: Case) -> bool:
        inside = any(areas.within(case.area, one) for one in self.draft.areas)
        return not self.draft.areas or inside


def band(price: Money) -> int:
    """The yuan at which a price's band starts."""
    return BANDS_YUAN[bisect_right(BANDS_YUAN, price.fen // 100) - 1]


def _keys(case: Case, area: str) -> list[tuple[By, str]]:
    keys = [
        (By.CATEGORY, str(case.category)),
        (By.PRICE, str(band(case.price))),
        (By.AREA, area[:6]),
    ]
    return keys if case.new is None else [*keys, (By.ENERGY, str(case.new.energy))]


def _ordered(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdigit() else (0, key)
