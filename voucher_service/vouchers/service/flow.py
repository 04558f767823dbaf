"""A claim, decided: ask the gate, write the batch in one transaction, settle with the gate, answer.

Nothing is touched here; every touch is a step that somebody else makes, on real servers or on
simulated ones. What is acknowledged is committed; what is not known is answered with "try again",
and the same key finds out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.allocation import degraded
from voucher_service.allocation import service as allocation
from voucher_service.allocation.model import (
    REFUSALS,
    Closed,
    GateNotReady,
    LimitReached,
    NotOpenYet,
    Pool,
    Seat,
    SeatFreed,
    SoldOut,
    Verdict,
)
from voucher_service.allocation.model import (
    Answer as Admitted,
)
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Mode, Offer, OfferStatus
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.infra.flow import Flow, step, within
from voucher_service.infra.idempotency import KeyReused, Outcome
from voucher_service.kernel.errors import DomainError, TryAgain
from voucher_service.kernel.ids import OfferId, VoucherId, voucher_id
from voucher_service.lotteries import service as lotteries

from .. import store
from ..tables import VoucherRow
from . import write
from .remembered import remembered
from .request import Answer, Request

# A gate is filled within a second or two; most are filled in a few milliseconds.
_PAUSES = (0.0, 0.02, 0.05, 0.1, 0.3)
Seated = dict[int, tuple[Request, Seat]]
# What is to be told to the gate: a seat, and the key by which PostgreSQL holds it, if it does.
Settled = list[tuple[Seat, bytes | None]]


def claim_flow(
    offer: OfferId, requests: Sequence[Request], *, at: datetime | None
) -> Flow[Core, list[Answer]]:
    """Claims of one offer as one batch; the answers in order. `at` None: by the servers' clocks.

    Raises NoSuchThing, and TryAgain when the outcome is not known.
    """
    fresh = False
    for pause_seconds in _PAUSES:
        try:
            return (yield from _attempt(offer, requests, at, fresh=fresh))
        except GateNotReady:
            # The gate was filled anew while we were writing, or another process is filling it.
            fresh = True
            yield from step(write.pause, pause_seconds)
    raise TryAgain(retry_after_seconds=1)


def known_answers(
    offer: OfferId, requests: Sequence[Request]
) -> Flow[Session, list[Answer | None]]:
    """What can be said without a seat: earlier answers, and who may not claim at all."""
    residents = [one.resident for one in requests]
    standing = yield from step(identity.standings, residents=residents)
    pairs = [(one.resident, one.ask.key_hash) for one in requests]
    earlier = yield from step(store.by_key, pairs)
    mine = [id for id, of in earlier.values() if of == offer]
    vouchers = (yield from step(write.by_id, mine)) if mine else {}
    answers: list[Answer | None] = []
    for request, pair in zip(requests, pairs, strict=True):
        before = earlier.get(pair)
        if before is None:
            answers.append(standing.get(request.resident))
        elif before[1] == offer:
            answers.append(Outcome(vouchers[before[0]], replayed=True))
        else:
            answers.append(KeyReused())
    return answers


def _barred(offer: OfferId, requests: Sequence[Request]) -> Flow[Session, list[Answer | None]]:
    """Who may not claim at all, and what they were answered while they might.

    Of the others nothing is asked: a key that was used before shows when its row is written.
    """
    standing = yield from step(identity.standings, residents=[one.resident for one in requests])
    barred = [i for i, one in enumerate(requests) if one.resident in standing]
    answers: list[Answer | None] = [None] * len(requests)
    if barred:
        known = yield from known_answers(offer, [requests[i] for i in barred])
        for i, answer in zip(barred, known, strict=True):
            answers[i] = answer
    return answers


def _attempt(
    offer: OfferId, requests: Sequence[Request], at: datetime | None, *, fresh: bool
) -> Flow[Core, list[Answer]]:
    """Ask the gate, write who got a seat, and say why the others got none.

    Who is refused at the gate costs PostgreSQL nothing.
    """
    now = at or (yield from step(write.now))
    found = yield from step(remembered, offer, fresh=fresh)
    residents = [one.resident for one in requests]
    barred = yield from step(lotteries.barred, offer=offer, residents=residents, now=now)
    going = [i for i, one in enumerate(requests) if one.resident not in barred]
    answers: list[Answer | None] = [barred.get(one.resident) for one in requests]
    asking = {i: requests[i] for i in going}
    if found.mode is Mode.DEGRADED:
        given = yield from within(Core.transaction, _from_books(found, asking, at))
    else:
        found, given = yield from _from_gate(found, asking, now, at)
    for i, answer in given.items():
        answers[i] = answer
    if found.status is not OfferStatus.OPEN:
        # A paused or closed offer still repeats what it answered while it was open.
        known = yield from within(Core.transaction, known_answers(offer, requests))
        for i, one_known in enumerate(known):
            if isinstance(one_known, Outcome):
                answers[i] = one_known
    yield from _explain_limits(found, requests, answers)
    told = [answer for answer in answers if answer is not None]
    refused = {i: one for i, one in enumerate(told) if isinstance(one, DomainError)}
    if refused:
        refusals = [(requests[i], error.code) for i, error in refused.items()]
        yield from step(write.note, found, refusals, now)
    return told


def _from_gate(
    offer: Offer, requests: dict[int, Request], now: datetime, at: datetime | None
) -> Flow[Core, tuple[Offer, dict[int, Answer]]]:
    """Ask the gate, write what it gave; the answers are of the offer that is returned."""
    offer, pool, admitted = yield from _admitted(offer, list(requests.values()), now)
    answers, seated = _parted(requests, admitted, offer, now)
    if seated:
        answers |= yield from _written(offer, pool, seated, at)
    return offer, answers


def _from_books(
    offer: Offer, requests: dict[int, Request], at: datetime | None
) -> Flow[Session, dict[int, Answer]]:
    """One transaction while the gate is away: seats, rows, transfer and record.

    Batches of an offer take turns. Raises GateNotReady when the mode or the epoch is another.
    """
    known = yield from known_answers(offer.id, list(requests.values()))
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
    admitted = yield from step(degraded.seats, pool=pool, asks=asks, now=now, rows=VoucherRow)
    refused, seated = _parted(asking, admitted, offer, now)
    answers |= refused
    if seated:
        written, _ = yield from _inserted(offer, pool, seated, now)
        for i, answer in written.items():
            assert answer is not None, "nobody else writes slots of this epoch"
            answers[i] = answer
    return answers


def _parted(
    requests: dict[int, Request], admitted: Sequence[Admitted], offer: Offer, now: datetime
) -> tuple[dict[int, Answer], Seated]:
    """Who is refused, with the refusal, and who has a seat."""
    refused: dict[int, Answer] = {}
    seated: Seated = {}
    for (i, request), one in zip(requests.items(), admitted, strict=True):
        if one.seat:
            seated[i] = request, one.seat
        else:
            refused[i] = _refusal(one.verdict, offer, now)
    return refused, seated


def _admitted(
    offer: Offer, requests: Sequence[Request], now: datetime
) -> Flow[Core, tuple[Offer, Pool, list[Admitted]]]:
    """A seat or a verdict for each, from the gate; with the offer and the epoch they are of.

    Raises TryAgain while the gate is away, and GateNotReady once that has lasted: then PostgreSQL
    alone is declared to hand out the slots, and the offer is to be read anew.
    """
    asks = [one.ask for one in requests]
    if not asks:
        return offer, allocation.pool_of(offer), []
    try:
        answered = yield from step(allocation.ask, offer=offer, asks=asks, now=now)
    except TryAgain:
        if offer.status is not OfferStatus.OPEN or not (yield from step(degraded.lasting)):
            raise
        yield from allocation.entering(offer=offer)
        raise GateNotReady(retry_after_seconds=1) from None
    if answered is None:
        offer = yield from step(remembered, offer.id, fresh=True)
        if offer.mode is Mode.DEGRADED:
            raise GateNotReady(retry_after_seconds=1)
        answered = yield from allocation.admit(offer=offer, asks=asks, now=now, rows=VoucherRow)
    return offer, *answered


def _written(
    offer: Offer, pool: Pool, seated: Seated, at: datetime | None
) -> Flow[Core, dict[int, Answer]]:
    """Write a batch of seats. Raises GateNotReady when the gate that gave them is out of date."""
    answers, settled = yield from within(Core.transaction, _batch(offer, pool, seated, at))
    try:
        yield from step(allocation.settle, pool=pool, seats=settled)
    except SeatFreed:
        with suppress(GateNotReady):  # another process is at it
            yield from allocation.rebuilding(offer=offer.id, rows=VoucherRow)
    if any(answer is None for answer in answers.values()):
        # The gate gave a slot that PostgreSQL knows as taken: it is not to be believed any more.
        yield from allocation.rebuilding(offer=offer.id, rows=VoucherRow)
        raise GateNotReady(retry_after_seconds=1)
    return {i: answer for i, answer in answers.items() if answer is not None}


def _batch(
    offer: Offer, pool: Pool, seated: Seated, at: datetime | None
) -> Flow[Session, tuple[dict[int, Answer | None], Settled]]:
    """One transaction: rows, transfer and record. None for a row whose slot is somebody else's."""
    requests = [request for request, _ in seated.values()]
    answers = dict(zip(seated, (yield from _barred(offer.id, requests)), strict=True))
    going = {i: seated[i] for i, answer in answers.items() if answer is None}
    ids = {i: _id(offer, seat) for i, (_, seat) in seated.items()}
    held: set[UUID] = set()
    if going:
        fence = yield from step(campaigns.fence, offer=offer.id)
        if fence.status is not OfferStatus.OPEN:
            known = yield from known_answers(offer.id, requests)
            return {i: one or Closed() for i, one in zip(seated, known, strict=True)}, []
        if fence.epoch != pool.epoch:
            raise GateNotReady(retry_after_seconds=1)
        written, held = yield from _inserted(offer, pool, going, at or fence.at)
        answers |= written
    return answers, _settled(seated, ids, answers, held)


def _inserted(
    offer: Offer, pool: Pool, seated: Seated, now: datetime
) -> Flow[Session, tuple[dict[int, Answer | None], set[UUID]]]:
    """Rows, transfer and record; what became of each, and which of the seats' ids stand."""
    ids = {i: _id(offer, seat) for i, (_, seat) in seated.items()}
    new = yield from step(store.insert, write.values(offer, pool, seated, ids, now))
    if new:
        yield from step(write.post, offer, new, [request for request, _ in seated.values()], now)
    return (yield from _answers(offer, seated, ids, new, now))


def _answers(
    offer: Offer, seated: Seated, ids: dict[int, VoucherId], new: set[UUID], now: datetime
) -> Flow[Session, tuple[dict[int, Answer | None], set[UUID]]]:
    """What became of each row, None where somebody else has the slot; which of the ids stand."""
    times = Counter(ids.values())  # two requests of one resident may have been given one seat
    fresh = {i for i in seated if ids[i] in new and times[ids[i]] == 1}
    answers: dict[int, Answer | None] = {
        i: Outcome(write.view(offer, ids[i], seated[i][1], now)) for i in fresh
    }
    missing = [i for i in seated if i not in fresh]
    if not missing:
        return answers, new
    pairs = {i: (seated[i][0].resident, seated[i][0].ask.key_hash) for i in missing}
    keys = yield from step(store.by_key, list(pairs.values()))
    mine = [id for id, of in keys.values() if of == offer.id]
    stands = yield from step(write.by_id, [*mine, *(ids[i] for i in missing)])
    for i in missing:
        used = keys.get(pairs[i])
        if used is not None and used[1] == offer.id:
            answers[i] = Outcome(stands[used[0]], replayed=True)
        elif used is not None:
            answers[i] = KeyReused()
        elif ids[i] in stands:
            answers[i] = LimitReached()  # another request of the same resident got there first
        else:
            answers[i] = None
    return answers, new | stands.keys()


def _settled(
    seated: Seated, ids: dict[int, VoucherId], answers: dict[int, Answer | None], held: set[UUID]
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


def _id(offer: Offer, seat: Seat) -> VoucherId:
    return voucher_id(offer.id, seat.resident, seat.ordinal, seat.generation)


def _refusal(verdict: Verdict, offer: Offer, now: datetime) -> DomainError:
    """The refusal, with the next opening where that is what to do next."""
    later = [one.opens_at for one in offer.releases if one.opens_at > now]
    if verdict in (Verdict.TOO_EARLY, Verdict.CLOSED) and later:
        return NotOpenYet(opens_at=min(later))
    if verdict is Verdict.SOLD_OUT and later:
        return SoldOut(next_at=min(later))
    return REFUSALS[verdict]()


def _explain_limits(
    offer: Offer, requests: Sequence[Request], answers: list[Answer | None]
) -> Flow[Core, None]:
    """Name the vouchers that a resident at the limit holds, so that nobody is left without them."""
    limited = [i for i, answer in enumerate(answers) if isinstance(answer, LimitReached)]
    if not limited:
        return
    residents = [requests[i].resident for i in limited]
    held = yield from within(Core.transaction, step(write.holding, offer.id, residents))
    for i in limited:
        mine = [str(one.id) for one in held if one.resident_id == requests[i].resident]
        answers[i] = LimitReached(extra={"voucher_ids": mine}, limit=offer.per_resident_limit)
        if len(mine) < offer.per_resident_limit:
            # Their other claim is still under way, or the gate is out of date: no last word yet.
            answers[i] = TryAgain(retry_after_seconds=1)
