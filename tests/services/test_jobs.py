"""Jobs: leases, failures, the sweep, the schedule's rhythm, and that every kind has a handler."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import voucher_service
from tests.make import World
from voucher_service.infra import outbox, queue
from voucher_service.infra.core import Core
from voucher_service.jobs import registry, runtime, schedule
from voucher_service.jobs.schedule import Changes
from voucher_service.jobs.stopping import Stopping
from voucher_service.jobs.upkeep import forget
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import leverage

CODE = Path(voucher_service.__file__).parent
Finish = Callable[[Session], None]


def asked(core: Core, kind: str, **args: str) -> str:
    key = f"{kind}:{uuid4().hex}"
    with core.transaction() as session:
        outbox.add(session, kind=kind, key=key, args=args)
    return key


def served(core: Core, key: str) -> bool:
    with core.transaction() as session:
        return outbox.served(session, key=key)


def column(core: Core, key: str, name: str) -> Any:
    with core.transaction() as session:
        return session.execute(
            text(f"SELECT {name} FROM job_outbox WHERE key = :key"), {"key": key}
        ).scalar_one()


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Makes a function the handler of the kind `tried`."""

    def put(handler: Any) -> None:
        monkeypatch.setattr(runtime, "HANDLERS", {"tried": handler})

    return put


def test_every_kind_of_job_has_a_handler() -> None:
    kinds: set[str] = set()
    for file in CODE.rglob("*.py"):
        code = file.read_text("utf-8")
        for call in re.findall(r"outbox\.add\((.*?)args=", code, re.DOTALL):
            (named,) = re.findall(r"kind=([\w\"]+)", call)
            kinds.add(named.strip('"') if named.startswith('"') else _constant(code, named))
    assert kinds == set(registry.HANDLERS)


def _constant(code: str, name: str) -> str:
    (value,) = re.findall(rf'^{name} = "(\w+)"', code, re.MULTILINE)
    return str(value)


def test_a_reconciliation_that_was_asked_for_is_done_once(world: World) -> None:
    campaign = world.draft()
    world.claim(world.offer(campaign=campaign))
    slug = campaign.programme.slug
    (key,) = reconciliation.ask(world.core, programme=slug)
    assert runtime.do(world.core, key)
    assert served(world.core, key)
    assert leverage.report(world.core, programme=slug).totals.figures.vouchers_issued == 1
    assert not runtime.do(world.core, key)


def test_preparing_a_gate_lets_residents_claim(world: World) -> None:
    offer = world.offer()
    assert runtime.do(world.core, f"prepare_gate:{offer.id}")
    assert served(world.core, f"prepare_gate:{offer.id}")
    assert world.claim(offer).offer.id == offer.id


def test_a_job_that_fails_is_due_again_after_a_pause(
    core: Core, handle: Callable[[Any], None]
) -> None:
    def fail(_core: Core, _args: Mapping[str, Any], _finish: Finish) -> None:
        raise ValueError("林女士")

    handle(fail)
    key = asked(core, "tried")
    assert not runtime.do(core, key)
    assert not served(core, key)
    assert column(core, key, "last_error") == "ValueError", "no message: it may name a person"
    assert column(core, key, "due_at > clock_timestamp() AND lease_until IS NULL")


def test_a_run_whose_lease_was_lost_leaves_nothing(
    core: Core, handle: Callable[[Any], None]
) -> None:
    def overtaken(own: Core, args: Mapping[str, Any], finish: Finish) -> None:
        with own.transaction() as session:
            session.execute(text("UPDATE job_outbox SET lease_until = now() - interval '1 s'"))
        with own.transaction() as session:
            assert outbox.take(session, key=args["own"], lease_seconds=60)
        with own.transaction() as session:
            session.execute(text("DELETE FROM job_outbox WHERE key = :key"), {"key": args["mark"]})
            finish(session)

    handle(overtaken)
    mark = asked(core, "tried")
    key = f"tried:{uuid4().hex}"
    with core.transaction() as session:
        outbox.add(session, kind="tried", key=key, args={"own": key, "mark": mark})
    assert not runtime.do(core, key)
    assert column(core, mark, "count(*)") == 1
    assert not served(core, key)


def test_a_job_asked_for_again_while_it_runs_runs_once_more(
    core: Core, handle: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []

    def ring_meanwhile(own: Core, _args: Mapping[str, Any], finish: Finish) -> None:
        with own.transaction() as session:
            if not runs:
                outbox.add(session, kind="tried", key=key, args={})
            finish(session)
        runs.append("done")

    handle(ring_meanwhile)
    monkeypatch.setattr(runtime, "core", lambda: core)
    key = asked(core, "tried")
    runtime.run(key)
    assert (len(runs), served(core, key)) == (2, True)


def test_a_job_of_a_kind_nobody_knows_stays_on_the_list(core: Core) -> None:
    key = asked(core, "unheard")
    assert not runtime.do(core, key)
    assert column(core, key, "last_error") == "KeyError"


def test_what_is_due_is_rung_when_the_queue_is_empty(core: Core) -> None:
    key = asked(core, "tried")
    rung = queue.queue(core.settings)
    rung.empty()  # type: ignore[no-untyped-call]
    assert schedule.ring_due(core) >= 1
    assert [key] in [list(job.args) for job in rung.jobs]
    count = rung.count
    assert schedule.ring_due(core) == 0, "rings must not pile up while the worker is away"
    assert rung.count == count
    rung.empty()  # type: ignore[no-untyped-call]


def test_programmes_are_reconciled_when_their_books_moved_and_then_left_alone(world: World) -> None:
    offer = world.offer()
    changes = Changes()
    assert changes(world.core) >= 1
    assert changes(world.core) == 0
    world.claim(offer)
    assert [changes(world.core) for _ in range(2)] == [1, 0]


def test_refused_claims_are_forgotten_after_ninety_days(core: Core) -> None:
    with core.transaction() as session:
        session.execute(
            text(
                "INSERT INTO claim_refusal (offer_id, resident_id, code, occurred_at)"
                " SELECT gen_random_uuid(), gen_random_uuid(), 'sold_out',"
                " clock_timestamp() - make_interval(days => d) FROM unnest(ARRAY[89, 91]) d"
            )
        )
    while forget(core):
        pass
    with core.transaction() as session:
        ages = session.execute(
            text("SELECT extract(day FROM clock_timestamp() - occurred_at)::int FROM claim_refusal")
        ).scalars()
        assert 91 not in ages.all()


def test_every_task_of_the_schedule_does_its_step(world: World) -> None:
    world.claim(world.offer())
    for task in schedule.tasks(world.core):
        assert task.step(world.core) >= 0, task.name


def test_a_task_that_takes_long_holds_up_no_other(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping, done, looked = Stopping(), [], []

    def long(_core: Core) -> int:
        until = time.monotonic() + 30
        while len(done) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        looked.append(time.monotonic())
        return 0

    def short(_core: Core) -> int:
        done.append(time.monotonic())
        stopping.asked = bool(looked)
        return 0

    planned = (
        schedule.Task("long", 0.1, long, apart=True),
        schedule.Task("short", 0.1, short),
    )
    monkeypatch.setattr(schedule, "tasks", lambda _core: planned)
    with core.engine.connect() as connection:
        schedule._loop(core, connection, stopping)
    assert sum(at < looked[0] for at in done) >= 2
    assert len(looked) == 1
    assert planned[0].due_at > looked[0] + 9, "it rests nine times as long as it took"


def test_jobs_import_no_flask() -> None:
    for file in (CODE / "jobs").glob("*.py"):
        code = file.read_text("utf-8")
        assert "flask" not in code.lower(), file.name
        assert not re.search(r"voucher_service\.web\b", code), file.name
