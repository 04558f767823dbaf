"""A person is forgotten when nothing ties the house to them, by two people, and the books hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.faces.admin_desk import Desk
from tests.make import World
from tests.people import newcomer
from tests.proof.test_log import sealed, verify
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import SamePerson
from voucher_service.forgetting import service as forgetting
from voucher_service.forgetting.model import LimitRuns, RightsLeft
from voucher_service.identity import service as identity
from voucher_service.identity.model import ResidentBlocked, ResidentStatus
from voucher_service.infra.core import with_clock
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.proof import service as proof
from voucher_service.reports import verification
from voucher_service.vouchers.refusals import ClaimRefusalRow

NOTE = "窗口 3 号，本人到场"


def test_a_person_is_forgotten_and_the_log_still_holds(world: World, tmp_path: Path) -> None:
    person = newcomer()
    (id,) = identity.register_synthetic(world.core, people=[person], now=world.now())
    resident, reviewer = Actor(ActorKind.RESIDENT, id), world.staff(Role.REVIEWER)
    offer = world.offer()
    voucher = world.claim(offer, resident)
    with pytest.raises(NotAllowed):
        forgetting.propose(world.core, actor=world.planner, resident=id, note=NOTE)
    with pytest.raises(RightsLeft):
        forgetting.propose(world.core, actor=reviewer, resident=id, note=NOTE)
    world.redeem(voucher)
    with pytest.raises(LimitRuns):
        forgetting.propose(world.core, actor=reviewer, resident=id, note=NOTE)
    with world.core.transaction() as session:
        told = {"offer_id": offer.id, "resident_id": id, "code": "sold_out"}
        session.add(ClaimRefusalRow(**told, occurred_at=world.now()))
    later = World(with_clock(world.core, Clock(world.now() + timedelta(days=800))))
    reason = {"resident": id, "reason": "查一查"}
    identity.block_resident(later.core, actor=reviewer, **reason)
    with pytest.raises(IllegalTransition):
        forgetting.propose(later.core, actor=reviewer, resident=id, note=NOTE)
    identity.unblock_resident(later.core, actor=reviewer, **reason)
    made = forgetting.propose(later.core, actor=reviewer, resident=id, note=NOTE)
    with pytest.raises(SamePerson):
        approvals.approve(later.core, actor=reviewer, approval=made)
    page = Desk(later).browser(later.approver).get(f"/approvals/{made}")
    assert page.status_code == 200
    assert NOTE in page.text
    later.approve(made)
    with later.core.transaction() as session:
        left = identity.load(session, resident=id)
        assert (left.status, left.display_name, left.area) == (ResidentStatus.FORGOTTEN, "", None)
        assert identity.mobile_of(session, keyring=later.core.keyring, resident=id) is None
        assert session.query(ClaimRefusalRow).filter_by(resident_id=id).count() == 0
        with pytest.raises(ResidentBlocked):
            identity.require_verified(session, resident=id)
    assert identity.resident_actor(later.core, id, issued_at=world.now()) is None
    # The books and the log hold, and nobody finds the person in either.
    sealed(later.core)
    assert proof.differences(later.core, most=20) == []
    assert verification.verify(later.core).breaches == ()
    proof.export(later.core, folder=tmp_path / "log")
    assert verify(tmp_path / "log")[0] == 0
    with later.core.transaction() as session:
        salt = text("SELECT salt FROM log_salt WHERE about = :about")
        assert session.execute(salt, {"about": f"resident:{id}"}).scalar_one() is None
    # The same person may come again, as somebody new.
    again = identity.register_synthetic(later.core, people=[person], now=later.now())
    assert again != [ResidentId(id)]
    assert len(again) == 1
