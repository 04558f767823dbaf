"""Applications at the desk: the riskiest first, and many harmless ones passed after a sample."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from tests.conftest import NOON
from tests.make import World
from tests.services.car_applicants import named, new_car, submitted
from tests.services.sold import Street
from tests.services.weighed import weigh
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.ids import ResidentId
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.applications.model import ApplicationId, ApplicationStatus
from voucher_service.tradein.review import service
from voucher_service.tradein.review.model import BatchStatus, NothingToPass, SampleOpen

YANGXI, YANGDONG, YANGCHUN = "441721", "441704", "441781"


@pytest.fixture(scope="module")
def autumn(core: Core) -> World:
    """A city in September 2026, when the policies of that year are in force."""
    rules = {"tolerated_bps": 2_500, "confidence_bps": 8_000}
    return Street(with_clock(core, Clock(NOON))).with_rules(**rules).world


def handed_in(world: World, area: str, weight: int | None = 0, **given: object) -> ApplicationId:
    """An application of a division in which risk found so much; None: it has not looked."""
    _, found = submitted(world.core, world.resident(), area=area, **given)  # type: ignore[arg-type]
    if weight is not None:
        weigh(world.core, "application", {found.id: weight})
    return found.id


def status(world: World, reviewer: Actor, id: UUID) -> ApplicationStatus:
    found = applications.read(world.core, actor=reviewer, application=ApplicationId(id))
    return found.application.status


def test_the_riskiest_is_looked_at_first_then_who_waits_longest(autumn: World) -> None:
    reviewer = autumn.staff(Role.REVIEWER, area=YANGXI)
    ids = [handed_in(autumn, YANGXI, weight) for weight in (0, 70, 20, 70)]
    first = service.car_queue(autumn.core, actor=reviewer, cursor=None, limit=3)
    rest = service.car_queue(autumn.core, actor=reviewer, cursor=first.next, limit=3)
    assert [one.id for one in (*first.items, *rest.items)] == [ids[1], ids[3], ids[2], ids[0]]
    assert rest.next is None
    with pytest.raises(NotAllowed):
        service.car_queue(autumn.core, actor=autumn.planner, cursor=None, limit=3)


def test_harmless_ones_pass_together_once_the_sample_was_opened(autumn: World) -> None:
    reviewer = autumn.staff(Role.REVIEWER, area=YANGDONG)
    light = [handed_in(autumn, YANGDONG) for _ in range(8)]
    heavy = handed_in(autumn, YANGDONG, 50)
    unseen = handed_in(autumn, YANGDONG, None)
    doubtful = handed_in(autumn, YANGDONG, new=replace(new_car("", YANGDONG), vin="1" * 16 + "2"))
    made = service.make_car_batch(autumn.core, actor=reviewer)
    batch = service.batch(autumn.core, actor=reviewer, batch=made)
    assert {one.subject_id for one in batch.lines} == set(light)
    assert 0 < len(batch.sample) < 8
    with pytest.raises(NothingToPass):  # they are in a batch already, and the others need a look
        service.make_car_batch(autumn.core, actor=reviewer)
    with pytest.raises(SampleOpen):
        service.pass_car_batch(autumn.core, actor=reviewer, batch=made)
    bad = batch.sample[0].subject_id
    service.judge(autumn.core, actor=reviewer, batch=made, subject=bad, good=False, reason="假")
    while (batch := service.batch(autumn.core, actor=reviewer, batch=made)).left:
        one = next(line for line in batch.sample if line.good is None)
        service.judge(autumn.core, actor=reviewer, batch=made, subject=one.subject_id, good=True)
    gone = next(one.subject_id for one in batch.lines if one.good is None)
    applications.reject(
        autumn.core, actor=reviewer, application=ApplicationId(gone), reason="撞了车"
    )
    assert service.pass_car_batch(autumn.core, actor=reviewer, batch=made) == {}
    passed = {one for one in light if status(autumn, reviewer, one) == "prechecked"}
    assert passed == set(light) - {bad, gone}
    assert {status(autumn, reviewer, one) for one in (heavy, unseen, doubtful)} == {"submitted"}
    done = service.batch(autumn.core, actor=reviewer, batch=made)
    assert done.status is BatchStatus.DONE


def test_nobody_puts_their_own_into_a_batch(autumn: World) -> None:
    owner = autumn.resident()
    _, own = submitted(autumn.core, owner, area=YANGCHUN)
    weigh(autumn.core, "application", {own.id: 0})
    others = {handed_in(autumn, YANGCHUN) for _ in range(2)}
    assert owner.id is not None
    with autumn.core.transaction() as session:
        name = identity.name_of(session, keyring=autumn.core.keyring, resident=ResidentId(owner.id))
    assert name is not None
    namesake = replace(named(autumn, name, Role.REVIEWER), area=YANGCHUN)
    made = service.make_car_batch(autumn.core, actor=namesake)
    batch = service.batch(autumn.core, actor=namesake, batch=made)
    assert {one.subject_id for one in batch.lines} == others
