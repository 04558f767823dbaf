"""The schedule: what is done every few seconds, minutes or hours, by one process at a time."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Thread

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from voucher_service.allocation import upkeep
from voucher_service.approvals import service as approvals
from voucher_service.backup import service as backup
from voucher_service.finance_pack import service as finance_pack
from voucher_service.infra import core as core_module
from voucher_service.infra import outbox, queue, spool
from voucher_service.infra.core import Core
from voucher_service.kernel.clock import day_of, start_of
from voucher_service.kernel.errors import DomainError
from voucher_service.ledger import service as ledger
from voucher_service.notices import service as notices
from voucher_service.proof import service as proof
from voucher_service.pushes import service as pushes
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reconciliation.differences import expecting, uploading
from voucher_service.reconciliation.differences import service as differences
from voucher_service.redemption import service as redemption
from voucher_service.reports import canaries, verification
from voucher_service.settlement import service as settlement
from voucher_service.tradein import service as tradein
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.review import service as review
from voucher_service.tradein.revisions import service as revisions
from voucher_service.tradein.risk import service as risk
from voucher_service.vouchers import service as vouchers
from voucher_service.webhooks import service as webhooks

from . import log
from .gates import for_all
from .stopping import Stopping
from .upkeep import forget

Step = Callable[[Core], int]
_TICK_SECONDS = 0.5
_PROVED_AT, _PROVED_WITHIN = timedelta(hours=3), timedelta(hours=2)  # after midnight
_PAUSE_SECONDS = 2.0
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('jobs.schedule', 0))"


@dataclass
class Task:
    """A step and its rhythm. A step is one batch, in short transactions, and says how much it did.

    With `until_none` it is repeated until it did nothing; without `at_once` it waits for its first
    turn. One that takes long is done `apart`, in a thread of its own: the others don't wait, and it
    rests nine times as long as it took, unless people wait for it (not `rests`). `failing` names
    the error that is in the log already.
    """

    name: str
    every_seconds: float
    step: Step
    until_none: bool = False
    at_once: bool = True
    apart: bool = False
    rests: bool = True
    due_at: float = 0.0
    failing: str = ""


class Changes:
    """Asks for a reconciliation of the programmes whose books moved.

    It looks at what transactions wrote that were open at the last look or came later. The first
    look asks for every programme.
    """

    def __init__(self) -> None:
        self._since: int | None = None

    def __call__(self, core: Core) -> int:
        """One look; how many programmes it asked for."""
        slugs, horizon = reconciliation.changed(core, since=self._since)
        for slug in slugs:
            reconciliation.ask(core, programme=slug)
        self._since = horizon
        return len(slugs)


def prove_rollups(core: Core) -> int:
    """At night, a full recount of each programme, compared with what was counted day by day."""
    with core.transaction() as session:
        now = core.now(session)
    begins = start_of(day_of(now)) + _PROVED_AT
    if not begins <= now < begins + _PROVED_WITHIN:
        return 0
    return len(reconciliation.prove_due(core, since=begins))


def ring_due(core: Core) -> int:
    """Ring the jobs that are due and that nobody is on.

    Only while the queue is empty: else the worker has work or is away, and rings would pile up.
    """
    with core.transaction() as session:
        keys = outbox.due(session)
    if not keys or queue.queue(core.settings).count:
        return 0
    return sum(queue.ring(core.settings, key) for key in keys)


def settle_pending(core: Core) -> int:
    """Settle the seats of claims that died half-way, of every offer that can be claimed."""
    return for_all(lambda one: partial(upkeep.settle_pending, gated=one))(core)


def go_on(core: Core) -> int:
    """Ring the long jobs that stopped to let others in: lists to give, to compute, things to send.

    Once a second, which is what bounds the rate of notices. How many were rung.
    """
    with core.transaction() as session:
        keys = [pushes.want(session, push=one) for one in pushes.stopped(session)]
        if notices.stopped(session):
            keys.append(notices.want(session))
        keys += [webhooks.want(session, endpoint=one) for one in webhooks.due(session)]
        keys += [revisions.want(session, revision=one) for one in revisions.stopped(session)]
        keys += [revisions.again(session, key=one) for one in revisions.stopped_trials(session)]
    return sum(queue.ring(core.settings, key) for key in keys)


def check_books(core: Core) -> int:
    """Check every invariant; a breach raises an alarm and goes to the log. How many there are."""
    found = verification.watch(core)
    for name, count in Counter(breach.invariant for breach in found.breaches).items():
        log.broken(name, count)
    return len(found.breaches)


def tasks(core: Core) -> tuple[Task, ...]:
    """Everything that is done in a rhythm."""
    return (
        Task("ring_due", core.settings.queue.sweep_seconds, ring_due),
        Task("spread_webhooks", 1, webhooks.spread),
        Task("go_on", 1, go_on),
        Task("judge_canaries", 1, canaries.look),
        Task("refill_stale", 1, for_all(lambda one: partial(upkeep.refill_stale, gated=one))),
        Task("return_to_gate", 1, for_all(upkeep.Return)),
        Task("settle_pending", 5, settle_pending),
        Task("find_drift", 10, for_all(upkeep.Watch)),
        Task("lapse_freezes", 5, redemption.lapse_due, until_none=True),
        Task("expire_due", 60, vouchers.expire_due, until_none=True),
        Task("lapse_qualifications", 60, tradein.lapse_due, until_none=True),
        Task("promote_waiting", 15, tradein.promote_due),
        Task("count_places", 1, tradein.count_places),
        Task("remind_of_qualifications", 600, tradein.remind_due, until_none=True),
        Task("finish_pools", 600, tradein.finish),
        Task("lapse_applications", 60, applications.lapse_due, until_none=True),
        Task("remind_of_corrections", 600, applications.remind_due, until_none=True),
        Task("open_reviews", 60, review.open_due, until_none=True),
        Task("close_undone_reviews", 60, review.close_undone, until_none=True),
        Task("batch_reviews", 60, review.batch_due, until_none=True),
        Task("assess_risk", 60, risk.assess_due, until_none=True, apart=True),
        Task("lapse_proposals", 60, approvals.lapse_due, until_none=True),
        Task("reconcile_changed", 30, Changes()),
        Task("prove_rollups", 600, prove_rollups),
        Task("seal_log", 5, proof.seal, until_none=True),
        Task("publish_head", 60, proof.publish_due),
        Task("watch_log", 60, proof.watch, apart=True),
        Task("watch_differences", 600, differences.watch),
        Task("watch_expected_files", 600, expecting.watch, apart=True),
        Task("take_uploads", 2, uploading.take_waiting, until_none=True, apart=True, rests=False),
        Task("watch_backups", 60, backup.Watch()),
        Task("mark_balances", 30, ledger.mark_balances, apart=True),
        Task("record_packs", 600, finance_pack.record_due, at_once=False, apart=True),
        Task("settle_due", 60, settlement.settle_due, apart=True),
        Task("forget", 3600, forget, until_none=True),
        Task("check_books", 300, check_books, at_once=False, apart=True),
    )


def run() -> None:
    """Do every task in its rhythm until SIGTERM or SIGINT.

    A second process waits until the first is gone. When PostgreSQL or Redis is away, what needs it
    is logged once and tried again until it works.
    """
    stopping = Stopping()
    stopping.listen()
    core = core_module.build()
    spool.check_folder(core.settings)
    log.info("schedule_started")
    away = False
    while not stopping.asked:
        try:
            with _alone(core) as connection:
                if away:
                    log.info("database_back")
                away = False
                if connection is not None:
                    _loop(core, connection, stopping)
        except (SQLAlchemyError, DomainError) as error:
            if not away:
                log.failed("database_away", error)
            away = True
        stopping.wait(_PAUSE_SECONDS)
    core.close()
    log.info("schedule_stopped")


def _loop(core: Core, connection: Connection, stopping: Stopping) -> None:
    """Until stopping; raises SQLAlchemyError when the connection that holds the lock is lost."""
    planned = tasks(core)
    for task in planned:
        task.due_at = time.monotonic() + (0 if task.at_once else task.every_seconds)
    while not stopping.asked:
        connection.execute(text("SELECT 1"))
        for task in planned:
            if task.due_at <= time.monotonic() and not stopping.asked:
                if task.apart:
                    task.due_at = math.inf
                    Thread(target=_do, args=(core, task, stopping), daemon=True).start()
                else:
                    _do(core, task, stopping)
        stopping.wait(_TICK_SECONDS)


def _do(core: Core, task: Task, stopping: Stopping) -> None:
    began = time.monotonic()
    try:
        while task.step(core) and task.until_none and not stopping.asked:
            pass
    except Exception as error:  # noqa: BLE001 - one task's failure must not stop the others
        if task.failing != type(error).__qualname__:
            log.failed("task_failed", error, task=task.name)
        task.failing = type(error).__qualname__
    else:
        if task.failing:
            log.info("task_works_again", task=task.name)
        task.failing = ""
    ended = time.monotonic()
    long = 9 * (ended - began) if task.apart and task.rests else 0
    task.due_at = ended + max(task.every_seconds, long)


@contextmanager
def _alone(core: Core) -> Iterator[Connection | None]:
    """A connection that holds the lock of the schedule, or None while another process holds it."""
    with core.engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        try:
            yield connection if connection.execute(text(_LOCK)).scalar_one() else None
        finally:
            # The lock belongs to the session: closing it for good gives the lock back.
            connection.invalidate()
