"""Counting while everything goes on: whatever happens, the rollups say what the rows say."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session

from tests.conftest import NOON
from tests.make import World
from tests.reconciliation import cells
from tests.reconciliation.growing import READ
from tests.reconciliation.street import Street, refund
from voucher_service.audit import service as audit
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.ids import OfferId, new_id
from voucher_service.kernel.money import ZERO
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reconciliation.grain import Progress
from voucher_service.vouchers.model import LIFECYCLE, Event, Status
from voucher_service.vouchers.tables import VoucherRow

CLAIM_DAYS, EACH, OF_WHICH_LAPSE = 60, 100, 10
LAPSING = CLAIM_DAYS * EACH // OF_WHICH_LAPSE


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture(scope="module")
def world(core: Core, clock: Clock) -> World:
    return World(with_clock(core, clock))


@pytest.fixture(scope="module")
def long_street(world: World, clock: Clock) -> Street:
    """A street that was busy on three days, forty days from the first to the last."""
    made = Street(world, clock, Random(5), days=300, quota=200)
    kept = world.plan(quota=200, limit=9, valid_days=2, lapse_returns=False)
    campaign = world.draft(programme=made.programme)
    made.offers.append(world.offer(kept, campaign=campaign))
    for _ in range(2):
        busy(made, 14)
        clock.set(world.now() + timedelta(days=20))
        made.sleep()
    busy(made, 14)
    return made


@pytest.fixture
def street(long_street: Street) -> Street:
    """The same, counted: several parts of a recount. It goes on from test to test."""
    reconciliation.run(long_street.world.core, programme=long_street.slug)
    return long_street


def busy(street: Street, steps: int = 6) -> None:
    for _ in range(steps):
        street.go_on()


def progress(street: Street) -> Progress:
    every = reconciliation.progress(street.world.core)
    return next(one for one in every if one.programme == street.slug)


def check(street: Street) -> None:
    """The rollups say what the rows say."""
    core = street.world.core
    assert cells.told(core, street.slug) == cells.counted(core, street.slug)


def prove(street: Street) -> None:
    """They do before a full recount, which finds nothing wrong, and after it."""
    check(street)
    reconciliation.run(street.world.core, programme=street.slug, whole=True)
    assert (progress(street).differing, progress(street).parts) == (0, 0)
    check(street)


def test_clocks_that_are_set_back_and_forth_change_nothing(
    world: World, clock: Clock, street: Street
) -> None:
    for hours in (30, -50, 9, -9, 80):
        busy(street, 8)
        clock.set(world.now() + timedelta(hours=hours))
        street.sleep()
        reconciliation.run(world.core, programme=street.slug)
        check(street)
    prove(street)


class Late(Core):
    """A core whose transaction somebody else ends."""

    def transaction(self) -> AbstractContextManager[Session]:
        return nullcontext(self.__dict__["session"])


@contextmanager
def late(core: Core) -> Iterator[tuple[Core, Session]]:
    """A core all of whose commands are one transaction, which ends with the block."""
    made = Late(core.settings, core.clock)
    made.__dict__.update({name: getattr(core, name) for name in ("engine", "gate", "keyring")})
    with core.transaction() as session:
        made.__dict__["session"] = session
        yield made, session


def test_what_commits_in_the_middle_of_a_full_recount_is_counted(
    world: World, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "_fold", lambda *_: None)  # it would wait for the refund
    till = world.cashier()
    order = world.redeem(world.claim(street.offers[0]), till).value
    reconciliation.run(world.core, programme=street.slug)
    with late(world.core) as (slow, session):
        refund(slow, till, order, 300)

        def meanwhile(_done: int, _parts: int) -> None:
            if session.in_transaction():
                session.commit()  # it is older than the recount's plan
            busy(street)
            street.sleep()

        reconciliation.run(world.core, programme=street.slug, whole=True, say=meanwhile)
    check(street)
    prove(street)


def test_what_a_slow_transaction_wrote_is_counted_once_it_commits(
    world: World, clock: Clock, street: Street
) -> None:
    till = world.cashier()
    order = world.redeem(world.claim(street.offers[0]), till).value
    with late(world.core) as (slow, _):
        refund(slow, till, order, 300)
        clock.set(world.now() + timedelta(days=1))
        before = cells.counted(world.core, street.slug)
        reconciliation._publish_moved(world.core, street.programme.id, None)
        assert cells.told(world.core, street.slug) == before
    reconciliation.run(world.core, programme=street.slug)
    assert cells.told(world.core, street.slug) != before
    prove(street)


@pytest.fixture
def kill(core: Core) -> Callable[[str, str], None]:
    """Let a process of its own recount a programme, and kill it at a place."""
    settings = core.settings
    environment = {
        **os.environ,
        "VOUCHER_ENV": "test",
        "VOUCHER__DATABASE__URL": settings.database.url,
        "VOUCHER__GATE__URL": settings.gate.url,
        "VOUCHER__QUEUE__URL": settings.queue.url,
    }

    def run(slug: str, place: str) -> None:
        command = [sys.executable, "-m", "tests.reconciliation.dying", slug, place]
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stdout.readline().decode().strip() == place
            process.kill()

    return run


def test_a_worker_killed_between_two_parts_loses_and_doubles_nothing(
    world: World, street: Street, kill: Callable[[str, str], None]
) -> None:
    kill(street.slug, "draft")
    half = progress(street)
    assert half.done == 1 < half.parts
    check(street)
    busy(street)
    reconciliation.run(world.core, programme=street.slug)
    assert (progress(street).differing, progress(street).parts) == (0, 0)
    check(street)


def test_a_worker_killed_before_it_commits_leaves_the_old_figures(
    world: World, street: Street, kill: Callable[[str, str], None]
) -> None:
    before = cells.told(world.core, street.slug)
    busy(street)
    kill(street.slug, "mark")
    assert cells.told(world.core, street.slug) == before
    assert progress(street).done == progress(street).parts > 1
    busy(street)
    reconciliation.run(world.core, programme=street.slug)
    prove(street)


def test_workers_at_once_on_a_busy_street_agree(world: World, street: Street) -> None:
    def work(whole: bool) -> None:
        for _ in range(3):
            reconciliation.run(world.core, programme=street.slug, whole=whole)

    with ThreadPoolExecutor(2) as workers:
        done = [workers.submit(work, whole) for whole in (True, False)]
        while not all(one.done() for one in done):
            busy(street, 1)
        for one in done:
            one.result()
    reconciliation.run(world.core, programme=street.slug)
    prove(street)


def test_who_is_no_longer_alone_publishes_nothing(world: World, street: Street) -> None:
    """As after a restart of the server: the lock is gone, and nobody told its holder."""
    taken: list[bool] = []

    def overtaken(_done: int, _parts: int) -> None:
        if taken:
            return
        taken.append(True)
        with world.core.transaction() as session:
            session.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
            )
        reconciliation.run(world.core, programme=street.slug)

    busy(street)
    with pytest.raises(TryAgain):
        reconciliation.run(world.core, programme=street.slug, whole=True, say=overtaken)
    check(street)
    prove(street)


@pytest.fixture
def common_last_day(world: World, clock: Clock, owner: Engine) -> tuple[str, OfferId]:
    """A programme whose vouchers were claimed on sixty days and end on one; few are unspent."""
    assert clock.at
    programme = world.programme(days=CLAIM_DAYS + 20)
    campaign = world.draft(programme=programme)
    count = CLAIM_DAYS * EACH
    plan = world.plan(quota=count, valid_days=CLAIM_DAYS, lapse_returns=False)
    offer, resident = world.offer(plan, campaign=campaign), world.resident()
    (release,) = offer.releases
    with owner.begin() as connection:  # its statistics are those of the end of this fixture
        connection.execute(text("ALTER TABLE voucher SET (autovacuum_enabled = false)"))
    with world.core.transaction() as session:
        session.execute(
            text("""
            INSERT INTO voucher (id, offer_id, release_id, release_quota, slot, resident_id,
                ordinal, generation, epoch, holds_slot, claim_key_hash, occurred_at,
                face_value_fen, spent_fen, status, valid_from, valid_until, code_ref)
            SELECT gen_random_uuid(), :offer, :release, :count, n, :resident, n, 1, 1, true,
                sha256(n::text::bytea), CAST(:first AS timestamptz)
                    + (n / :each) * interval '1 day', 2000, CASE WHEN n % :of_which = 0 THEN 0
                    ELSE 2000 END, CASE WHEN n % :of_which = 0 THEN 'claimed' ELSE 'redeemed' END,
                :first, :last, n + 1000000
            FROM (SELECT generate_series(1, :count) AS i) s,
                LATERAL (SELECT 1 + (i * 7919) % :count AS n) x
            """),
            {
                "offer": offer.id,
                "release": release.id,
                "resident": resident.id,
                "count": count,
                "each": EACH,
                "of_which": OF_WHICH_LAPSE,
                "first": clock.at,
                "last": offer.valid_until(clock.at),
            },
        )
    reconciliation.run(world.core, programme=programme.slug)
    with owner.begin() as connection:
        connection.execute(text("ANALYZE voucher"))
    return programme.slug, offer.id


@pytest.fixture
def by_indexes(core: Core) -> Iterator[None]:
    """A table this small may as well be read whole: whether it is is luck with its statistics."""

    def choose(connection: Connection) -> None:
        for way in ("seqscan", "hashjoin", "mergejoin"):
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")

    event.listen(core.engine, "begin", choose)
    yield
    event.remove(core.engine, "begin", choose)


@pytest.mark.usefixtures("by_indexes")
def test_a_common_last_day_costs_what_lapsed(
    world: World, clock: Clock, common_last_day: tuple[str, OfferId]
) -> None:
    slug, offer = common_last_day
    clock.set(world.now() + timedelta(days=CLAIM_DAYS + 1))
    with world.core.transaction() as session:
        gone = audit.transition_where(
            session,
            VoucherRow,
            where=[VoucherRow.spent_fen == ZERO, VoucherRow.offer_id == offer],
            current=Status.CLAIMED,
            lifecycle=LIFECYCLE,
            event=Event.EXPIRED,
            actor=SYSTEM,
            now=world.now(),
            batch=str(new_id()),
            named=True,
        )
    read: list[int] = []

    def finish(session: Session) -> None:
        read.append(session.execute(text(READ)).scalar_one())

    def say(_done: int, _parts: int) -> None:
        pytest.fail("everything is counted")

    reconciliation.run(world.core, programme=slug, finish=finish, say=say)
    (rows,) = read
    # Each of them to find its day and to count it. By their claims it were all, and those again.
    assert 2 * LAPSING <= rows < CLAIM_DAYS * EACH
    assert len(gone) == LAPSING
    assert cells.told(world.core, slug) == cells.counted(world.core, slug)
