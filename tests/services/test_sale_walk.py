"""Random walks with qualifications at the till against a model in memory: whatever the order of
freezes, commits, cancels, lapses, reversals and refunds, all of it agrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.make import World
from tests.tradein.counter import Counter, known_goods, unit
from tests.tradein.town import MONDAY, Town, open_town
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Redemption
from voucher_service.redemption.refunds import UnitCameBack
from voucher_service.tradein.qualifications import Qualification
from voucher_service.tradein.sales.model import (
    QualificationFrozen,
    QualificationUsed,
    UnitSoldBefore,
)

STEPS = settings(
    max_examples=3,
    stateful_step_count=15,
    phases=[Phase.generate],  # shrinking would take longer than reading the steps
)
PRICE, RATE = 300_000, 15


@dataclass
class Mine:
    """A qualification as the model sees it: its order, its unit, and the price that is kept."""

    qualification: Qualification
    standing: str = "claimed"
    order: Redemption | None = None
    unit: int = 0
    kept: int = 0

    @property
    def subsidy(self) -> int:
        return self.kept * RATE // 100


class Walk(RuleBasedStateMachine):
    """What tills do with three units and a few qualifications."""

    counter: ClassVar[Counter]

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(MONDAY)
        core = with_clock(self.counter.town.core, self.clock)
        self.here = Counter(Town(World(core)), self.counter.pool)
        self.start, self.units = self.here.money(), [unit() for _ in range(3)]
        self.all = [Mine(self.here.town.claim()) for _ in range(3)]

    def of(self, *standings: str) -> list[Mine]:
        return [one for one in self.all if one.standing in standings]

    @rule(which=st.integers(0, 2), unit=st.integers(0, 2), at_once=st.booleans())
    def show(self, which: int, unit: int, at_once: bool) -> None:
        mine, sold = self.all[which], {one.unit for one in self.of("frozen", "used")}
        deed = self.here.sell if at_once else self.here.freeze
        if mine.standing != "claimed":
            used = mine.standing == "used"
            with pytest.raises(QualificationUsed if used else QualificationFrozen):
                deed(mine.qualification, self.units[unit])
        elif unit in sold:
            with pytest.raises(UnitSoldBefore):
                deed(mine.qualification, self.units[unit])
        else:
            mine.order = deed(mine.qualification, self.units[unit])
            mine.standing, mine.unit, mine.kept = "used" if at_once else "frozen", unit, PRICE

    @precondition(lambda self: self.of("frozen"))
    @rule(end=st.sampled_from(["commit", "cancel", "reverse", "lapse"]), which=st.integers(0, 2))
    def end(self, end: str, which: int) -> None:
        frozen = self.of("frozen")
        mine = frozen[which % len(frozen)]
        assert mine.order is not None
        if end == "lapse":
            self.clock.set(self.here.town.world.now() + timedelta(minutes=3))
            assert redemption.lapse_due(self.here.town.core) == len(frozen)
            for one in frozen:
                one.standing = "claimed"
        elif end == "commit":
            self.here.commit(mine.order)
            mine.standing = "used"
        else:
            (self.here.cancel if end == "cancel" else self.here.reverse)(mine.order)
            mine.standing = "claimed"

    @precondition(lambda self: self.of("used"))
    @rule(which=st.integers(0, 2), fen=st.sampled_from([1, 99, 50_000, PRICE]))
    def give_back(self, which: int, fen: int) -> None:
        used = self.of("used")
        mine = used[which % len(used)]
        assert mine.order is not None
        if 0 < mine.kept - fen < PRICE // 2:
            with pytest.raises(UnitCameBack):  # the buyer keeps it, and nearly all of the money
                self.here.refund(mine.order, fen)
            return
        given = self.here.refund(mine.order, min(fen, mine.kept))
        before, mine.kept = mine.subsidy, mine.kept - min(fen, mine.kept)
        assert given.parts.subsidy.fen == before - mine.subsidy
        assert given.parts.cash.fen >= 0
        mine.standing = "used" if mine.kept else "claimed"

    @invariant()
    def the_qualifications_stand_as_they_should(self) -> None:
        for one in self.all:
            assert self.here.standing(one.qualification) == one.standing

    @invariant()
    def the_money_is_where_it_should_be(self) -> None:
        frozen = sum(one.subsidy for one in self.of("frozen"))
        used = sum(one.subsidy for one in self.of("used"))
        reserved, held, _ = self.here.money()
        assert held - self.start[1] == frozen
        assert self.start[0] - reserved == frozen + used

    def teardown(self) -> None:
        for one in self.of("frozen"):  # the next walk begins at the same instant
            assert one.order is not None
            self.here.cancel(one.order)
        self.here.clean()


@pytest.fixture
def counter(core: Core) -> Iterator[Counter]:
    """A counter with a pool that is large enough for all walks."""
    with pytest.MonkeyPatch.context() as patch:
        town = open_town(core, patch)
        known_goods(town)
        yield Counter(town, town.pool(release_quota=1_000))


def test_any_order_of_ends_leaves_sale_unit_qualification_and_money_agreeing(
    counter: Counter,
) -> None:
    Walk.counter = counter
    run_state_machine_as_test(Walk, settings=STEPS)
