"""The rise of July 2024 over decisions already made, against sums worked out from the rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from tests.tradein.rise import BEFORE_RISE, RISE, owed, year
from voucher_service.tradein import shelf
from voucher_service.tradein.quote import quote
from voucher_service.tradein.revision import Decision, revise


@pytest.fixture(scope="module")
def made() -> Sequence[tuple[Decision, date]]:
    return year()


def test_every_decision_is_computed_again_by_the_version_it_was_made_under(
    made: Sequence[tuple[Decision, date]],
) -> None:
    for one, made_on in made:
        again = quote(shelf.shelf(), one.case, known_on=made_on)
        assert again.policy
        assert (again.subsidy, again.policy.id) == (one.subsidy, one.policy_id)


@pytest.mark.parametrize("raised", [True, False], ids=["raised", "taken back"])
def test_the_rise_lists_each_decision_that_changes_and_their_sum(
    made: Sequence[tuple[Decision, date]], raised: bool
) -> None:
    decisions = [one for one, _ in made]
    expected = [
        (one.id, owed(one.case, raised=raised) - one.subsidy.fen)
        for one in decisions
        if owed(one.case, raised=raised) != one.subsidy.fen
    ]
    known_on = None if raised else BEFORE_RISE
    revision = revise(decisions, shelf.shelf(), known_on=known_on)

    assert len(expected) > 50
    assert [(one.decision.id, one.change.fen) for one in revision.differences] == expected
    version = "car_scrap-2024-07" if raised else "car_scrap-2024-04"
    assert {one.policy_id for one in revision.differences} == {version}
    assert revision.change.fen == sum(fen for _, fen in expected)
    assert revision.before.fen == sum(one.subsidy.fen for one in decisions)
    assert revision.after.fen == sum(owed(one.case, raised=raised) for one in decisions)
    assert revision.gained == sum(fen > 0 for _, fen in expected)
    assert revision.lost == sum(fen < 0 for _, fen in expected)


def test_the_rise_takes_from_nobody_and_pays_nobody_twice(
    made: Sequence[tuple[Decision, date]],
) -> None:
    decisions = [one for one, _ in made]
    revision = revise(decisions, shelf.shelf())
    assert revision.lost == 0
    late = {one.id for one, made_on in made if made_on >= RISE}
    assert late and not late & {one.decision.id for one in revision.differences}
    new = {one.decision.id: one for one in revision.differences}
    paid = [
        Decision(one.id, one.case, new[one.id].subsidy, "car_scrap-2024-07")
        if one.id in new
        else one
        for one in decisions
    ]
    assert revise(paid, shelf.shelf()).differences == ()
