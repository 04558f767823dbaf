"""Netting, and who bears a payment: never more than there is, exact to the fen."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.budgets.model import borne
from voucher_service.kernel.ids import BudgetLineId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.settlement.model import net, split_over

FEN = st.integers(0, 10**9)


@given(FEN, st.integers(-(10**9), 10**9))
def test_a_line_deducts_at_most_what_is_due_and_owed(due: int, owed: int) -> None:
    off = net(Money(due), Money(owed))
    assert ZERO <= off <= Money(due) and off <= max(ZERO, Money(owed))


@given(st.lists(FEN, min_size=1, max_size=5), st.data())
def test_parts_taken_one_after_the_other_end_exactly(
    wanted: list[int], data: st.DataObject
) -> None:
    lines = {BudgetLineId(UUID(int=place)): Money(fen) for place, fen in enumerate(wanted)}
    left = dict(lines)
    while total := Money.total(left.values()):
        part = Money(data.draw(st.integers(max(1, total.fen // 3), total.fen)))
        taken = split_over(part, left)
        assert Money.total(taken.values()) == part
        left = {line: left[line] - taken[line] for line in left}
        assert min(left.values()) >= ZERO


def test_more_than_is_left_to_bear_is_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        split_over(Money(2), {BudgetLineId(UUID(int=1)): Money(1)})


@given(st.lists(st.tuples(FEN, FEN), min_size=1, max_size=5))
def test_what_one_line_lacks_the_others_bear(pairs: list[tuple[int, int]]) -> None:
    wanted = [Money(one) for one, _ in pairs]
    amount = Money.total(wanted)
    committed = [Money(two) for _, two in pairs]
    committed[0] += max(ZERO, amount - Money.total(committed))
    parts = borne(amount, committed, wanted)
    assert Money.total(parts) == amount
    assert all(ZERO <= part <= has for part, has in zip(parts, committed, strict=True))
