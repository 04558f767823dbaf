"""Two persons to each decision: who may sign, who may send back, and what was frozen."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.make import World
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import (
    AlreadyDecided,
    AlreadyProposed,
    ChangedSinceProposed,
    SamePerson,
    Status,
)
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignStatus
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId, CampaignId


def submitted(world: World, *, area: str = "441700") -> tuple[CampaignId, ApprovalId]:
    """A campaign that waits for a second person."""
    draft, plan = world.draft(area=area), world.plan()
    campaigns.create_offer(world.core, actor=world.planner, campaign=draft.id, plan=plan)
    world.line(draft.id, plan.face_value * plan.quota)
    return draft.id, campaigns.submit(world.core, actor=world.planner, campaign=draft.id)


def test_who_proposes_never_approves(world: World, core: Core) -> None:
    _, proposal = submitted(world)
    both = Actor(world.planner.kind, world.planner.id, frozenset({Role.PLANNER, Role.APPROVER}))
    for who in (world.planner, both):
        with pytest.raises(SamePerson):
            approvals.approve(core, actor=who, approval=proposal)


def test_the_database_refuses_the_maker_as_signer_too(world: World, core: Core) -> None:
    _, proposal = submitted(world)
    with pytest.raises(IntegrityError, match="not_the_maker"), core.transaction() as session:
        session.execute(
            text(
                "INSERT INTO approval_signature"
                " (approval_id, staff_id, maker_id, payload_sha256, signed_at)"
                " SELECT id, maker_id, maker_id, payload_sha256, now()"
                " FROM approval WHERE id = :id"
            ),
            {"id": proposal},
        )


@pytest.mark.parametrize("role", [Role.PLANNER, Role.FINANCE, Role.AUDITOR, Role.REVIEWER])
def test_only_approvers_sign_or_send_back(world: World, core: Core, role: Role) -> None:
    _, proposal = submitted(world)
    other = world.staff(role)
    with pytest.raises(NotAllowed):
        approvals.approve(core, actor=other, approval=proposal)
    with pytest.raises(NotAllowed):
        approvals.reject(core, actor=other, approval=proposal, reason="no")


def test_a_county_approver_decides_within_the_county(world: World, core: Core) -> None:
    _, own = submitted(world, area="441702")
    _, foreign = submitted(world, area="441781")
    _, city = submitted(world)
    approver = world.staff(Role.APPROVER, area="441702")
    for proposal in (foreign, city):
        with pytest.raises(NoSuchThing):
            approvals.approve(core, actor=approver, approval=proposal)
    assert approvals.approve(core, actor=approver, approval=own).status is Status.EXECUTED


def test_staff_of_the_city_see_every_county(world: World, core: Core) -> None:
    _, proposal = submitted(world, area="441702")
    staff = world.staff(Role.APPROVER, area="441700")
    page = approvals.page(core, actor=staff, status=Status.WAITING, cursor=None, limit=200)
    assert proposal in {one.id for one in page.items}


def test_what_is_sent_back_is_a_draft_again_with_the_reason(world: World, core: Core) -> None:
    campaign, proposal = submitted(world)
    sent = approvals.reject(core, actor=world.approver, approval=proposal, reason="面额太高")
    assert (sent.status, sent.reason) == (Status.REJECTED, "面额太高")
    found, _, _ = campaigns.campaign(core, actor=world.planner, campaign=campaign)
    assert found.status is CampaignStatus.DRAFT
    latest = approvals.latest(core, actor=world.planner, about=campaign, status=Status.REJECTED)
    assert latest is not None
    assert latest.id == proposal


def test_the_maker_withdraws_it(world: World, core: Core) -> None:
    campaign, proposal = submitted(world)
    back = approvals.reject(core, actor=world.planner, approval=proposal, reason="改一下")
    assert back.status is Status.WITHDRAWN
    again = campaigns.submit(core, actor=world.planner, campaign=campaign)
    assert approvals.approve(core, actor=world.approver, approval=again).status is Status.EXECUTED


def test_a_decision_is_made_once(world: World, core: Core) -> None:
    _, proposal = submitted(world)
    approvals.approve(core, actor=world.approver, approval=proposal)
    with pytest.raises(AlreadyDecided):
        approvals.approve(core, actor=world.staff(Role.APPROVER), approval=proposal)


def test_one_proposal_of_a_kind_waits_at_a_time(world: World, core: Core) -> None:
    offer = world.offer()
    campaigns.close(core, actor=world.planner, campaign=offer.campaign_id)
    with pytest.raises(AlreadyProposed):
        campaigns.close(core, actor=world.planner, campaign=offer.campaign_id)


def test_what_changed_since_it_was_proposed_is_not_executed(world: World, core: Core) -> None:
    campaign, proposal = submitted(world)
    with core.transaction() as session:
        session.execute(
            text("UPDATE offer SET face_value_fen = 9900 WHERE campaign_id = :id"), {"id": campaign}
        )
    with pytest.raises(ChangedSinceProposed):
        approvals.approve(core, actor=world.approver, approval=proposal)
    assert approvals.get(core, actor=world.approver, approval=proposal).status is Status.WAITING
