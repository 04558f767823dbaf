"""Reconcile: recount a programme from its raw rows, and split its commits over the funders."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.infra import outbox, queue
from voucher_service.infra.core import Core

from . import store, trade_in_store

KIND = "reconcile"


def ask(core: Core, *, programme: str | None = None) -> list[str]:
    """Want one programme reconciled, or all of them, and ring the worker. Returns the jobs' keys.

    Raises NoSuchThing for an unknown programme. `outbox.served` says when a job is done.
    """
    slugs = [programme] if programme else [one.slug for one in campaigns.programmes(core)]
    with core.transaction() as session:
        for slug in slugs:
            campaigns.programme(session, slug=slug)
            outbox.add(session, kind=KIND, key=f"{KIND}:{slug}", args={"programme": slug})
    keys = [f"{KIND}:{slug}" for slug in slugs]
    for key in keys:
        queue.ring(core.settings, key)
    return keys


def run(core: Core, *, programme: str, finish: Callable[[Session], None] | None = None) -> None:
    """Write the programme's rollups anew and fold its commits over the budget lines.

    One transaction, in which `finish` marks the job as done: killed half-way, the old figures
    stand; run twice, the figures are the same. Raises NoSuchThing, and TryAgain when another run
    on the same programme takes a minute.
    """
    with core.transaction() as session:
        found = campaigns.programme(session, slug=programme)
        store.lock(session, programme=found.id)
        now = core.now(session)
        store.recount(session, programme=found.id)
        trade_in_store.recount(session, programme=found.id)
        # Last, so that publishing and closing wait for the budget lines only a moment.
        for campaign, offer in store.offers(session, programme=found.id):
            budgets.fold(session, campaign=campaign, offer=offer, now=now)
        campaigns.send_rest_home(session, programme=found.id, now=now)
        store.mark(session, programme=found.id, as_of=now)
        if finish is not None:
            finish(session)


def changed(core: Core, *, after: int | None) -> tuple[list[str], int]:
    """Programmes with claims, redemptions or lapses posted after a ledger entry; with None, all.

    Beside them the newest entry now.
    """
    with core.transaction() as session:
        newest = store.newest_entry(session)
        if after is not None:
            return store.changed(session, after=after), newest
    return [one.slug for one in campaigns.programmes(core)], newest
