"""Claims of vouchers, decided: what stands in the rows, and what is said to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.allocation.claiming import claiming
from voucher_service.allocation.issue import Issue, Seated, Written, row_id
from voucher_service.allocation.model import LimitReached, Pool
from voucher_service.campaigns.model import Offer
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.infra.flow import Flow, step, within
from voucher_service.infra.idempotency import KeyReused, Outcome
from voucher_service.kernel.errors import DomainError, TryAgain
from voucher_service.kernel.ids import OfferId, ResidentId, VoucherId
from voucher_service.lotteries import service as lotteries

from .. import store
from ..model import Voucher
from ..tables import VoucherRow
from . import write
from .remembered import remembered
from .request import Answer, Request


def claim_flow(
    offer: OfferId, requests: Sequence[Request], *, at: datetime | None
) -> Flow[Core, list[Answer]]:
    """Claims of one offer as one batch; the answers in order. `at` None: by the servers' clocks.

    Raises NoSuchThing, and TryAgain when the outcome is not known.
    """
    return claiming(Vouchers(offer), requests, at=at)


class Vouchers(Issue[Request, Voucher]):
    """The vouchers of one offer."""

    rows = VoucherRow

    def __init__(self, offer: OfferId) -> None:
        self._id = offer

    def offer(self, *, fresh: bool) -> Flow[Core, Offer]:
        """As this process remembers it for a second. Raises NoSuchThing."""
        return step(remembered, self._id, fresh=fresh)

    def barred(
        self, requests: Sequence[Request], now: datetime
    ) -> Flow[Core, Mapping[ResidentId, DomainError]]:
        """Who was not drawn."""
        residents = [one.resident for one in requests]
        return step(lotteries.barred, offer=self._id, residents=residents, now=now)

    def known(self, requests: Sequence[Request]) -> Flow[Session, list[Answer | None]]:
        """What can be said without a seat: earlier answers, and who may not claim at all."""
        residents = [one.resident for one in requests]
        standing = yield from step(identity.standings, residents=residents)
        pairs = [(one.resident, one.ask.key_hash) for one in requests]
        earlier = yield from step(store.by_key, pairs)
        mine = [id for id, of in earlier.values() if of == self._id]
        vouchers = (yield from step(write.by_id, mine)) if mine else {}
        answers: list[Answer | None] = []
        for request, pair in zip(requests, pairs, strict=True):
            before = earlier.get(pair)
            if before is None:
                answers.append(standing.get(request.resident))
            elif before[1] == self._id:
                answers.append(Outcome(vouchers[before[0]], replayed=True))
            else:
                answers.append(KeyReused())
        return answers

    def unfit(self, requests: Sequence[Request]) -> Flow[Session, list[Answer | None]]:
        """Who may not claim at all, and what they were answered while they might.

        Of the others nothing is asked: a key that was used before shows when its row is written.
        """
        residents = [one.resident for one in requests]
        standing = yield from step(identity.standings, residents=residents)
        barred = [i for i, one in enumerate(requests) if one.resident in standing]
        answers: list[Answer | None] = [None] * len(requests)
        if barred:
            known = yield from self.known([requests[i] for i in barred])
            for i, answer in zip(barred, known, strict=True):
                answers[i] = answer
        return answers

    def write(
        self,
        offer: Offer,
        pool: Pool,
        seated: Seated[Request],
        now: datetime,
    ) -> Flow[Session, Written[Voucher]]:
        """Rows, transfer and record; what became of each, and which of the seats' ids stand."""
        ids = {i: row_id(offer, seat) for i, (_, seat) in seated.items()}
        new = yield from step(store.insert, write.values(offer, pool, seated, ids, now))
        if new:
            requests = [request for request, _ in seated.values()]
            yield from step(write.post, offer, new, requests, now)
        return (yield from _answers(offer, seated, ids, new, now))

    def counting(self, pool: Pool) -> Flow[Core, None]:  # noqa: ARG002
        """Nothing to count: as many are given as there are slots."""
        yield from ()

    def explain(
        self, offer: Offer, requests: Sequence[Request], answers: list[Answer | None]
    ) -> Flow[Core, None]:
        """Name the vouchers that a resident at the limit holds, so that nobody is left without."""
        limited = [i for i, answer in enumerate(answers) if isinstance(answer, LimitReached)]
        if not limited:
            return
        residents = [requests[i].resident for i in limited]
        held = yield from within(Core.transaction, step(write.holding, offer.id, residents))
        for i in limited:
            mine = [str(one.id) for one in held if one.resident_id == requests[i].resident]
            answers[i] = LimitReached(extra={"voucher_ids": mine}, limit=offer.per_resident_limit)
            if len(mine) < offer.per_resident_limit:
                # Their other claim is still under way, or the gate is out of date: no last word.
                answers[i] = TryAgain(retry_after_seconds=1)

    def note(
        self, offer: Offer, refused: Sequence[tuple[Request, str]], now: datetime
    ) -> Flow[Core, None]:
        """Keep them for the control group."""
        return step(write.note, offer, refused, now)


def _answers(
    offer: Offer,
    seated: Seated[Request],
    ids: dict[int, VoucherId],
    new: set[UUID],
    now: datetime,
) -> Flow[Session, Written[Voucher]]:
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
