"""Two people give the last signature of a proposal at the same instant: it is executed once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.make import World
from voucher_service.approvals import service as approvals
from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.money import ZERO, Money

ROUNDS = 200
COUNTED = "test.counted"


@pytest.fixture(autouse=True)
def _counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """An action whose execution leaves one event, so that executions can be counted."""

    def execute(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
        audit.record(
            session,
            actor=actor,
            action=COUNTED,
            object_type="test",
            object_id=payload["id"],
            now=now,
        )

    monkeypatch.setitem(approvals._EXECUTORS, COUNTED, (execute, execute))


def proposed(world: World, amount: Money = ZERO) -> tuple[UUID, ApprovalId]:
    id = uuid4()
    with world.core.transaction() as session:
        proposal = approvals.propose(
            session,
            action=COUNTED,
            object_type="test",
            object_id=id,
            area="441700",
            title="计数",
            payload={"id": str(id)},
            maker=world.planner,
            now=world.now(),
            amount=amount,
            group=str(id),
        )
    return id, proposal


def executions(core: Core, ids: list[UUID]) -> Counter[int]:
    """How many were executed how often."""
    with core.transaction() as session:
        rows = session.execute(
            text(
                "SELECT object_id, count(*) FROM audit.event"
                " WHERE object_type = 'test' AND action = :action GROUP BY object_id"
            ),
            {"action": COUNTED},
        ).all()
    found = {UUID(id): count for id, count in rows}
    return Counter(found.get(one, 0) for one in ids)


def test_two_last_signers_execute_a_proposal_once(world: World, core: Core) -> None:
    first, *last = (world.staff(Role.APPROVER) for _ in range(3))
    barrier = threading.Barrier(2)
    came: Counter[tuple[str, ...]] = Counter()

    def sign(signer: Actor, proposal: ApprovalId) -> str:
        barrier.wait(timeout=10)
        try:
            approvals.approve(core, actor=signer, approval=proposal)
        except DomainError as refusal:
            return refusal.code
        return "signed"

    ids = []
    with ThreadPoolExecutor(2) as both:
        for _ in range(ROUNDS):
            id, proposal = proposed(world, Money.of_yuan(600_000))
            approvals.approve(core, actor=first, approval=proposal)
            came[tuple(sorted(both.map(sign, last, [proposal, proposal])))] += 1
            ids.append(id)
    assert came == {("already_decided", "signed"): ROUNDS}
    assert executions(core, ids) == {1: ROUNDS}


def test_one_signer_with_one_key_from_two_windows_signs_once(world: World, core: Core) -> None:
    barrier = threading.Barrier(2)

    def sign(proposal: ApprovalId) -> bool:
        barrier.wait(timeout=10)
        return approvals.approve(
            core, actor=world.approver, approval=proposal, key=str(proposal)
        ).replayed

    ids = []
    with ThreadPoolExecutor(2) as both:
        for _ in range(ROUNDS // 4):
            id, proposal = proposed(world)
            assert sorted(both.map(sign, [proposal, proposal])) == [False, True]
            ids.append(id)
    assert executions(core, ids) == {1: ROUNDS // 4}


def test_a_signature_and_a_withdrawal_never_both_count(world: World, core: Core) -> None:
    barrier = threading.Barrier(2)

    def decide(act: int, proposal: ApprovalId) -> str:
        barrier.wait(timeout=10)
        try:
            if act:
                approvals.approve(core, actor=world.approver, approval=proposal)
            else:
                approvals.reject(core, actor=world.planner, approval=proposal, reason="不做了")
        except DomainError as refusal:
            return refusal.code
        return "done"

    ids = []
    with ThreadPoolExecutor(2) as both:
        for _ in range(ROUNDS // 4):
            id, proposal = proposed(world)
            came = sorted(both.map(decide, [0, 1], [proposal, proposal]))
            assert came == ["already_decided", "done"]
            ids.append(id)
    # Execution and refusal leave the same event here: exactly one of them happened.
    assert executions(core, ids) == {1: ROUNDS // 4}


def test_parts_proposed_at_once_are_judged_together(world: World, core: Core) -> None:
    """However two parts race each other, both end with the signatures of their sum."""
    barrier, area = threading.Barrier(2), "441700"

    def propose(group: str) -> ApprovalId:
        barrier.wait(timeout=10)
        with core.transaction() as session:
            return approvals.propose(
                session,
                action=COUNTED,
                object_type="test",
                object_id=uuid4(),
                area=area,
                title="一半",
                payload={"id": str(uuid4())},
                maker=world.planner,
                now=core.now(session),
                amount=Money.of_yuan(300_000),
                group=group,
            )

    with ThreadPoolExecutor(2) as both:
        for _ in range(ROUNDS // 4):
            group = uuid4().hex
            made = list(both.map(propose, [group, group]))
            needed = [
                approvals.get(core, actor=world.approver, approval=one).signatures_needed
                for one in made
            ]
            assert needed == [2, 2]
