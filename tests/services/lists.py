"""Lists to test with: people who registered, the CSV, and the push through its steps."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from tests.make import World
from tests.people import newcomers
from voucher_service.approvals import service as approvals
from voucher_service.identity import service as identity
from voucher_service.identity.model import SyntheticPerson
from voucher_service.infra.core import Core
from voucher_service.jobs import runtime
from voucher_service.kernel.actor import Actor, ActorKind, Evidence
from voucher_service.kernel.ids import ApprovalId, OfferId, ResidentId
from voucher_service.pushes import service as pushes
from voucher_service.pushes.model import Push, Result

Given = dict[Result | None, int]


def people(world: World, count: int) -> list[tuple[SyntheticPerson, Actor]]:
    """Registered residents with what they registered with."""
    persons = newcomers(count)
    ids = identity.register_synthetic(world.core, people=persons, now=world.now())
    return [
        (person, Actor(ActorKind.RESIDENT, id)) for person, id in zip(persons, ids, strict=True)
    ]


def csv_of(*rows: str, header: str = "手机号") -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def proposed(world: World, offer: OfferId, content: bytes) -> tuple[Push, ApprovalId]:
    push = pushes.propose(world.core, actor=world.planner, offer=offer, content=content)
    with world.core.transaction() as session:
        id = session.execute(
            text("SELECT id FROM approval WHERE object_id = :push"), {"push": push.id}
        ).scalar_one()
    return push, ApprovalId(id)


def approved(world: World, offer: OfferId, content: bytes) -> Push:
    push, proposal = proposed(world, offer, content)
    approvals.approve(world.core, actor=world.approver, approval=proposal)
    return push


def given(world: World, push: Push) -> Given:
    """Do the job; the results of the lines."""
    runtime.do(world.core, f"give_push:{push.id}")
    return results(world, push)


def results(world: World, push: Push) -> Given:
    return dict(pushes.push(world.core, actor=world.planner, push=push.id).results)


def holders(world: World, offer: OfferId) -> Counter[ResidentId]:
    with world.core.transaction() as session:
        rows = session.execute(
            text("SELECT resident_id FROM voucher WHERE offer_id = :offer AND holds_slot"),
            {"offer": offer},
        )
        return Counter(rows.scalars())


def unverified(core: Core, mobile: str) -> ResidentId:
    identity.request_code(core, mobile=mobile)
    code = json.loads(Path(core.settings.sms.outbox).read_text("utf-8").splitlines()[-1])["code"]
    made = identity.sign_in(core, mobile=mobile, code=code, evidence=Evidence())
    return ResidentId(made.id)
