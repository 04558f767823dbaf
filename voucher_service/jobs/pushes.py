"""Job `give_push`: claim for each line of a list, in batches. Arguments: `push`, its id.

A resident's claim has the key of the push, so that whoever takes over a run that died half-way
finds what it gave, and gives nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.allocation.model import Closed, LimitReached, NotOpenYet, SoldOut
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import OfferStatus
from voucher_service.identity.model import IdentityRequired, ResidentBlocked
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import DomainError, TryAgain
from voucher_service.kernel.ids import OfferId, ResidentId
from voucher_service.pushes import service as pushes
from voucher_service.pushes.model import NotEligible, PushId, Result
from voucher_service.vouchers import service as vouchers

_BATCH = 256
_SECONDS = 5.0
_FINAL: Mapping[type[DomainError], Result] = {
    LimitReached: Result.ALREADY_HAS,
    IdentityRequired: Result.NOT_VERIFIED,
    ResidentBlocked: Result.BLOCKED,
    NotEligible: Result.NOT_ELIGIBLE,
    SoldOut: Result.NO_SLOT,
}


def give_push(core: Core, args: Mapping[str, Any], finish: Callable[[Session], None]) -> None:
    """Give for a few seconds, so that no other job waits long; `go_on` wants the next run.

    Raises NotOpenYet and TryAgain when some lines must wait: the job is due again.
    """
    push = PushId(UUID(args["push"]))
    until = time.monotonic() + min(_SECONDS, core.settings.queue.lease_seconds / 2)
    more = True
    while more and time.monotonic() < until:
        more = _batch(core, push)
    with core.transaction() as session:
        if not more:
            pushes.close(session, push=push, now=core.now(session))
        finish(session)


def _batch(core: Core, id: PushId) -> bool:
    push, lines = pushes.waiting(core, push=id, most=_BATCH)
    if not lines:
        return False
    requests = [
        vouchers.Request(Actor(ActorKind.RESIDENT, one), f"push:{id}") for one in lines.values()
    ]
    answers = vouchers.claim_many(core, offer=push.offer.id, requests=requests)
    results: dict[int, Result] = {}
    given: dict[ResidentId, datetime] = {}
    later: DomainError | None = None
    for (number, resident), answer in zip(lines.items(), answers, strict=True):
        if isinstance(answer, Outcome):
            results[number], given[resident] = Result.GIVEN, answer.value.valid_until
        elif isinstance(answer, SoldOut) and campaigns.rest_to_come(core, offer=push.offer.id):
            later = TryAgain(retry_after_seconds=1)
        elif (result := _FINAL.get(type(answer))) is not None:
            results[number] = result
        elif isinstance(answer, Closed) and _over(core, push.offer.id):
            results[number] = Result.CLOSED
        else:
            later = answer if isinstance(answer, NotOpenYet) else TryAgain(retry_after_seconds=1)
    pushes.note(core, push=push, results=results, given=given)
    if later is not None:
        raise later
    return True


def _over(core: Core, offer: OfferId) -> bool:
    """Whether nothing of an offer can be claimed any more; a paused one may go on."""
    with core.transaction() as session:
        found, now = campaigns.offer(session, offer=offer), core.now(session)
    return found.status is OfferStatus.CLOSED or found.window()[1] <= now
