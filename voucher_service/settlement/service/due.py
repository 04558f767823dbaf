"""What the schedule does: yesterday's batch when its hour has come, and what was interrupted."""

from __future__ import annotations

from datetime import timedelta

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.clock import SHANGHAI, day_of

from .booking import book_waiting
from .drafting import draft, due_at
from .leaving import free_dropped


def settle_due(core: Core) -> int:
    """Draft yesterday's batch of the real programmes when it is time, go on with answers that are
    not booked and with dropped batches; how much was done. Done again it does nothing.
    """
    done = book_waiting(core)
    while freed := free_dropped(core):
        done += freed
    with core.transaction() as session:
        now = core.now(session)
        day = day_of(now) - timedelta(days=1)
        hour = core.settings.settlement.draft_hour
        early = now.astimezone(SHANGHAI).hour < hour
        if early or not due_at(session, day=day, now=now):
            return done
    draft(core, actor=SYSTEM, day=day)
    return done + 1
