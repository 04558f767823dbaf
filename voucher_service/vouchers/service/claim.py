"""Claims on the real servers: the flow's decisions, each touch made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.allocation import service as allocation
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.infra.flow import run
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import OfferId

from ..model import Voucher
from ..tables import VoucherRow
from .flow import claim_flow
from .request import Answer, Request


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
    return run(core, claim_flow(offer, requests, at=core.clock.at))


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
