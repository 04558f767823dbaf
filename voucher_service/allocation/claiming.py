"""A claim, decided: ask the gate, write the batch in one transaction, settle with the gate, answer.

What is claimed is an `Issue`: vouchers, or qualifications. Nothing is touched here; every touch is
a step that somebody else makes, on real servers or on simulated ones. What is acknowledged is
committed; what is not known is answered with "try again", and the same key finds out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Mode, Offer, OfferStatus
from voucher_service.infra.core import Core
from voucher_service.infra.flow import Flow, step, within
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.errors import DomainError, TryAgain
from voucher_service.kernel.ids import VoucherId

from . import degraded
from . import service as allocation
from .issue import Issue, Perhaps, R, Seated, Settled, Told, V, row_id
from .model import Answer as Admitted
from .model import Closed, GateNotReady, Pool, SeatFreed, Verdict

# A gate is filled within a second or two; most are filled in a few milliseconds.
_PAUSES = (0.0, 0.02, 0.05, 0.1, 0.3)


def claiming(
    issue: Issue[R, V], requests: Sequence[R], *, at: datetime | None
) -> Flow[Core, list[Told[V]]]:
    """Claims of one offer as one batch; the answers in order. `at` None: by the servers' clocks.

    Raises NoSuchThing, and TryAgain when the outcome is not known.
    """
    fresh = False
    for pause_seconds in _PAUSES:
        try:
            return (yield from _attempt(issue, requests, at, fresh=fresh))
        except GateNotReady:
            # The gate was filled anew while we were writing, or another process is filling it.
            fresh = True
            yield from step(pause, pause_seconds)
    raise TryAgain(retry_after_seconds=1)


def clock(_core: Core) -> datetime:
    """This process's clock; good enough to leave out releases that are hours away."""
    return datetime.now(UTC)


def pause(_core: Core, seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def _attempt(
    issue: Issue[R, V], requests: Sequence[R], at: datetime | None, *, fresh: bool
) -> Flow[Core, list[Told[V]]]:
    """Ask the gate, write who got a seat, and say why the others got none.

    Who is refused at the gate costs PostgreSQL nothing.
    """
    now = at or (yield from step(clock))
    found = yield from issue.offer(fresh=fresh)
    barred = yield from issue.barred(requests, now)
    answers: list[Perhaps[V]] = [barred.get(one.resident) for one in requests]
    asking = {i: one for i, one in enumerate(requests) if one.resident not in barred}
    if found.mode is Mode.DEGRADED:
        given = yield from within(Core.transaction, _from_books(issue, found, asking, at))
    else:
        found, given = yield from _from_gate(issue, found, asking, now, at)
    for i, answer in given.items():
        answers[i] = answer
    if found.status is not OfferStatus.OPEN:
        # A paused or closed offer still repeats what it answered while it was open.
        known = yield from within(Core.transaction, issue.known(requests))
        for i, one_known in enumerate(known):
            if isinstance(one_known, Outcome):
                answers[i] = one_known
    yield from issue.explain(found, requests, answers)
    told = [answer for answer in answers if answer is not None]
    refused = {i: one for i, one in enumerate(told) if isinstance(one, DomainError)}
    if refused:
        yield from issue.note(found, [(requests[i], one.code) for i, one in refused.items()], now)
    return told


def _from_gate(
    issue: Issue[R, V], offer: Offer, requests: dict[int, R], now: datetime, at: datetime | None
) -> Flow[Core, tuple[Offer, dict[int, Told[V]]]]:
    """Ask the gate, write what it gave; the answers are of the offer that is returned."""
    offer, pool, admitted = yield from _admitted(issue, offer, list(requests.values()), now)
    answers, seated = _parted(issue, requests, admitted, offer, now)
    if seated:
        answers |= yield from _written(issue, offer, pool, seated, at)
    return offer, answers


def _from_books(
    issue: Issue[R, V], offer: Offer, requests: dict[int, R], at: datetime | None
) -> Flow[Session, dict[int, Told[V]]]:
    """One transaction while the gate is away: seats, rows, transfer and record.

    Batches of an offer take turns. Raises GateNotReady when the mode or the epoch is another.
    """
    known = yield from issue.known(list(requests.values()))
    answers = {i: one for i, one in zip(requests, known, strict=True) if one is not None}
    asking = {i: one for i, one in requests.items() if i not in answers}
    if not asking:
        return answers
    fence = yield from step(campaigns.fence, offer=offer.id, alone=True)
    if fence.status is not OfferStatus.OPEN:
        return answers | {i: Closed() for i in asking}
    if fence.epoch != offer.epoch:
        raise GateNotReady(retry_after_seconds=1)
    now, pool = at or fence.at, allocation.pool_of(offer)
    asks = [one.ask for one in asking.values()]
    admitted = yield from step(degraded.seats, pool=pool, asks=asks, now=now, rows=issue.rows)
    refused, seated = _parted(issue, asking, admitted, offer, now)
    answers |= refused
    if seated:
        written, _ = yield from issue.write(offer, pool, seated, now)
        for i, answer in written.items():
            assert answer is not None, "nobody else writes slots of this epoch"
            answers[i] = answer
    return answers


def _parted(
    issue: Issue[R, V],
    requests: dict[int, R],
    admitted: Sequence[Admitted],
    offer: Offer,
    now: datetime,
) -> tuple[dict[int, Told[V]], Seated[R]]:
    """Who is refused, with the refusal, and who has a seat."""
    refused: dict[int, Told[V]] = {}
    seated: Seated[R] = {}
    for (i, request), one in zip(requests.items(), admitted, strict=True):
        if one.seat:
            seated[i] = request, one.seat
        else:
            refused[i] = issue.refusal(one.verdict, offer, now)
    return refused, seated


def _admitted(
    issue: Issue[R, V], offer: Offer, requests: Sequence[R], now: datetime
) -> Flow[Core, tuple[Offer, Pool, list[Admitted]]]:
    """A seat or a verdict for each, from the gate; with the offer and the epoch they are of.

    Raises TryAgain while the gate is away, and GateNotReady once that has lasted: then PostgreSQL
    alone is declared to hand out the slots, and the offer is to be read anew.
    """
    asks = [one.ask for one in requests]
    if not asks:
        return offer, allocation.pool_of(offer), []
    counted = issue.counted
    try:
        answered = yield from step(allocation.ask, offer=offer, asks=asks, now=now, counted=counted)
    except TryAgain:
        if offer.status is not OfferStatus.OPEN or not (yield from step(degraded.lasting)):
            raise
        yield from allocation.entering(offer=offer)
        raise GateNotReady(retry_after_seconds=1) from None
    if answered is None:
        offer = yield from issue.offer(fresh=True)
        if offer.mode is Mode.DEGRADED:
            raise GateNotReady(retry_after_seconds=1)
        answered = yield from allocation.admit(
            offer=offer, asks=asks, now=now, rows=issue.rows, counted=counted
        )
    pool, admitted = answered
    if admitted[0].verdict is Verdict.UNCOUNTED:
        yield from issue.counting(pool)
        raise GateNotReady(retry_after_seconds=1)
    return offer, pool, admitted


def _written(
    issue: Issue[R, V], offer: Offer, pool: Pool, seated: Seated[R], at: datetime | None
) -> Flow[Core, dict[int, Told[V]]]:
    """Write a batch of seats. Raises GateNotReady when the gate that gave them is out of date."""
    answers, settled = yield from within(Core.transaction, _batch(issue, offer, pool, seated, at))
    try:
        yield from step(allocation.settle, pool=pool, seats=settled)
    except SeatFreed:
        with suppress(GateNotReady):  # another process is at it
            yield from allocation.rebuilding(offer=offer.id, rows=issue.rows)
    if any(answer is None for answer in answers.values()):
        # The gate gave a slot that PostgreSQL knows as taken: it is not to be believed any more.
        yield from allocation.rebuilding(offer=offer.id, rows=issue.rows)
        raise GateNotReady(retry_after_seconds=1)
    return {i: answer for i, answer in answers.items() if answer is not None}


def _batch(
    issue: Issue[R, V], offer: Offer, pool: Pool, seated: Seated[R], at: datetime | None
) -> Flow[Session, tuple[dict[int, Perhaps[V]], Settled]]:
    """One transaction: rows, transfer and record. None for a row whose slot is somebody else's."""
    requests = [request for request, _ in seated.values()]
    answers = dict(zip(seated, (yield from issue.unfit(requests)), strict=True))
    going = {i: seated[i] for i, answer in answers.items() if answer is None}
    ids = {i: row_id(offer, seat) for i, (_, seat) in seated.items()}
    held: set[UUID] = set()
    if going:
        fence = yield from step(campaigns.fence, offer=offer.id, alone=issue.alone)
        if fence.status is not OfferStatus.OPEN:
            known = yield from issue.known(requests)
            return {i: one or Closed() for i, one in zip(seated, known, strict=True)}, []
        if fence.epoch != pool.epoch:
            raise GateNotReady(retry_after_seconds=1)
        written, held = yield from issue.write(offer, pool, going, at or fence.at)
        answers |= written
    return answers, _settled(seated, ids, answers, held)


def _settled(
    seated: Seated[R],
    ids: dict[int, VoucherId],
    answers: dict[int, Perhaps[V]],
    held: set[UUID],
) -> Settled:
    """What became of the seats; of those that are not named the reaper finds out.

    One that stands by another request's key is that request's to confirm.
    """
    settled: Settled = []
    for i, (request, seat) in seated.items():
        answer, own = answers[i], ids[i]
        if isinstance(answer, Outcome) and answer.value.id == own:
            settled.append((seat, request.ask.key_hash))
        elif answer is not None and own not in held:
            settled.append((seat, None))
    return settled
