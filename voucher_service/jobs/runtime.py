"""What the queue calls: take a job of the list under a lease, do it, note the end."""

from __future__ import annotations

from functools import cache, partial

from voucher_service.infra import core as core_module
from voucher_service.infra import outbox
from voucher_service.infra.core import Core
from voucher_service.infra.outbox import Job, LeaseLost
from voucher_service.kernel.errors import Unavailable

from . import log
from .registry import HANDLERS


@cache
def core() -> Core:
    """The core of this process; the worker's children make their own after the fork."""
    return core_module.build()


def run(key: str) -> None:
    """Do a job as often as it is wanted; nothing when it is done or when someone is on it.

    Raises nothing: a job that fails is due again after a pause, and the schedule rings it.
    """
    try:
        while do(core(), key):
            pass
    except Unavailable as error:
        log.failed("job_not_taken", error, job=key)


def do(core: Core, key: str) -> bool:
    """One run of a job: whether it was due and went well. Raises TryAgain without PostgreSQL."""
    with core.transaction() as session:
        job = outbox.take(session, key=key, lease_seconds=core.settings.queue.lease_seconds)
    if job is None:
        return False
    try:
        HANDLERS[job.kind](core, job.args, partial(outbox.finish, job=job))
    except LeaseLost:
        log.info("job_taken_over", job=key)
        return False
    except Exception as error:  # noqa: BLE001 - whatever it was, the job must become due again
        _fail(core, job, error)
        return False
    log.info("job_done", job=key)
    return True


def _fail(core: Core, job: Job, error: Exception) -> None:
    log.failed("job_failed", error, job=job.key)
    with core.transaction() as session:
        # The kind alone: a message may hold personal data.
        outbox.fail(session, job, error=type(error).__qualname__)
