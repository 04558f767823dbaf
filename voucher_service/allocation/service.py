"""Admit, settle, rebuild. The caller passes its class of rows; the constraints are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import redis
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferStatus
from voucher_service.infra import incarnation
from voucher_service.infra.core import Core
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.ids import OfferId, ReleaseId, voucher_id

from .filling import Filling
from .gate import Gate
from .model import Answer, Ask, GateNotReady, Pool, Verdict, Window
from .slots import Slotted

# A pending seat is left alone this long: longer than any transaction of a claim can last.
SETTLE_AFTER = timedelta(seconds=15)


def pool_of(offer: Offer) -> Pool:
    """An offer as the gate sees it."""
    return Pool(
        offer.id,
        offer.epoch,
        offer.per_resident_limit,
        tuple(
            Window(ReleaseId(one.id), one.opens_at, one.closes_at, one.quota)
            for one in offer.releases
        ),
    )


def ask(
    core: Core, *, offer: Offer, asks: Sequence[Ask], now: datetime
) -> tuple[Pool, list[Answer]] | None:
    """Ask the gate for a seat each; None when it is not ready for this offer's epoch.

    Returns the pool whose epoch the seats are of. Raises TryAgain when the gate is away.
    """
    pool = pool_of(offer)
    answers = Gate(core, offer.id).admit(pool, asks, now)
    other = incarnation.differs(core.gate, offer.gate_run_id)
    return None if other or answers[0].verdict is Verdict.NOT_READY else (pool, answers)


def admit(
    core: Core, *, offer: Offer, asks: Sequence[Ask], now: datetime, rows: type[Slotted]
) -> tuple[Pool, list[Answer]]:
    """As `ask`; a gate that is not ready is filled first, by one process.

    Raises TryAgain, and GateNotReady while another process fills it.
    """
    answered = ask(core, offer=offer, asks=asks, now=now)
    if answered is None and offer.status is not OfferStatus.OPEN:
        return pool_of(offer), [Answer(Verdict.CLOSED) for _ in asks]
    if answered is None:
        pool = rebuild(core, offer=offer.id, rows=rows)
        filled = replace(offer, epoch=pool.epoch, gate_run_id="")
        answered = ask(core, offer=filled, asks=asks, now=now)
    if answered is None:
        raise GateNotReady(retry_after_seconds=1)
    return answered


def ready(core: Core, *, offer: Offer) -> bool:
    """Whether the gate stands at the offer's epoch."""
    return Gate(core, offer.id).free(pool_of(offer)) is not None


def rebuild(core: Core, *, offer: OfferId, rows: type[Slotted]) -> Pool:
    """Fill the gate from PostgreSQL: raise the epoch, read what is held, load, switch.

    One process at a time. Claims wait or are told to try again; none is lost, since the raised
    epoch fences those under way. Raises GateNotReady while another process fills it.
    """
    with core.engine.connect() as connection:
        taken = connection.execute(
            text("SELECT pg_try_advisory_lock(hashtextextended(:offer, 0))"), {"offer": str(offer)}
        ).scalar_one()
        connection.commit()
        if not taken:
            raise GateNotReady(retry_after_seconds=1)
        try:
            return _fill(core, offer, rows)
        finally:
            connection.execute(
                text("SELECT pg_advisory_unlock(hashtextextended(:offer, 0))"),
                {"offer": str(offer)},
            )
            connection.commit()


def _fill(core: Core, offer: OfferId, rows: type[Slotted]) -> Pool:
    filling = Filling(core, offer)
    try:
        run_id = incarnation.current(core.gate)
    except redis.RedisError as error:
        raise TryAgain(retry_after_seconds=1) from error
    with core.transaction() as session:
        campaigns.raise_epoch(session, offer)
        campaigns.set_run_id(session, offer, run_id=run_id)
        pool = pool_of(campaigns.offer(session, offer=offer))
        filling.load(session, pool=pool, rows=rows)
    filling.activate(pool)
    return pool


def settle_pending(core: Core, *, offer: Offer, rows: type[Slotted]) -> int:
    """Confirm or free seats that were set aside and not settled, by what PostgreSQL holds.

    A freed seat's late commit is caught by the slot's unique index. Returns how many were settled.
    """
    pool, gate = pool_of(offer), Gate(core, offer.id)
    table: Any = rows.__table__  # type: ignore[attr-defined]
    try:
        with core.transaction() as session:
            now = core.now(session)
            seats = gate.pending(pool, now - SETTLE_AFTER)
            ids = {
                voucher_id(offer.id, one.resident, one.ordinal, one.generation): one
                for one in seats
            }
            held = set(session.scalars(select(table.c.id).where(table.c.id.in_(ids))))
        gate.settle(pool, [(seat, id in held) for id, seat in ids.items()])
    except redis.RedisError as error:
        raise TryAgain(retry_after_seconds=1) from error
    return len(seats)


def remaining(
    core: Core, session: Session, *, offers: Sequence[Offer], now: datetime, rows: type[Slotted]
) -> dict[OfferId, int]:
    """Slots that can be claimed now; for an offer that is not open yet, those of its next release.

    From the gate, or counted in PostgreSQL when the gate can't tell.
    """
    counts: dict[OfferId, int] = {}
    for offer in offers:
        pool = pool_of(offer)
        free = Gate(core, offer.id).free(pool) or _free_in_books(session, pool, rows)
        open_now = [i for i, one in enumerate(pool.windows) if one.opens_at <= now < one.closes_at]
        later = [i for i, one in enumerate(pool.windows) if one.opens_at > now]
        counts[offer.id] = sum(free[i] for i in open_now or later[:1])
    return counts


def _free_in_books(session: Session, pool: Pool, rows: type[Slotted]) -> list[int]:
    table: Any = rows.__table__  # type: ignore[attr-defined]
    counts = session.execute(
        select(table.c.release_id, func.count())
        .where(table.c.offer_id == pool.offer, table.c.holds_slot)
        .group_by(table.c.release_id)
    )
    held: dict[UUID, int] = dict(counts.all())
    return [window.quota - held.get(window.release, 0) for window in pool.windows]
