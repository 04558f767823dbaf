"""Claims of qualifications, decided: who may, as far as places are open, and what is said to whom.

The gate hands out slots and counts places; constraints and the pool's lock have the last word.
"""
# ruff: noqa: ARG002 - what needs less keeps the signature of what needs more

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.allocation import model as allocation
from voucher_service.allocation.issue import Issue, Seated, Written, row_id
from voucher_service.allocation.model import LimitReached, Seat, SoldOut, Verdict
from voucher_service.audit import service as audit
from voucher_service.audit.service import Move
from voucher_service.campaigns.flowing import flowing
from voucher_service.campaigns.model import Offer
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core, core_of
from voucher_service.infra.flow import Flow, step, within
from voucher_service.infra.idempotency import KeyReused, Outcome
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import DomainError, TryAgain

from .. import store
from ..qualifications import LIFECYCLE, Pool, PoolFull, Qualification, QualificationId, Tally
from ..tables import QualificationRow
from .pools import count, places
from .request import Answer, Request

Find = Callable[[Session, datetime], Pool]


class Qualifications(Issue[Request, Qualification]):
    """The qualifications of the pool that `find` finds.

    Batches of a pool take turns, so that each knows what is left of the money. Whoever waited in
    line (`counted` False) asks for a place that the gate does not count for others.
    """

    rows = QualificationRow
    alone = True

    def __init__(self, find: Find, *, counted: bool = True) -> None:
        self._find = find
        self.counted = counted

    def offer(self, *, fresh: bool) -> Flow[Core, Offer]:
        """The pool's. Raises NoPool."""
        self._pool, now = yield from step(_read, self._find)
        return flowing(self._pool.offer, now)

    def known(self, requests: Sequence[Request]) -> Flow[Session, list[Answer | None]]:
        """Earlier answers, and who may not claim at all."""
        return step(_known, requests)

    unfit = known

    def write(
        self,
        offer: Offer,
        pool: allocation.Pool,
        seated: Seated[Request],
        now: datetime,
    ) -> Flow[Session, Written[Qualification]]:
        """Rows and record, as far as there are places; no money moves."""
        ids = {i: QualificationId(row_id(offer, seat)) for i, (_, seat) in seated.items()}
        return step(_write, self._pool, pool.epoch, seated, ids, now)

    def counting(self, pool: allocation.Pool) -> Flow[Core, None]:
        """Tell the gate how many places are open. Raises TryAgain."""
        yield from step(_count, self._pool, pool.epoch)

    def explain(
        self, offer: Offer, requests: Sequence[Request], answers: list[Answer | None]
    ) -> Flow[Core, None]:
        """Whoever has one, had one by this key or may not claim hears that, full or not."""
        refused = [
            i for i, one in enumerate(answers) if isinstance(one, PoolFull | SoldOut | LimitReached)
        ]
        if not refused:
            return
        explaining = step(_explained, self._pool, [requests[i] for i in refused])
        better = yield from within(Core.transaction, explaining)
        for i, one in zip(refused, better, strict=True):
            if isinstance(answers[i], LimitReached) and (one is None or isinstance(one, PoolFull)):
                # Their other claim is still under way, or the gate is out of date: no last word.
                answers[i] = TryAgain(retry_after_seconds=1)
            elif one is not None:
                answers[i] = one

    def refusal(self, verdict: Verdict, offer: Offer, now: datetime) -> DomainError:
        """As for every offer; and that the pool is full."""
        return PoolFull() if verdict is Verdict.FULL else super().refusal(verdict, offer, now)


def _read(core: Core, find: Find) -> tuple[Pool, datetime]:
    with core.transaction() as session:
        now = core.now(session)
        return find(session, now), now


def _count(core: Core, pool: Pool, epoch: int) -> None:
    count(core, pool=pool, epoch=epoch)


def _known(session: Session, requests: Sequence[Request]) -> list[Answer | None]:
    standing = identity.standings(session, residents=[one.resident for one in requests])
    earlier = earlier_answers(session, requests)
    return [
        before or standing.get(one.resident) for one, before in zip(requests, earlier, strict=True)
    ]


def _explained(session: Session, pool: Pool, requests: Sequence[Request]) -> list[Answer | None]:
    """What each hears instead of that there is none for them."""
    now = core_of(session).now(session)
    tally = store.tally(session, pool, {one.resident for one in requests}, day_of(now).year)
    known = _known(session, requests)
    better = [before or _refused(tally, one) for one, before in zip(requests, known, strict=True)]
    if all(better) or places(session, pool=pool, now=now):
        return better
    return [one or PoolFull() for one in better]  # slots or not, there is no money for more


def earlier_answers(session: Session, requests: Sequence[Request]) -> list[Answer | None]:
    """What the same residents were answered by the same keys."""
    found = store.by_key(session, [(one.resident, one.ask.key_hash) for one in requests])
    answers: list[Answer | None] = []
    for one in requests:
        before = found.get((one.resident, one.ask.key_hash))
        if before is None:
            answers.append(None)
        elif before.category is one.category:
            answers.append(Outcome(before, replayed=True))
        else:
            answers.append(KeyReused())
    return answers


def _write(
    session: Session,
    pool: Pool,
    epoch: int,
    seated: Seated[Request],
    ids: dict[int, QualificationId],
    now: datetime,
) -> Written[Qualification]:
    """Who may, in order and as far as there are places, under the pool's lock."""
    residents = {request.resident for request, _ in seated.values()}
    tally = store.tally(session, pool, residents, day_of(now).year)
    free = places(session, pool=pool, now=now)
    everybody, holders = store.waiting(session, pool.offer.id)
    refused: dict[int, DomainError] = {}
    rows: dict[QualificationId, dict[str, Any]] = {}
    for i, (request, seat) in seated.items():
        refusal = _refused(tally, request)
        if refusal is None and len(rows) >= free - (holders if request.in_line else everybody):
            refusal = PoolFull()
        if refusal is not None:
            refused[i] = refusal
        elif ids[i] not in rows:  # two requests of one resident may have been given one seat
            numbers = tally.take(request.resident, request.category, ids[i])
            rows[ids[i]] = _row(pool, request, seat, ids[i], numbers)
    # In one order: two pools of a category may want rows of the same residents.
    ordered = sorted(rows.values(), key=lambda one: str(one["resident_id"]))
    common = {
        "offer": pool.offer.id,
        "epoch": epoch,
        "now": now,
        "year": day_of(now).year,
        "valid_until": pool.valid_until(now),
    }
    new = store.insert(session, ordered, common) if ordered else set()
    _record(session, pool, seated, ids, rows, new, now)
    answers: dict[int, Answer | None] = {
        i: Outcome(_view(pool, ids[i], request, now))
        for i, (request, _) in seated.items()
        if ids[i] in new and rows[ids[i]]["claim_key_hash"] == request.ask.key_hash
    }
    unsure = {i: seated[i][0] for i in seated if i not in answers}
    if not unsure:
        return answers, new
    stands = store.standing(session, [ids[i] for i in unsure])
    tally = store.tally(session, pool, {one.resident for one in unsure.values()}, day_of(now).year)
    earlier = earlier_answers(session, list(unsure.values()))
    for (i, request), before in zip(unsure.items(), earlier, strict=True):
        # Without a reason of the resident's own somebody else has the slot.
        again = TryAgain(retry_after_seconds=1) if ids[i] in stands else None
        answers[i] = before or refused.get(i) or _refused(tally, request) or again
    return answers, new | stands


def _refused(tally: Tally, request: Request) -> DomainError | None:
    try:
        tally.next(request.resident, request.category)
    except DomainError as refusal:
        return refusal
    return None


def _row(
    pool: Pool, request: Request, seat: Seat, id: QualificationId, numbers: tuple[int, int]
) -> dict[str, Any]:
    unit, attempt = numbers
    return {
        "id": id,
        "release_id": seat.window.release,
        "release_quota": seat.window.quota,
        "slot": seat.slot,
        "resident_id": request.resident,
        "ordinal": seat.ordinal,
        "generation": seat.generation,
        "claim_key_hash": request.ask.key_hash,
        "category": str(request.category),
        "unit": unit,
        "units_most": pool.policy.units_of(request.category),
        "attempt": attempt,
        "attempts_most": pool.attempts(request.category),
        "code_ref": store.code_ref(id),
        "device_id": request.actor.evidence.device_id,
    }


def _record(
    session: Session,
    pool: Pool,
    seated: Seated[Request],
    ids: dict[int, QualificationId],
    rows: dict[QualificationId, dict[str, Any]],
    new: set[Any],
    now: datetime,
) -> None:
    """One audit event for each that is new."""
    actors = {ids[i]: request.actor for i, (request, _) in seated.items()}
    audit.record_all(
        session,
        action="qualification.claimed",
        object_type=LIFECYCLE.name,
        moves=[
            Move(
                id,
                actors[id],
                {
                    "offer": str(pool.offer.id),
                    "category": row["category"],
                    "attempt": row["attempt"],
                },
            )
            for id, row in rows.items()
            if id in new
        ],
        now=now,
        to_status=str(LIFECYCLE.initial),
    )


def _view(pool: Pool, id: QualificationId, request: Request, now: datetime) -> Qualification:
    """The qualification of a row that was just inserted, without reading it."""
    return Qualification(
        id,
        request.resident,
        pool,
        request.category,
        LIFECYCLE.initial,
        now,
        pool.valid_until(now),
        store.code_ref(id),
    )
