"""Claim: ask the gate, then write the batch in one transaction, then answer.

`claim` is a batch of one. What is acknowledged is committed; what is not known is answered with
"try again", and the same key finds out.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.allocation import service as allocation
from voucher_service.allocation.gate import Gate
from voucher_service.allocation.model import (
    REFUSALS,
    Ask,
    Closed,
    Drift,
    GateNotReady,
    LimitReached,
    NotOpenYet,
    Pool,
    Seat,
    SoldOut,
    Verdict,
)
from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferStatus, max_liability
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import KeyReused, Outcome, hash_of
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import DomainError, NoSuchThing, TryAgain
from voucher_service.kernel.ids import OfferId, ResidentId, VoucherId, new_id, voucher_id
from voucher_service.kernel.money import ZERO
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Stage, move, pool

from .. import refusals, store
from ..model import Status, Voucher
from ..tables import VoucherRow

Answer = Outcome[Voucher] | DomainError
# A gate is filled within a second or two; most are filled in a few milliseconds.
_PAUSES = (0.0, 0.02, 0.05, 0.1, 0.3)


@dataclass(frozen=True, slots=True)
class Request:
    """One resident's claim. The key is the caller's idempotency key."""

    actor: Actor
    key: str

    @property
    def resident(self) -> ResidentId:
        """Who claims."""
        assert self.actor.kind is ActorKind.RESIDENT and self.actor.id is not None
        return ResidentId(self.actor.id)

    @property
    def ask(self) -> Ask:
        """The claim as the gate sees it."""
        return Ask(self.resident, hash_of(self.key))


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


def drift(core: Core, session: Session, *, offer: Offer) -> Drift | None:
    """The gate against PostgreSQL for one offer, or None when the gate can't tell."""
    return allocation.drift(core, session, offer=offer, rows=VoucherRow)


def _claim_batch(core: Core, offer: OfferId, requests: Sequence[Request]) -> list[Answer]:
    with core.transaction() as session:
        now = core.now(session)
        found = campaigns.offer(session, offer=offer)
        if found.status is OfferStatus.DRAFT:
            raise NoSuchThing
        answers = _known_answers(session, offer, requests)
    waiting = [i for i, answer in enumerate(answers) if answer is None]
    if waiting:
        pool, admitted = allocation.admit(
            core, offer=found, asks=[requests[i].ask for i in waiting], now=now, rows=VoucherRow
        )
        seats: dict[int, Seat] = {}
        for i, one in zip(waiting, admitted, strict=True):
            if one.seat is not None:
                seats[i] = one.seat
            else:
                answers[i] = _refusal(one.verdict, found, now)
        if seats:
            written = _write(core, found, pool, {i: (requests[i], seats[i]) for i in seats})
            for i, result in written.items():
                answers[i] = result
    _explain_limits(core, found, requests, answers)
    for request, answer in zip(requests, answers, strict=True):
        if isinstance(answer, DomainError):
            evidence = request.actor.evidence
            refusals.note(
                core, refusals.Refusal(offer, request.resident, answer.code, now, evidence)
            )
    return [answer for answer in answers if answer is not None]


def _refusal(verdict: Verdict, offer: Offer, now: datetime) -> DomainError:
    """The refusal, with the next opening where that is what to do next."""
    later = [one.opens_at for one in offer.releases if one.opens_at > now]
    if verdict is Verdict.TOO_EARLY and later:
        return NotOpenYet(opens_at=min(later))
    if verdict is Verdict.SOLD_OUT and later:
        return SoldOut(next_at=min(later))
    return REFUSALS[verdict]()


def _known_answers(
    session: Session, offer: OfferId, requests: Sequence[Request]
) -> list[Answer | None]:
    """What can be said before the gate is asked: earlier answers, and who may not claim at all."""
    standing = identity.standings(session, residents=[one.resident for one in requests])
    pairs = [(one.resident, one.ask.key_hash) for one in requests]
    earlier = store.by_key(session, pairs)
    answers: list[Answer | None] = []
    for request, pair in zip(requests, pairs, strict=True):
        before = earlier.get(pair)
        if before is None:
            answers.append(standing.get(request.resident))
        elif before[1] == offer:
            (voucher,) = store.vouchers(session, VoucherRow.id == before[0])
            answers.append(Outcome(voucher, replayed=True))
        else:
            answers.append(KeyReused())
    return answers


def _write(
    core: Core, offer: Offer, pool_: Pool, seated: dict[int, tuple[Request, Seat]]
) -> dict[int, Answer]:
    """Write a batch of seats. Raises GateNotReady when the gate that gave them is out of date."""
    ids = {
        i: voucher_id(offer.id, seat.resident, seat.ordinal, seat.generation)
        for i, (_, seat) in seated.items()
    }
    batch = new_id()
    with core.transaction() as session:
        now = core.now(session)
        fence = campaigns.fence(session, offer=offer.id)
        if fence.status is not OfferStatus.OPEN:
            return {i: Closed() for i in seated}
        if fence.epoch != pool_.epoch:
            raise GateNotReady(retry_after_seconds=1)
        new = store.insert(session, _values(offer, pool_, seated, ids, now))
        if new:
            _post(session, offer, batch, new, seated, now)
        answers = _answers(session, offer, seated, ids, new, now)
    stale = [i for i, answer in answers.items() if answer is None]
    settled = [(seated[i][1], not isinstance(answers[i], KeyReused)) for i in seated if answers[i]]
    Gate(core, offer.id).settle(pool_, settled)
    if stale:
        # The gate gave a slot that PostgreSQL knows as taken: it is not to be believed any more.
        allocation.rebuild(core, offer=offer.id, rows=VoucherRow)
        raise GateNotReady(retry_after_seconds=1)
    return {i: answer for i, answer in answers.items() if answer is not None}


def _post(
    session: Session,
    offer: Offer,
    batch: UUID,
    new: set[UUID],
    seated: dict[int, tuple[Request, Seat]],
    now: datetime,
) -> None:
    ledger.post(
        session,
        code=Code.CLAIMED,
        key=str(batch),
        legs=move(
            max_liability(offer) * len(new),
            pool(offer.id, Stage.RESERVED),
            pool(offer.id, Stage.OUTSTANDING),
        ),
        now=now,
    )
    actors = {request.actor for request, _ in seated.values()}
    written = sorted(str(one) for one in new)
    audit.record(
        session,
        actor=actors.pop() if len(actors) == 1 else Actor(ActorKind.RESIDENT, None),
        action="voucher.claimed",
        object_type="voucher",
        object_id=written[0] if len(written) == 1 else str(batch),
        now=now,
        to_status=str(Status.CLAIMED),
        detail={
            "offer": str(offer.id),
            "ids": written,
            "sha256": hashlib.sha256("".join(written).encode()).hexdigest(),
        },
    )


def _answers(
    session: Session,
    offer: Offer,
    seated: dict[int, tuple[Request, Seat]],
    ids: dict[int, VoucherId],
    new: set[UUID],
    now: datetime,
) -> dict[int, Answer | None]:
    """What became of each row; None for one that conflicts with somebody else's."""
    answers: dict[int, Answer | None] = {
        i: Outcome(_view(offer, ids[i], seat, now))
        for i, (_, seat) in seated.items()
        if ids[i] in new
    }
    missing = [i for i in seated if ids[i] not in new]
    if not missing:
        return answers
    stands = {
        one.id: one for one in store.vouchers(session, VoucherRow.id.in_(ids[i] for i in missing))
    }
    keys = store.by_key(
        session, [(seated[i][0].resident, seated[i][0].ask.key_hash) for i in missing]
    )
    for i in missing:
        used = keys.get((seated[i][0].resident, seated[i][0].ask.key_hash))
        if used is not None and used[1] == offer.id:
            (voucher,) = store.vouchers(session, VoucherRow.id == used[0])
            answers[i] = Outcome(voucher, replayed=True)
        elif used is not None:
            answers[i] = KeyReused()
        elif ids[i] in stands:
            answers[i] = LimitReached()  # another request of the same resident got there first
        else:
            answers[i] = None
    return answers


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


def _values(
    offer: Offer,
    pool_: Pool,
    seated: dict[int, tuple[Request, Seat]],
    ids: dict[int, VoucherId],
    now: datetime,
) -> dict[str, Any]:
    seats = [seat for _, seat in seated.values()]
    evidence = [request.actor.evidence for request, _ in seated.values()]
    return {
        "offer": offer.id,
        "epoch": pool_.epoch,
        "now": now,
        "face": offer.face_value.fen,
        "until": offer.valid_until(now),
        "ids": list(ids.values()),
        "releases": [seat.window.release for seat in seats],
        "quotas": [seat.window.quota for seat in seats],
        "slots": [seat.slot for seat in seats],
        "residents": [seat.resident for seat in seats],
        "ordinals": [seat.ordinal for seat in seats],
        "generations": [seat.generation for seat in seats],
        "key_hashes": [request.ask.key_hash for request, _ in seated.values()],
        "code_refs": [store.code_ref(one) for one in ids.values()],
        "addresses": [one.address_prefix for one in evidence],
        "devices": [one.device_id for one in evidence],
        "agents": [one.agent_hash for one in evidence],
    }


def _view(offer: Offer, id: VoucherId, seat: Seat, now: datetime) -> Voucher:
    return Voucher(
        id,
        seat.resident,
        offer,
        Status.CLAIMED,
        offer.face_value,
        ZERO,
        now,
        now,
        offer.valid_until(now),
        store.code_ref(id),
    )
