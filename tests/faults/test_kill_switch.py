"""A slice of what `kill_switch` and `canary` beside it measure, on real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import canary, kill_switch
from tests.faults.streets import Streets, streets


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Streets]:
    """Faces and the schedule as processes of their own."""
    folder = tmp_path_factory.mktemp("streets")
    with streets(folder, residents=200, schedule=True) as found:
        yield found


@pytest.mark.parametrize("scope", ["campaign", "everything"])
def test_a_stop_is_obeyed_by_all_processes_within_two_seconds(city: Streets, scope: str) -> None:
    one = kill_switch.run(city, scope)
    assert one.before["claim"] > 0
    assert one.before["redeem"] > 0
    assert one.slowest < kill_switch.MOST_SECONDS, one
    assert set(one.refused) <= {"closed", "redemption_stopped"}


def test_a_wrong_template_gives_away_its_slice_at_most(city: Streets) -> None:
    given = canary.run(city, canary=True, seconds=20)
    assert given.stopped
    assert given.issued <= canary.QUOTA // 100
