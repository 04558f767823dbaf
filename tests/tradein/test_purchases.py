"""What a policy says of units and old cars: one in all, or none needed as in Yangjiang in 2023."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from tests.conftest import NOON
from tests.make import World
from tests.services.applicants import photo
from tests.services.car_applicants import CARD, new_car, old_car, submitted
from tests.services.car_pools import plan, published
from voucher_service.identity import service as identity
from voucher_service.infra import files
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import SHANGHAI, Clock
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.money import Money
from voucher_service.tradein import shelf
from voucher_service.tradein.applications import service
from voucher_service.tradein.applications.model import (
    EVIDENCE,
    ApplicationStatus,
    Card,
    EvidenceKind,
)
from voucher_service.tradein.applications.refusals import UnitsTaken
from voucher_service.tradein.applications.service import judging
from voucher_service.tradein.policy import Scheme
from voucher_service.tradein.quote import Step

PURCHASE = Scheme.CAR_PURCHASE


@pytest.fixture(scope="module")
def world(core: Core) -> World:
    return World(with_clock(core, Clock(datetime(2023, 6, 18, 12, tzinfo=SHANGHAI))))


def test_a_buyer_hands_in_four_papers_and_is_approved_without_an_old_car(world: World) -> None:
    published(world, plan("car_purchase-2023-yangjiang"))
    buyer = world.resident()
    assert buyer.id is not None
    with world.core.transaction() as session:
        resident = ResidentId(buyer.id)
        name = identity.name_of(session, keyring=world.core.keyring, resident=resident) or ""
    bought = replace(
        new_car(name),
        price=Money.of_yuan(139_800),
        invoiced_on=date(2023, 6, 8),
        registered_on=date(2023, 6, 10),
        listed=False,
    )
    content = files.clean(photo(), most_bytes=1_000_000)
    filled = service.fill_in(
        world.core,
        actor=buyer,
        scheme=PURCHASE,
        car=bought,
        old_car=None,
        card=Card(name, CARD, "农业银行阳江分行"),
        papers=dict.fromkeys(EVIDENCE[PURCHASE], content),
    )
    assert filled.missing == ()
    assert len(filled.evidence) == 4
    assert EvidenceKind.RECYCLING not in filled.wanted
    with pytest.raises(NoSuchThing):
        service.save_old_car(
            world.core, actor=buyer, application=filled.id, car=old_car(name, PURCHASE)
        )
    judged = service.preview(world.core, actor=buyer, application=filled.id)
    assert judged
    assert judged.quote.subsidy == Money.of_yuan(3_000)
    assert judged.quote.lines[-1].step is Step.NOT_PUBLISHED

    service.submit(world.core, actor=buyer, application=filled.id)
    reviewer = world.staff(Role.REVIEWER)
    read = service.read(world.core, actor=reviewer, application=filled.id)
    assert read.application.given_up is None
    world.approve(service.precheck(world.core, actor=reviewer, application=filled.id))
    done = service.get(world.core, actor=buyer, application=filled.id)
    assert (done.status, done.subsidy) == (ApplicationStatus.APPROVED, Money.of_yuan(3_000))


def test_where_a_policy_counts_both_schemes_as_one_a_car_in_the_other_waits_too(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = [
        replace(one, counts_with=frozenset({Scheme.CAR_SCRAP}))
        if one.scheme is Scheme.CAR_REPLACE
        else one
        for one in shelf.shelf()
    ]
    monkeypatch.setattr(judging, "shelf", lambda: policies)
    autumn = World(with_clock(core, Clock(NOON)))
    who, _ = submitted(autumn.core, autumn.resident())
    with pytest.raises(UnitsTaken):
        submitted(autumn.core, who.actor, Scheme.CAR_REPLACE)
