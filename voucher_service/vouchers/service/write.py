"""Write a batch of seats in one transaction, then settle with the gate: rows, transfer, record."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.allocation import service as allocation
from voucher_service.allocation.gate import Gate
from voucher_service.allocation.model import (
    Closed,
    GateNotReady,
    LimitReached,
    Pool,
    Seat,
)
from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferStatus, max_liability
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import KeyReused, Outcome
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.ids import OfferId, VoucherId, new_id, voucher_id
from voucher_service.kernel.money import ZERO
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Stage, move, pool

from .. import store
from ..model import Status, Voucher
from ..tables import VoucherRow
from .request import Answer, Request


def known_answers(
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


def write(
    core: Core, offer: Offer, pool_: Pool, seated: dict[int, tuple[Request, Seat]]
) -> dict[int, Answer]:
    """Write a batch of seats. Raises GateNotReady when the gate that gave them is out of date."""
    with core.transaction() as session:
        known = known_answers(session, offer.id, [request for request, _ in seated.values()])
        answers: dict[int, Answer | None] = dict(zip(seated, known, strict=True))
        going = {i: seated[i] for i, answer in answers.items() if answer is None}
        held: set[UUID] = set()
        if going:
            fence = campaigns.fence(session, offer=offer.id)
            if fence.status is not OfferStatus.OPEN:
                return {i: answer or Closed() for i, answer in answers.items()}
            if fence.epoch != pool_.epoch:
                raise GateNotReady(retry_after_seconds=1)
            now = core.clock.at or fence.at
            held = _insert(session, offer, pool_, going, answers, now)
    stale = any(answer is None for answer in answers.values())
    _settle(core, offer, pool_, seated, answers, held)
    if stale:
        # The gate gave a slot that PostgreSQL knows as taken: it is not to be believed any more.
        allocation.rebuild(core, offer=offer.id, rows=VoucherRow)
        raise GateNotReady(retry_after_seconds=1)
    return {i: answer for i, answer in answers.items() if answer is not None}


def _insert(
    session: Session,
    offer: Offer,
    pool_: Pool,
    going: dict[int, tuple[Request, Seat]],
    answers: dict[int, Answer | None],
    now: datetime,
) -> set[UUID]:
    """Insert the rows, their transfer and their record; fill in the answers. The ids that stand."""
    ids = {
        i: voucher_id(offer.id, seat.resident, seat.ordinal, seat.generation)
        for i, (_, seat) in going.items()
    }
    new = store.insert(session, _values(offer, pool_, going, ids, now))
    if new:
        _post(session, offer, new_id(), new, going, now)
    answers |= _answers(session, offer, going, ids, new, now)
    return new | {ids[i] for i in going if isinstance(answers[i], LimitReached)}


def _settle(
    core: Core,
    offer: Offer,
    pool_: Pool,
    seated: dict[int, tuple[Request, Seat]],
    answers: dict[int, Answer | None],
    held: set[UUID],
) -> None:
    """Tell the gate what became of its seats; what it does not hear, the reaper settles."""
    settled: list[tuple[Seat, bool]] = []
    for i, (_, seat) in seated.items():
        answer = answers[i]
        own = voucher_id(offer.id, seat.resident, seat.ordinal, seat.generation)
        stands = own in held or (isinstance(answer, Outcome) and answer.value.id == own)
        if answer is not None:
            settled.append((seat, stands))
    Gate(core, offer.id).settle(pool_, settled)


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
    times = Counter(ids.values())  # two requests of one resident may have been given one seat
    fresh = {i for i in seated if ids[i] in new and times[ids[i]] == 1}
    answers: dict[int, Answer | None] = {
        i: Outcome(_view(offer, ids[i], seated[i][1], now)) for i in fresh
    }
    missing = [i for i in seated if i not in fresh]
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
