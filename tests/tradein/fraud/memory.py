"""The index of neighbours in memory, for a hundred thousand purchases in a minute."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from voucher_service.tradein.risk.facts import Facts
from voucher_service.tradein.risk.likeness import FAR_BITS, apart
from voucher_service.tradein.risk.ties import MOST_NEAR, Key, Near, Tie, kept, sought


class Memory:
    """As PostgreSQL answers: of each key the latest, without what was undone."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Tie, str], dict[UUID, int | None]] = defaultdict(dict)
        self._facts: dict[UUID, Facts] = {}

    def put(self, subjects: Sequence[Facts]) -> None:
        """Keep subjects under their keys."""
        for one in subjects:
            self._facts[one.id] = one
            for key in kept(one):
                self._kept[key.tie, key.key][one.id] = key.likeness

    def undo(self, id: UUID) -> None:
        """It does not stand any more."""
        del self._facts[id]

    def near(self, subjects: Sequence[Facts]) -> Mapping[UUID, Near]:
        """The neighbours of each."""
        return {one.id: self._near(one) for one in subjects}

    def _near(self, facts: Facts) -> Near:
        by: dict[Tie, dict[UUID, Facts]] = defaultdict(dict)
        for key in sought(facts):
            there = self._kept.get((key.tie, key.key))
            if there:
                self._meet(by[key.tie], facts, key, there)
        return Near({tie: tuple(met[id] for id in sorted(met)) for tie, met in by.items() if met})

    def _meet(
        self, met: dict[UUID, Facts], facts: Facts, key: Key, there: dict[UUID, int | None]
    ) -> None:
        count = 0
        for id in reversed(there):
            theirs = there[id]
            far = (
                key.likeness is not None
                and theirs is not None
                and (apart(key.likeness, theirs) > FAR_BITS)
            )
            if id == facts.id or far or id not in self._facts:
                continue
            met[id] = self._facts[id]
            count += 1
            if count == MOST_NEAR:
                return
