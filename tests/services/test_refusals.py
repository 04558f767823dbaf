"""Who was refused at an opening is kept, as the control group of what vouchers cause."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from tests.make import World
from voucher_service.allocation.model import SoldOut
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Evidence
from voucher_service.vouchers import refusals
from voucher_service.vouchers import service as vouchers


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    return World(core)


def kept(core: Core, offer: Offer) -> list[tuple[object, ...]]:
    refusals.flush(core)
    with core.transaction() as session:
        found = session.execute(
            text(
                "SELECT resident_id, code, address_prefix, device_id, agent_hash"
                " FROM claim_refusal WHERE offer_id = :offer ORDER BY id"
            ),
            {"offer": offer.id},
        )
        return [tuple(row) for row in found]


def refused(city: World, opened: datetime, evidence: Evidence) -> tuple[Offer, Actor]:
    offer, (holder, late) = city.offer(city.plan(quota=1, opens_at=opened)), city.residents(2)
    city.claim(offer, holder)
    late = Actor(ActorKind.RESIDENT, late.id, evidence=evidence)
    with pytest.raises(SoldOut):
        vouchers.claim(city.core, actor=late, offer=offer.id, key="late")
    return offer, late


def test_a_refusal_of_the_first_ten_minutes_is_kept_with_its_reason(city: World) -> None:
    evidence = Evidence("203.0.113.0/24", 'odd "device" \\ of {9}', None)
    offer, late = refused(city, city.now() - timedelta(minutes=9), evidence)
    told = (late.id, "sold_out", evidence.address_prefix, evidence.device_id, None)
    assert kept(city.core, offer) == [told]


def test_a_later_refusal_is_no_part_of_the_control_group(city: World) -> None:
    offer, _ = refused(city, city.now() - timedelta(minutes=11), Evidence())
    assert kept(city.core, offer) == []
