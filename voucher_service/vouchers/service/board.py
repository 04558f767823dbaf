"""The first page of residents: offers open and to come, and what the reader has to do with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.allocation import service as allocation
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.canary import kept_shut
from voucher_service.campaigns.flowing import flowing
from voucher_service.campaigns.model import Offer, Release
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import OfferId, ResidentId
from voucher_service.lotteries import service as lotteries
from voucher_service.lotteries.model import Draw
from voucher_service.pushes import service as pushes

from .. import store
from ..model import Voucher
from ..tables import VoucherRow


@dataclass(frozen=True, slots=True)
class Standing:
    """An offer at an instant. `release` is the one opened last, or the next to open; `quota` and
    `remaining` count the releases that are open, or that next one; `mine` is what the reader holds.
    `draw` is its lottery, if it has one; `for_me` says whether the offer is for the reader at all.
    """

    offer: Offer
    release: Release
    is_open: bool
    quota: int
    remaining: int
    following: Release | None
    mine: tuple[Voucher, ...] = ()
    draw: Draw | None = None
    for_me: bool = True

    @property
    def claimable(self) -> bool:
        """Whether the reader could take one now, as far as it is known before asking."""
        return (
            self.for_me
            and self.is_open
            and self.remaining > 0
            and len(self.mine) < self.offer.per_resident_limit
        )


def board(core: Core, *, actor: Actor | None = None) -> list[Standing]:
    """Published offers that are open, by when they close, then those to come, by when they open.

    Offers for the residents of a list are shown to these alone, the sandbox's to who holds one.
    """
    offers = campaigns.open_offers(core)
    with core.transaction() as session:
        now = core.now(session)
        offers = [kept_shut(one, now) for one in _shown(session, actor, offers)]
        pools = [flowing(one, now) for one in offers]
        left = allocation.remaining(core, session, offers=pools, now=now, rows=VoucherRow)
        held = _held(session, actor, offers)
        draws = lotteries.draws(session, offers=[one.id for one in offers], actor=actor)
    found = []
    for one in offers:
        standing = _standing(one, now, left[one.id], tuple(held.get(one.id, ())))
        draw = draws.get(one.id)
        if standing is not None and (standing.mine or not one.sandbox):
            mine = draw is None or draw.may_claim(now)
            found.append(replace(standing, draw=draw, for_me=mine))
    return sorted(found, key=_order)


def _shown(session: Session, actor: Actor | None, offers: Sequence[Offer]) -> list[Offer]:
    """Without the offers whose lists don't name the reader."""
    closed = pushes.reserved(session, offers=[one.id for one in offers])
    reader = [ResidentId(actor.id)] if actor is not None and actor.id is not None else []
    for one in closed if reader else ():
        if not pushes.eligible(session, offer=one, residents=reader):
            closed = closed - {one}
    return [one for one in offers if one.id not in closed]


def _held(
    session: Session, actor: Actor | None, offers: Sequence[Offer]
) -> dict[OfferId, list[Voucher]]:
    held: dict[OfferId, list[Voucher]] = {}
    if actor is not None and actor.id is not None and offers:
        for one in store.vouchers(
            session,
            VoucherRow.resident_id == actor.id,
            VoucherRow.offer_id.in_([offer.id for offer in offers]),
            VoucherRow.holds_slot.is_(True),
        ):
            held.setdefault(one.offer.id, []).append(one)
    return held


def _standing(
    offer: Offer, now: datetime, remaining: int, mine: tuple[Voucher, ...]
) -> Standing | None:
    running = [one for one in offer.releases if one.opens_at <= now < one.closes_at]
    later = [one for one in offer.releases if one.opens_at > now]
    following = later[0] if later else None
    if running:
        quota = max(remaining, sum(one.quota for one in running))  # leftovers flow in
        return Standing(offer, running[-1], True, quota, remaining, following, mine)
    if following is None:
        return None  # it closed since the list was read
    return Standing(offer, following, False, following.quota, remaining, following, mine)


def _order(one: Standing) -> tuple[Any, ...]:
    instant = one.release.closes_at if one.is_open else one.release.opens_at
    return not one.is_open, instant, str(one.offer.id)
