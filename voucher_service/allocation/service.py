"""Admit, settle, rebuild. The caller passes its class of rows; the constraints are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import redis
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Mode, Offer, OfferStatus
from voucher_service.infra import incarnation
from voucher_service.infra.core import Core
from voucher_service.infra.flow import Flow, run, step, within
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.ids import OfferId, ReleaseId, VoucherId, voucher_id

from . import degraded
from .filling import Filling
from .gate import Gate, away
from .model import Answer, Ask, GateNotReady, Pool, Seat, SeatFreed, Verdict, Window
from .slots import Slotted

# A pending seat is left alone this long: longer than any transaction of a claim can last.
SETTLE_AFTER = timedelta(seconds=15)
# The audit event of an offer that PostgreSQL alone hands out from then on.
DEGRADED = "gate.away"


def pool_of(offer: Offer, *, counted: bool = False) -> Pool:
    """An offer as the gate sees it; `counted` when it gives no more than places are open."""
    return Pool(
        offer.id,
        offer.epoch,
        offer.per_resident_limit,
        tuple(
            Window(ReleaseId(one.id), one.opens_at, one.closes_at, one.quota)
            for one in offer.releases
        ),
        counted,
    )


def ask(
    core: Core, *, offer: Offer, asks: Sequence[Ask], now: datetime, counted: bool = False
) -> tuple[Pool, list[Answer]] | None:
    """Ask the gate for a seat each; None when it is not ready for this offer's epoch, and without
    asking when the offer is paused: then it is to be read anew.

    Returns the pool whose epoch the seats are of. Raises TryAgain when the gate is away.
    """
    if offer.status is OfferStatus.PAUSED:
        return None
    pool = pool_of(offer, counted=counted)
    answers = Gate(core, offer.id).admit(pool, asks, now)
    degraded.answered()
    other = incarnation.differs(core.gate, offer.gate_run_id)
    return None if other or answers[0].verdict is Verdict.NOT_READY else (pool, answers)


def admit(
    *,
    offer: Offer,
    asks: Sequence[Ask],
    now: datetime,
    rows: type[Slotted],
    counted: bool = False,
) -> Flow[Core, tuple[Pool, list[Answer]]]:
    """As `ask`, but as a flow; a gate that is not ready is filled first, by one process.

    Raises TryAgain, and GateNotReady while another process fills it.
    """
    answered = yield from step(ask, offer=offer, asks=asks, now=now, counted=counted)
    if answered is None and offer.status is not OfferStatus.OPEN:
        paused = offer.status is OfferStatus.PAUSED
        verdict = Verdict.PAUSED if paused else Verdict.CLOSED
        return pool_of(offer), [Answer(verdict) for _ in asks]
    if answered is None:
        pool = yield from rebuilding(offer=offer.id, rows=rows)
        filled = replace(offer, epoch=pool.epoch, gate_run_id="")
        answered = yield from step(ask, offer=filled, asks=asks, now=now, counted=counted)
    if answered is None:
        raise GateNotReady(retry_after_seconds=1)
    return answered


def settle(core: Core, *, pool: Pool, seats: Sequence[tuple[Seat, bytes | None]]) -> bool:
    """Tell the gate which seats PostgreSQL holds, by which key, and which not (None); free those.

    False when the gate is away or at another epoch: then the reaper settles them. Raises SeatFreed
    when the reaper was there first, and freed what PostgreSQL holds.
    """
    return Gate(core, pool.offer).settle(pool, seats)


def count_places(
    core: Core, *, offer: OfferId, epoch: int, places: Callable[[Session], int]
) -> bool:
    """Tell the gate how many more it may give, as `places` reads it of one snapshot.

    What was given before the gate was asked and is not pending is settled, so the snapshot knows
    it. All else is taken off: what was pending now, and what is given until the answer is there,
    by counting on. So the gate never has more places than there are, and for a moment fewer.

    False when the gate is not at that epoch. Raises TryAgain when it is away.
    """
    gate = Gate(core, offer)
    settled = gate.count(epoch)
    if settled is None:
        return False
    with core.transaction() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        free = places(session)
    return gate.count(epoch, settled + free) is not None


def ready(core: Core, *, offer: Offer) -> bool:
    """Whether the gate stands at the offer's epoch."""
    return Gate(core, offer.id).free(pool_of(offer)) is not None


def rebuild(core: Core, *, offer: OfferId, rows: type[Slotted]) -> Pool:
    """Fill the gate from PostgreSQL. Raises TryAgain, and GateNotReady while another fills it."""
    return run(core, rebuilding(offer=offer, rows=rows))


def rebuilding(*, offer: OfferId, rows: type[Slotted]) -> Flow[Core, Pool]:
    """Fill the gate: raise the epoch, read what is held, load, commit, switch.

    One process at a time. Claims wait or are told to try again; none is lost, since the raised
    epoch fences those under way.
    """
    return (yield from within(_alone, _fill(offer, rows), offer))


@contextmanager
def _alone(core: Core, offer: OfferId) -> Iterator[Core]:
    """One process at a time. Raises GateNotReady while another is inside."""
    with core.transaction() as session:
        lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:offer, 0))")
        if not session.execute(lock, {"offer": str(offer)}).scalar_one():
            raise GateNotReady(retry_after_seconds=1)
        yield core


def _fill(offer: OfferId, rows: type[Slotted]) -> Flow[Core, Pool]:
    filling = yield from step(Filling, offer)
    run_id = yield from step(_incarnation)
    pool = yield from within(Core.transaction, _load(filling, offer, run_id, rows))
    yield from step(_activate, filling, pool)
    return pool


def _load(
    filling: Filling, offer: OfferId, run_id: str, rows: type[Slotted]
) -> Flow[Session, Pool]:
    yield from step(campaigns.raise_epoch, offer, mode=Mode.GATE)
    yield from step(campaigns.set_run_id, offer, run_id=run_id)
    pool = pool_of((yield from step(campaigns.offer, offer=offer)))
    yield from step(filling.load, pool=pool, rows=rows)
    return pool


def entering(*, offer: Offer) -> Flow[Core, None]:
    """Declare that PostgreSQL alone hands out an offer's slots, until the gate is filled again.

    One process at a time, and once: nothing happens when the epoch is no longer the one at which
    the caller found the gate away. Raises TryAgain, and GateNotReady while another is at it.
    """
    declaring = within(Core.transaction, _declare(offer))
    yield from within(_alone, declaring, offer.id)


def _declare(known: Offer) -> Flow[Session, None]:
    fence = yield from step(campaigns.fence, offer=known.id, alone=True)
    if fence.epoch == known.epoch:
        epoch = yield from step(campaigns.raise_epoch, known.id, mode=Mode.DEGRADED)
        yield from step(_declared, known.id, epoch, fence.at)


def _declared(session: Session, offer: OfferId, epoch: int, at: datetime) -> None:
    audit.record(
        session,
        actor=SYSTEM,
        action=DEGRADED,
        object_type="offer",
        object_id=str(offer),
        now=at,
        detail={"to_epoch": epoch},
    )


def answering(core: Core) -> str:
    """Which incarnation of the gate answers; empty when none does that can be filled."""
    try:
        return incarnation.current(core.gate)
    except redis.RedisError:
        return ""


def _incarnation(core: Core) -> str:
    try:
        return incarnation.current(core.gate)
    except redis.RedisError as error:
        raise away(error) from error


def _activate(_core: Core, filling: Filling, pool: Pool) -> bool:
    return filling.activate(pool)


def settle_pending(core: Core, *, offer: Offer, rows: type[Slotted]) -> int:
    """Confirm or free seats that were set aside and not settled; how many. Raises TryAgain."""
    return run(core, settling(offer=offer, rows=rows))


def settling(*, offer: Offer, rows: type[Slotted]) -> Flow[Core, int]:
    """Settle old pending seats by what PostgreSQL holds.

    A freed seat's late commit is caught by the slot's unique index.
    """
    pool = pool_of(offer)
    now = yield from step(_now)
    seats = yield from step(_pending, pool, now - SETTLE_AFTER)
    if not seats:
        return 0
    ids = {voucher_id(offer.id, one.resident, one.ordinal, one.generation): one for one in seats}
    held = yield from within(Core.transaction, step(_held, list(ids), rows))
    try:
        yield from step(settle, pool=pool, seats=[(seat, held.get(id)) for id, seat in ids.items()])
    except SeatFreed:
        with suppress(GateNotReady):  # another process is at it
            yield from rebuilding(offer=offer.id, rows=rows)
    return len(seats)


def _now(core: Core) -> datetime:
    with core.transaction() as session:
        return core.now(session)


def _pending(core: Core, pool: Pool, before: datetime) -> list[Seat]:
    try:
        return Gate(core, pool.offer).pending(pool, before)
    except redis.RedisError as error:
        raise away(error) from error


def _held(session: Session, ids: list[VoucherId], rows: type[Slotted]) -> dict[UUID, bytes]:
    """Those of these ids that stand, with the hash of the key each was claimed by."""
    table: Any = rows.__table__  # type: ignore[attr-defined]
    found = session.execute(select(table.c.id, table.c.claim_key_hash).where(table.c.id.in_(ids)))
    return {id: bytes(key_hash) for id, key_hash in found}


def remaining(
    core: Core, session: Session, *, offers: Sequence[Offer], now: datetime, rows: type[Slotted]
) -> dict[OfferId, int]:
    """Slots that can be claimed now; for an offer that is not open yet, those of its next release.

    From the gate, or counted in PostgreSQL when the gate can't tell.
    """
    counts: dict[OfferId, int] = {}
    for offer in offers:
        pool = pool_of(offer)
        told = Gate(core, offer.id).free(pool) if offer.mode is Mode.GATE else None
        free = told or _free_in_books(session, pool, rows)
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
