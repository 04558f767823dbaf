"""Claim: ask the gate, then write the batch in one transaction, then answer.

`claim` is a batch of one. What is acknowledged is committed; what is not known is answered with
"try again", and the same key finds out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from voucher_service.allocation import service as allocation
from voucher_service.allocation.model import (
    REFUSALS,
    GateNotReady,
    LimitReached,
    NotOpenYet,
    SoldOut,
    Verdict,
)
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferStatus
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError, TryAgain
from voucher_service.kernel.ids import OfferId
from voucher_service.lotteries import service as lotteries

from .. import refusals, store
from ..model import Voucher
from ..tables import VoucherRow
from .remembered import forget, remembered
from .request import Answer, Request
from .write import known_answers, write

# A gate is filled within a second or two; most are filled in a few milliseconds.
_PAUSES = (0.0, 0.02, 0.05, 0.1, 0.3)


def claim(core: Core, *, actor: Actor, offer: OfferId, key: str) -> Outcome[Voucher]:
    """Take one voucher of an offer. The same key again gives the same voucher.

    Raises NoSuchThing, IdentityRequired, NotOpenYet, Closed, SoldOut, LimitReached (with the ids of
    what the resident holds), KeyReused, and TryAgain when the outcome is not known.
    """
    (answer,) = claim_many(core, offer=offer, requests=[Request(actor, key)])
    if isinstance(answer, DomainError):
        raise answer
    return answer


def claim_many(core: Core, *, offer: OfferId, requests: Sequence[Request]) -> list[Answer]:
    """Claims of one offer as one batch: one call of the gate, one transaction. Answers in order."""
    for pause_seconds in _PAUSES:
        try:
            return _claim_batch(core, offer, requests)
        except GateNotReady:
            forget(offer)
            # The gate was filled anew while we were writing, or another process is filling it.
            time.sleep(pause_seconds)
    raise TryAgain(retry_after_seconds=1)


def prepare_gate(core: Core, *, offer: OfferId, refill: bool) -> None:
    """Fill an offer's gate from PostgreSQL before the crowd comes, or after slots came back.

    A gate that is ready is left alone unless `refill` says that it lacks slots.
    """
    with core.transaction() as session:
        found = campaigns.offer(session, offer=offer)
    if refill or not allocation.ready(core, offer=found):
        allocation.rebuild(core, offer=offer, rows=VoucherRow)


def settle_pending(core: Core, *, offer: Offer) -> int:
    """Settle seats that claims which died half-way left behind. Returns how many."""
    return allocation.settle_pending(core, offer=offer, rows=VoucherRow)


def remaining(
    core: Core, session: Session, *, offers: Sequence[Offer], now: datetime
) -> dict[OfferId, int]:
    """How many vouchers of each offer can be claimed now."""
    return allocation.remaining(core, session, offers=offers, now=now, rows=VoucherRow)


def _claim_batch(core: Core, offer: OfferId, requests: Sequence[Request]) -> list[Answer]:
    """Ask the gate, write who got a seat, and say why the others got none.

    Who is refused at the gate costs PostgreSQL nothing.
    """
    now = core.clock.at or datetime.now(UTC)
    found = remembered(core, offer)
    residents = [one.resident for one in requests]
    barred = lotteries.barred(core, offer=offer, residents=residents, now=now)
    going = [i for i, one in enumerate(requests) if one.resident not in barred]
    asks = [requests[i].ask for i in going]
    answered = (
        allocation.ask(core, offer=found, asks=asks, now=now)
        if asks
        else (allocation.pool_of(found), [])
    )
    if answered is None:
        found = remembered(core, offer, fresh=True)
        answered = allocation.admit(core, offer=found, asks=asks, now=now, rows=VoucherRow)
    pool_, admitted = answered
    answers: list[Answer | None] = [barred.get(one.resident) for one in requests]
    for i, one in zip(going, admitted, strict=True):
        answers[i] = None if one.seat else _refusal(one.verdict, found, now)
    seats = {i: (requests[i], one.seat) for i, one in zip(going, admitted, strict=True) if one.seat}
    if seats:
        for i, written in write(core, found, pool_, seats).items():
            answers[i] = written
    if found.status is not OfferStatus.OPEN:
        _repeat_first_answers(core, offer, requests, answers)
    _explain_limits(core, found, requests, answers)
    for request, answer in zip(requests, answers, strict=True):
        if isinstance(answer, DomainError):
            evidence = request.actor.evidence
            refusals.note(
                core, refusals.Refusal(offer, request.resident, answer.code, now, evidence)
            )
    return [answer for answer in answers if answer is not None]


def _repeat_first_answers(
    core: Core, offer: OfferId, requests: Sequence[Request], answers: list[Answer | None]
) -> None:
    """A paused or closed offer still repeats what it answered while it was open."""
    with core.transaction() as session:
        known = known_answers(session, offer, requests)
    for i, answer in enumerate(known):
        if isinstance(answer, Outcome):
            answers[i] = answer


def _refusal(verdict: Verdict, offer: Offer, now: datetime) -> DomainError:
    """The refusal, with the next opening where that is what to do next."""
    later = [one.opens_at for one in offer.releases if one.opens_at > now]
    if verdict is Verdict.TOO_EARLY and later:
        return NotOpenYet(opens_at=min(later))
    if verdict is Verdict.SOLD_OUT and later:
        return SoldOut(next_at=min(later))
    return REFUSALS[verdict]()


def _explain_limits(
    core: Core, offer: Offer, requests: Sequence[Request], answers: list[Answer | None]
) -> None:
    """Name the vouchers that a resident at the limit holds, so that nobody is left without them."""
    limited = [i for i, answer in enumerate(answers) if isinstance(answer, LimitReached)]
    if not limited:
        return
    residents = [requests[i].resident for i in limited]
    with core.transaction() as session:
        held = store.vouchers(
            session,
            VoucherRow.offer_id == offer.id,
            VoucherRow.resident_id.in_(residents),
            VoucherRow.holds_slot,
        )
    for i in limited:
        mine = [str(one.id) for one in held if one.resident_id == requests[i].resident]
        answers[i] = LimitReached(extra={"voucher_ids": mine}, limit=offer.per_resident_limit)
