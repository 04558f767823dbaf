"""Claims of qualifications on the real servers, together with whoever claims at the same moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from voucher_service.allocation import group, upkeep
from voucher_service.allocation.claiming import claiming
from voucher_service.allocation.model import Closed
from voucher_service.allocation.upkeep import Gated
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import OfferStatus
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core, core_of
from voucher_service.infra.flow import run
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import OfferId, ResidentId

from .. import store
from ..policy import Category
from ..qualifications import NoPool, Pool, Qualification
from ..tables import QualificationRow
from .issuing import Find, Qualifications, earlier_answers
from .pools import offers, pool_of, pool_with
from .request import Answer, Request

# What the schedule looks after.
GATED = Gated(offers, QualificationRow)


class Claims(group.Group[Category, Request, Answer]):
    """The claims of one process: those of one category are one batch."""

    def __init__(self, core: Core) -> None:
        super().__init__(partial(claim_many, core))

    def claim(self, *, actor: Actor, category: Category, key: str) -> Outcome[Qualification]:
        """As `claim`. Raises what that raises, and TryAgain when too many are waiting."""
        return _value(self.answer(category, Request(actor, resident_of(actor), category, key)))


def claim(core: Core, *, actor: Actor, category: Category, key: str) -> Outcome[Qualification]:
    """Take one qualification of a category. The same key again gives the same one.

    Raises NoPool, IdentityRequired, NotOpenYet, Closed, QualificationLimit (naming what the
    resident has), ReclaimsUsed, PoolFull, SoldOut, KeyReused, and TryAgain when the outcome is not
    known.
    """
    request = Request(actor, resident_of(actor), category, key)
    (answer,) = claim_many(core, category, [request])
    return _value(answer)


def claim_many(core: Core, category: Category, requests: Sequence[Request]) -> list[Answer]:
    """Claims of one category as one batch; the answers in order. Raises TryAgain."""
    find: Find = lambda session, now: pool_of(session, category=category, now=now)  # noqa: E731
    try:
        return run(core, claiming(Qualifications(find), requests, at=core.clock.at))
    except NoPool as refusal:
        # There is none any more; who had one from it hears the same as then.
        with core.transaction() as session:
            return [one or refusal for one in earlier_answers(session, requests)]


def claim_in_line(core: Core, offer: OfferId, requests: Sequence[Request]) -> list[Answer]:
    """Claims of those who waited for a pool, first come first served. Raises TryAgain."""
    find: Find = lambda session, _: pool_with(session, offer=offer)  # noqa: E731
    issue = Qualifications(find, counted=False)
    return run(core, claiming(issue, requests, at=core.clock.at))


def prepare_gate(core: Core, *, offer: OfferId, refill: bool) -> None:
    """As `upkeep.prepare`, for a pool; other offers of trade-in have no gate."""
    with core.transaction() as session:
        found = store.pools(session, [campaigns.offer(session, offer=offer)])
    if found:
        upkeep.prepare(core, GATED, offer=offer, refill=refill)


def locked(session: Session, category: Category) -> tuple[Pool, datetime]:
    """The pool to claim from, which nobody else claims from until the transaction ends; and the
    server's instant. Raises NoPool, Closed.
    """
    core = core_of(session)
    pool = pool_of(session, category=category, now=core.now(session))
    fence = campaigns.fence(session, offer=pool.offer.id, alone=True)
    if fence.status is not OfferStatus.OPEN:
        raise Closed
    return pool, core.clock.at or fence.at


def check_may(
    session: Session, pool: Pool, resident: ResidentId, category: Category, now: datetime
) -> None:
    """Raises QualificationLimit, ReclaimsUsed."""
    store.tally(session, pool, [resident], day_of(now).year).next(resident, category)


def check_standing(session: Session, resident: ResidentId) -> None:
    """Raises IdentityRequired, ResidentBlocked."""
    refusal = identity.standings(session, residents=[resident]).get(resident)
    if refusal is not None:
        raise refusal


def resident_of(actor: Actor) -> ResidentId:
    """The resident who asks."""
    if actor.kind is not ActorKind.RESIDENT or actor.id is None:
        raise NoSuchThing
    return ResidentId(actor.id)


def _value(answer: Answer) -> Outcome[Qualification]:
    if isinstance(answer, DomainError):
        raise answer
    return answer
