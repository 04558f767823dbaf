"""Claims on the real servers: the flow's decisions, each touch made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.allocation import service as allocation
from voucher_service.allocation import upkeep
from voucher_service.allocation.upkeep import Gated
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

# What the schedule looks after.
GATED = Gated(campaigns.open_offers, VoucherRow)


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
    """As `upkeep.prepare`, for an offer of vouchers."""
    upkeep.prepare(core, GATED, offer=offer, refill=refill)


def remaining(
    core: Core, session: Session, *, offers: Sequence[Offer], now: datetime
) -> dict[OfferId, int]:
    """How many vouchers of each offer can be claimed now."""
    return allocation.remaining(core, session, offers=offers, now=now, rows=VoucherRow)
