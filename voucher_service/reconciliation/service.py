"""Reconcile: count again what moved in a programme, and split its commits over the funders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.infra import outbox, queue
from voucher_service.infra.core import Core
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.ids import ProgrammeId

from . import moving, proving, store, trade_in_store
from .grain import Moved, Progress, Span, WrongCell
from .proving import Proof

KIND = "reconcile"
_WHOLE = "recount"
_PATIENCE_SECONDS = 60.0
_KEY = "(hashtextextended('reconcile:' || :programme, 0))"
_LOCK, _UNLOCK = f"SELECT pg_try_advisory_lock{_KEY}", f"SELECT pg_advisory_unlock{_KEY}"
Say = Callable[[int, int], None]


def ask(core: Core, *, programme: str | None = None, whole: bool = False) -> list[str]:
    """Want one programme reconciled, or all of them, and ring the worker. Returns the jobs' keys.

    With `whole` every row is counted again and the result compared with what stood. Raises
    NoSuchThing for an unknown programme. `outbox.served` says when a job is done.
    """
    slugs = [programme] if programme else [one.slug for one in campaigns.programmes(core)]
    keys = [f"{_WHOLE if whole else KIND}:{slug}" for slug in slugs]
    with core.transaction() as session:
        for slug, key in zip(slugs, keys, strict=True):
            campaigns.programme(session, slug=slug)
            args = {"programme": slug} | ({"whole": True} if whole else {})
            outbox.add(session, kind=KIND, key=key, args=args)
    for key in keys:
        queue.ring(core.settings, key)
    return keys


def run(
    core: Core,
    *,
    programme: str,
    whole: bool = False,
    finish: Callable[[Session], None] | None = None,
    say: Say = lambda _done, _parts: None,
) -> None:
    """Bring the programme's rollups up to now and fold its commits over the budget lines.

    Only the days are counted again of which something was written since the last run. The first
    run, one with `whole` and one with very many days count every row, part by part, each in a
    transaction of its own: `say` is told how many of how many are done, a run that was killed goes
    on with the next part, and readers see the old figures until all parts take their place at once,
    with `finish`, which marks the job as done. Run twice, the figures are the same.

    Raises NoSuchThing, and TryAgain when another run on the same programme takes a minute.
    """
    with core.transaction() as session:
        found = campaigns.programme(session, slug=programme).id
    with _alone(core, found):
        _fold(core, found)
        if not whole and _publish_moved(core, found, finish):
            return
        plan = _plan(core, found)
        _draft(core, found, say)
        _publish_whole(core, found, plan, finish)


def changed(core: Core, *, since: int | None) -> tuple[list[str], int]:
    """Programmes that moved since a horizon; with None, all. Beside them the horizon now."""
    with core.transaction() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        now = moving.horizon(session)
        if since is not None:
            return store.changed(session, since=since), now
    return [one.slug for one in campaigns.programmes(core)], now


def progress(core: Core) -> list[Progress]:
    """How far the figures of every programme are, the newest programme first."""
    with core.transaction() as session:
        return [
            Progress(
                programme=one["slug"],
                **{name: one[name] for name in Progress.__slots__ if name != "programme"},
            )
            for one in store.progress(session)
        ]


def wrong_cells(core: Core) -> list[WrongCell]:
    """What the last full recount of each programme found wrong; of many, the first of a table."""
    with core.transaction() as session:
        return proving.wrong(session)


def prove_due(core: Core, *, since: datetime) -> list[str]:
    """Ask for a full recount of every programme that had none since an instant; their slugs."""
    with core.transaction() as session:
        slugs = store.unproved(session, since=since)
    for slug in slugs:
        ask(core, programme=slug, whole=True)
    return slugs


@contextmanager
def _alone(core: Core, programme: ProgrammeId) -> Iterator[None]:
    """Keep other runs on this programme out until the block ends, or the process."""
    with core.engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        asked = {"programme": str(programme)}
        until = time.monotonic() + _PATIENCE_SECONDS
        while not connection.execute(text(_LOCK), asked).scalar_one():
            if time.monotonic() > until:
                raise TryAgain(retry_after_seconds=1)
            time.sleep(0.1)
        try:
            yield
        finally:
            with suppress(OperationalError):  # with its connection the lock is gone
                connection.execute(text(_UNLOCK), asked)


def _fold(core: Core, programme: ProgrammeId) -> None:
    """In a short transaction: publishing and closing wait for the budget lines only a moment."""
    with core.transaction() as session:
        now = core.now(session)
        published = store.offers(session, programme=programme)
        for campaign, offer in budgets.unfolded(session, offers=published):
            budgets.fold(session, campaign=campaign, offer=offer, now=now)
        campaigns.send_rest_home(session, programme=programme, now=now)


def _publish_moved(
    core: Core, programme: ProgrammeId, finish: Callable[[Session], None] | None
) -> bool:
    """Count the days that moved, as of one instant; False where all must be, or is cheaper."""
    with core.transaction() as session:
        store.afford(session)
        since = store.counted(session, programme=programme)
        if since is None or store.tasks(session, programme=programme):
            return False
        now, xid = core.now(session), moving.horizon(session)
        moved = moving.moved(session, programme=programme, since=since)
        if moved.many:
            return False
        moved |= store.repeats(session, programme=programme, days=moved.orders)
        _recount(session, programme, moved)
        store.mark(session, programme=programme, as_of=now, xid=xid)
        if finish is not None:
            finish(session)
        return True


def _recount(session: Session, programme: ProgrammeId, moved: Moved) -> None:
    """Count what moved anew, and sum up the days that had or have cells of it."""
    before = store.days_of(session, programme=programme, moved=moved)
    store.recount(session, programme=programme, moved=moved)
    after = store.days_of(session, programme=programme, moved=moved)
    days, claim_days = (one | other for one, other in zip(before, after, strict=True))
    store.sum_up(session, programme=programme, days=days, claim_days=claim_days)
    trade_in_store.recount(session, programme=programme, days=moved.sales)


def _plan(core: Core, programme: ProgrammeId) -> set[int]:
    """Put a full recount on the list, unless one is there. The horizon of its parts, if any."""
    with core.transaction() as session:
        store.afford(session)
        known = {one.xid for one in store.tasks(session, programme=programme)}
        within = moving.whole(session, programme=programme)
        if known or within is None:
            return known
        xid = moving.horizon(session)
        store.plan(session, programme=programme, within=within, xid=xid)
        return {xid}


def _draft(core: Core, programme: ProgrammeId, say: Say) -> None:
    with core.transaction() as session:
        tasks = store.tasks(session, programme=programme)
    for place, task in enumerate(tasks):
        if task.done_at is None:
            with core.transaction() as session:
                store.afford(session)
                within = Span(task.first, task.last)
                now = core.now(session)
                store.draft(session, programme=programme, within=within, now=now)
        say(place + 1, len(tasks))


def _publish_whole(
    core: Core, programme: ProgrammeId, plan: set[int], finish: Callable[[Session], None] | None
) -> None:
    """Prove the figures by the draft, or let it take their place, as of one instant.

    Raises TryAgain when the draft is not the one that was planned: a server that was started anew
    forgets who is alone, and somebody else was quicker.
    """
    with core.transaction() as session:
        store.afford(session)
        tasks = store.tasks(session, programme=programme)
        if {one.xid for one in tasks} != plan or not all(one.done_at for one in tasks):
            raise TryAgain(retry_after_seconds=1)
        now, xid = core.now(session), moving.horizon(session)
        since = store.counted(session, programme=programme)
        if since is None:
            _replace(session, programme)
            proved: dict[str, Any] = {}
        else:
            found = _prove(session, programme, since)
            proved = {"proved_at": now, "proved_cells": found.cells, "differing": found.differing}
        store.forget_draft(session, programme=programme)
        store.mark(session, programme=programme, as_of=now, xid=xid, **proved)
        if finish is not None:
            finish(session)


def _prove(session: Session, programme: ProgrammeId, since: int) -> Proof:
    """Compare what stands with the draft. Where it stands the proof, what moved is counted as
    ever; else the draft takes the place of everything.
    """
    moved = _moved(session, programme, since)
    found = proving.compare(session, programme=programme, moved=moved)
    if found.differing or moved.many:
        _replace(session, programme)
    else:
        _recount(session, programme, moved)
    return found


def _replace(session: Session, programme: ProgrammeId) -> None:
    """The draft takes the place of all figures; what moved since it was planned is counted."""
    tasks = store.tasks(session, programme=programme)
    store.merge(session, programme=programme)
    if tasks:
        moved = _moved(session, programme, tasks[0].xid)
        store.recount(session, programme=programme, moved=moved)
    days, claim_days = store.all_days(session, programme=programme)
    store.sum_up(session, programme=programme, days=days, claim_days=claim_days)
    trade_in_store.recount_whole(session, programme=programme)


def _moved(session: Session, programme: ProgrammeId, since: int) -> Moved:
    """What moved since a horizon; who repeats a payment is known afterwards."""
    moved = moving.moved(session, programme=programme, since=since)
    return moved | store.repeats(session, programme=programme, days=moved.orders)
