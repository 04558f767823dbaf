"""A draft tried at the desk: computed by a job in parts, and refused in two languages."""

from __future__ import annotations

import pytest

from tests.make import JIANGCHENG, World
from tests.tradein import past
from tests.tradein.rise import year
from tests.tradein.test_revisions import RAISED, TODAY
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.data_files import DataFileInvalid
from voucher_service.jobs import runtime, trying
from voucher_service.jobs.upkeep import forget
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.settings import CONFIG
from voucher_service.tradein import file_words, shelf
from voucher_service.tradein.revisions import service

DRAFT = (CONFIG / "policies" / f"{RAISED}.toml").read_text("utf-8")
FIRST, LAST = year()[0][0].case.on.replace(month=1, day=1), TODAY.date()


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    made = World(with_clock(core, Clock(TODAY)))
    past.approve_long_ago(made, year()[:40])
    return made


def test_a_trial_in_parts_comes_to_what_the_command_says(
    city: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, planner = city.core, city.planner
    made = service.begin_trial(core, actor=planner, text=DRAFT, first=FIRST, last=LAST)
    assert service.compute_trial(core, trial=made, most=7)
    part = service.trial(core, actor=planner, trial=made)
    assert (part.seen, part.done) == (7, False)
    assert part.looked_back_to is not None
    monkeypatch.setattr(trying, "_SECONDS", 60.0)
    runtime.do(core, f"try_policy:{made}")
    whole = service.trial(core, actor=planner, trial=made)
    at_once = service.what_if(
        core, draft=shelf.parse("draft", DRAFT.encode()), first=FIRST, last=LAST
    )
    assert whole.done
    assert whole.effects == at_once
    assert whole.effects.total.decisions > 7
    assert not service.compute_trial(core, trial=made)
    with pytest.raises(NoSuchThing):
        service.trial(core, actor=city.staff(Role.PLANNER, area=JIANGCHENG), trial=made)


def test_a_trial_that_stopped_is_wanted_again_and_gone_after_a_day(city: World) -> None:
    made = service.begin_trial(city.core, actor=city.planner, text=DRAFT, first=FIRST, last=LAST)
    key = f"try_policy:{made}"
    with city.core.transaction() as session:
        assert key not in service.stopped_trials(session)  # its job is still due
    while service.compute_trial(city.core, trial=made):
        pass
    later = with_clock(city.core, Clock(TODAY.replace(day=3)))
    while forget(later):
        pass
    with pytest.raises(NoSuchThing):
        service.trial(city.core, actor=city.planner, trial=made)
    runtime.do(city.core, key)  # a job whose trial is gone does nothing


@pytest.mark.parametrize(
    ("wrong", "zh", "en"),
    [
        (("flat_fen", "flat"), "要写其中一项", "one of flat_fen"),
        (("scheme", "schema"), "缺了，要写一行文字", "is missing; a text of one line is needed"),
        (("[events]", "[events"), "不是 TOML 的写法", "this is no TOML"),
        (("published_on = ", "published_on = 7 # "), "要写日期", "a date (2023-05-01) is needed"),
    ],
)
def test_what_is_wrong_in_a_draft_is_said_in_both_languages(
    city: World, wrong: tuple[str, str], zh: str, en: str
) -> None:
    with pytest.raises(DataFileInvalid) as refused:
        service.begin_trial(
            city.core,
            actor=city.planner,
            text=DRAFT.replace(*wrong),
            first=FIRST,
            last=LAST,
        )
    assert zh in file_words.sentence(refused.value, "zh-CN")
    assert en in file_words.sentence(refused.value, "en")
