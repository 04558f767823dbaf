"""A push under a worker that is killed again and again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.make import World
from tests.people import newcomers
from tests.services.test_jobs_processes import children, eventually
from voucher_service.approvals import service as approvals
from voucher_service.identity import service as identity
from voucher_service.infra import queue
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import ApprovalId
from voucher_service.pushes import service as pushes
from voucher_service.pushes.model import Result, Status
from voucher_service.reports import verification

MANY = 3_000


@pytest.fixture
def worker(core: Core, tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes that `begin` starts; what is left at the end is killed."""
    queue.queue(core.settings).empty()  # type: ignore[no-untyped-call]
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        slay(process)


def begin(core: Core, folder: Path, name: str, started: list[subprocess.Popen[bytes]]) -> None:
    settings = core.settings
    environment = {
        **os.environ,
        "VOUCHER_ENV": "test",
        "VOUCHER__DATABASE__URL": settings.database.url,
        "VOUCHER__GATE__URL": settings.gate.url,
        "VOUCHER__QUEUE__URL": settings.queue.url,
        "VOUCHER__QUEUE__LEASE_SECONDS": "2",
        "VOUCHER__QUEUE__SWEEP_SECONDS": "1",
        "VOUCHER__SMS__OUTBOX": settings.sms.outbox,
    }
    with (folder / f"{name}-{len(started)}.log").open("wb") as log:
        command = [sys.executable, "-m", "voucher_service.jobs", name]
        started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))


def slay(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of a process and its children."""
    for pid in (*children(process.pid), process.pid):
        if process.poll() is None:
            os.kill(pid, signal.SIGKILL)
    process.wait()


def test_a_killed_worker_loses_no_line_and_gives_nothing_twice(
    world: World, core: Core, worker: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    offer = world.offer(world.plan(quota=MANY, limit=2))
    persons = newcomers(MANY)
    ids = identity.register_synthetic(core, people=persons, now=world.now())
    content = "\n".join(["mobile", *(one.mobile for one in persons), ""]).encode()
    push = pushes.propose(core, actor=world.planner, offer=offer.id, content=content)
    with core.transaction() as session:
        proposal = session.execute(
            text("SELECT id FROM approval WHERE object_id = :id"), {"id": push.id}
        ).scalar_one()
    approvals.approve(core, actor=world.approver, approval=ApprovalId(proposal))

    def standing() -> tuple[Status, int]:
        found = pushes.push(core, actor=world.planner, push=push.id)
        return found.status, found.results.get(Result.GIVEN, 0)

    begin(core, tmp_path, "schedule", worker)
    kills, given = 0, 0
    while standing()[0] is not Status.DONE and kills < 3:
        begin(core, tmp_path, "worker", worker)
        wanted = given + 1
        eventually(lambda least=wanted: standing()[1] >= least, seconds=60)
        time.sleep(0.05)  # into the middle of a batch
        slay(worker[-1])
        kills, given = kills + 1, standing()[1]
    begin(core, tmp_path, "worker", worker)
    eventually(lambda: standing()[0] is Status.DONE, seconds=60)
    assert kills >= 1
    with core.transaction() as session:
        held, people = session.execute(
            text(
                "SELECT count(*), count(DISTINCT resident_id) FROM voucher"
                " WHERE offer_id = :offer AND holds_slot"
            ),
            {"offer": offer.id},
        ).one()
    assert held == people == len(ids) == standing()[1]
    slay(worker[0])
    assert verification.verify(core).breaches == ()
