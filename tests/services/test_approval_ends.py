"""How a proposal ends: executed once, sent back, withdrawn, lapsed; and what is never executed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.make import World
from tests.services.test_approvals import submitted
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import AlreadyDecided, PayloadChanged, Status
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignStatus
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.embedded.servers import Servers
from voucher_service.infra.idempotency import KeyReused
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import ApprovalId, CampaignId
from voucher_service.reports import verification

AsOwner = Callable[[str, ApprovalId], None]


@pytest.fixture
def as_owner(servers: Servers, database_url: str) -> Iterator[AsOwner]:
    """What somebody with the owner's password can do to a proposal."""
    engine = create_engine(
        make_url(servers.owner_url).set(database=make_url(database_url).database)
    )

    def change(statement: str, proposal: ApprovalId) -> None:
        with engine.begin() as connection:
            connection.execute(text(f"{statement} WHERE id = :id"), {"id": proposal})

    yield change
    engine.dispose()


def status_of(world: World, campaign: CampaignId) -> CampaignStatus:
    return campaigns.campaign(world.core, actor=world.planner, campaign=campaign)[0].status


def events(core: Core, proposal: ApprovalId) -> list[str]:
    with core.transaction() as session:
        found = session.execute(
            text("SELECT action FROM audit.event WHERE object_id = :id ORDER BY id"),
            {"id": str(proposal)},
        )
        return list(found.scalars())


def test_an_execution_that_fails_leaves_nothing_behind(
    world: World, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, proposal = submitted(world)
    publish, refuse = approvals._EXECUTORS["campaign.publish"]

    def breaks(*args: object) -> None:
        publish(*args)
        raise ZeroDivisionError

    monkeypatch.setitem(approvals._EXECUTORS, "campaign.publish", (breaks, refuse))
    with pytest.raises(ZeroDivisionError):
        approvals.approve(core, actor=world.approver, approval=proposal)
    monkeypatch.undo()
    found = approvals.get(core, actor=world.approver, approval=proposal)
    assert (found.status, found.signatures) == (Status.WAITING, ())
    assert status_of(world, campaign) is CampaignStatus.SUBMITTED
    assert events(core, proposal) == ["approval.proposed"]
    signed = approvals.approve(core, actor=world.approver, approval=proposal)
    assert signed.status is Status.EXECUTED


def test_the_same_key_again_is_the_same_answer_and_one_signature(world: World, core: Core) -> None:
    _, proposal = submitted(world)
    first = approvals.approve(core, actor=world.approver, approval=proposal, key="once")
    again = approvals.approve(core, actor=world.approver, approval=proposal, key="once")
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.status, again.signatures) == (Status.EXECUTED, first.signatures)
    with pytest.raises(AlreadyDecided):
        approvals.approve(core, actor=world.approver, approval=proposal, key="twice")
    _, other = submitted(world)
    with pytest.raises(KeyReused):
        approvals.approve(core, actor=world.approver, approval=other, key="once")


def test_sending_back_again_with_the_same_key_changes_nothing(world: World, core: Core) -> None:
    _, proposal = submitted(world)
    key = uuid4().hex
    for _ in range(2):
        sent = approvals.reject(
            core, actor=world.approver, approval=proposal, reason="面额太高", key=key
        )
        assert (sent.status, sent.reason) == (Status.REJECTED, "面额太高")
    assert events(core, proposal) == ["approval.proposed", "approval.rejected"]


def test_a_proposal_nobody_decides_lapses_and_the_plan_is_a_draft_again(
    world: World, core: Core
) -> None:
    campaign, proposal = submitted(world)
    day = timedelta(days=1)
    then = with_clock(core, Clock(world.now() + 14 * day))
    with pytest.raises(AlreadyDecided):
        approvals.approve(then, actor=world.approver, approval=proposal)
    assert approvals.lapse_due(with_clock(core, Clock(world.now() + 13 * day))) == 0
    assert approvals.lapse_due(then) > 0
    found = approvals.get(core, actor=world.approver, approval=proposal)
    assert (found.status, found.reason) == (Status.LAPSED, None)
    assert status_of(world, campaign) is CampaignStatus.DRAFT
    assert events(core, proposal) == ["approval.proposed", "approval.lapsed"]
    assert approvals.lapse_due(then) == 0


def test_a_replay_of_years_ago_is_not_swept_away(
    world: World, core: Core, as_owner: AsOwner
) -> None:
    _, proposal = submitted(world)
    as_owner("UPDATE approval SET expires_at = now() - interval '3 years'", proposal)
    approvals.lapse_due(core)
    found = approvals.get(core, actor=world.approver, approval=proposal)
    assert found.status is Status.WAITING


@pytest.mark.parametrize(
    "change",
    [
        "payload = '{}'",
        "payload_sha256 = repeat('0', 64)",
        "amount_fen = 1",
        "authors = '{}'",
        "maker_id = gen_random_uuid()",
        "expires_at = now() + interval '9 years'",
    ],
)
def test_the_application_cannot_rewrite_what_was_frozen(
    world: World, core: Core, change: str
) -> None:
    _, proposal = submitted(world)
    with pytest.raises(DBAPIError, match="permission denied"), core.transaction() as session:
        session.execute(text(f"UPDATE approval SET {change} WHERE id = :id"), {"id": proposal})


def test_a_payload_that_the_owner_changed_is_not_executed_and_is_named(
    world: World, core: Core, as_owner: AsOwner
) -> None:
    campaign, proposal = submitted(world)
    as_owner(
        "UPDATE approval SET payload = jsonb_set(payload, '{offers,0,face_value_fen}', '9900')",
        proposal,
    )
    with pytest.raises(PayloadChanged):
        approvals.approve(core, actor=world.approver, approval=proposal)
    assert status_of(world, campaign) is CampaignStatus.SUBMITTED
    named = [one for one in verification.verify(core).breaches if str(proposal) in one.detail]
    assert [one.invariant.split()[0] for one in named] == ["A5"]


@pytest.mark.parametrize(
    "change", ["signatures_needed = 1", "amount_fen = 1", "payload_sha256 = repeat('0', 64)"]
)
def test_a_proposal_that_is_not_what_was_recorded_is_named(
    world: World, core: Core, as_owner: AsOwner, change: str
) -> None:
    draft, plan = world.draft(), world.plan(quota=30_000)
    campaigns.create_offer(core, actor=world.planner, campaign=draft.id, plan=plan)
    world.line(draft.id, plan.face_value * plan.quota)
    proposal = campaigns.submit(core, actor=world.planner, campaign=draft.id)
    as_owner(f"UPDATE approval SET {change}", proposal)
    named = {
        one.invariant.split()[0]
        for one in verification.verify(core).breaches
        if str(proposal) in one.detail
    }
    assert "A6" in named
