"""The worker and the schedule as processes: killed half-way, without a ring, and told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.make import World
from voucher_service.infra import outbox, queue
from voucher_service.infra.core import Core
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import leverage

Start = Callable[[str], "subprocess.Popen[bytes]"]


def eventually(happened: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def served(core: Core, key: str) -> bool:
    with core.transaction() as session:
        return outbox.served(session, key=key)


def children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def listens(pid: int) -> bool:
    """Whether a process has said what SIGTERM means to it."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.fixture
def start(core: Core, tmp_path: Path) -> Iterator[Start]:
    """Starts `voucher_service.jobs` on the test's servers; what is left at the end is killed."""
    settings = core.settings
    started: list[subprocess.Popen[bytes]] = []
    environment = {
        **os.environ,
        "VOUCHER_ENV": "test",
        "VOUCHER__DATABASE__URL": settings.database.url,
        "VOUCHER__GATE__URL": settings.gate.url,
        "VOUCHER__QUEUE__URL": settings.queue.url,
        "VOUCHER__QUEUE__LEASE_SECONDS": "1",
        "VOUCHER__QUEUE__SWEEP_SECONDS": "1",
        "VOUCHER__SMS__OUTBOX": settings.sms.outbox,
    }

    def run(name: str) -> subprocess.Popen[bytes]:
        with (tmp_path / f"{name}-{len(started)}.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "voucher_service.jobs", name],
                    env=environment,
                    stdout=log,
                    stderr=log,
                )
            )
        return started[-1]

    queue.queue(settings).empty()  # type: ignore[no-untyped-call]
    yield run
    for process in started:
        for pid in (*children(process.pid), process.pid):
            if process.poll() is None:
                os.kill(pid, signal.SIGKILL)
        process.wait()


def test_a_worker_killed_half_way_leaves_the_old_figures_and_the_job_is_done_again(
    world: World, start: Start
) -> None:
    core, campaign = world.core, world.draft()
    slug = campaign.programme.slug
    reconciliation.run(core, programme=slug)
    world.claim(world.offer(campaign=campaign))
    worker = start("worker")
    with core.transaction() as session:
        session.execute(text("LOCK TABLE rollup IN SHARE MODE"))
        (key,) = reconciliation.ask(core, programme=slug)
        eventually(lambda: _waits(core))
        for pid in (*children(worker.pid), worker.pid):
            os.kill(pid, signal.SIGKILL)
        worker.wait()
        assert leverage.report(core, programme=slug).totals.figures.vouchers_issued == 0
    assert not served(core, key)
    start("worker")
    start("schedule")
    eventually(lambda: served(core, key))
    assert leverage.report(core, programme=slug).totals.figures.vouchers_issued == 1


def _waits(core: Core) -> bool:
    with core.transaction() as session:
        return bool(
            session.execute(
                text("SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND NOT granted")
            ).scalar_one()
        )


def test_a_job_whose_ring_was_lost_is_rung_by_the_schedule(world: World, start: Start) -> None:
    core, slug = world.core, world.programme().slug
    start("worker")
    (key,) = reconciliation.ask(core, programme=slug)
    queue.queue(core.settings).empty()  # type: ignore[no-untyped-call]
    start("schedule")
    eventually(lambda: served(core, key))


def test_both_end_at_once_when_told_to(core: Core, start: Start) -> None:
    processes = [start(name) for name in ("worker", "schedule", "schedule")]
    eventually(lambda: all(listens(process.pid) for process in processes))
    for process in processes:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
