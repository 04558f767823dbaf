"""The first page of residents: offers open and to come, and what the reader holds of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.allocation import service as allocation
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, Release
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import OfferId

from .. import store
from ..model import Voucher
from ..tables import VoucherRow


@dataclass(frozen=True, slots=True)
class Standing:
    """An offer at an instant. `release` is the one opened last, or the next to open; `quota` and
    `remaining` count the releases that are open, or that next one; `mine` is what the reader holds.
    """

    offer: Offer
    release: Release
    is_open: bool
    quota: int
    remaining: int
    following: Release | None
    mine: tuple[Voucher, ...] = ()

    @property
    def claimable(self) -> bool:
        """Whether the reader could take one now, as far as it is known before asking."""
        return (
            self.is_open and self.remaining > 0 and len(self.mine) < self.offer.per_resident_limit
        )


def board(core: Core, *, actor: Actor | None = None) -> list[Standing]:
    """Published offers that are open, by when they close, then those to come, by when they open."""
    offers = campaigns.open_offers(core)
    with core.transaction() as session:
        now = core.now(session)
        left = allocation.remaining(core, session, offers=offers, now=now, rows=VoucherRow)
        held = _held(session, actor, offers)
    found = [_standing(one, now, left[one.id], tuple(held.get(one.id, ()))) for one in offers]
    return sorted((one for one in found if one is not None), key=_order)


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
        quota = sum(one.quota for one in running)
        return Standing(offer, running[-1], True, quota, remaining, following, mine)
    if following is None:
        return None  # it closed since the list was read
    return Standing(offer, following, False, following.quota, remaining, following, mine)


def _order(one: Standing) -> tuple[Any, ...]:
    instant = one.release.closes_at if one.is_open else one.release.opens_at
    return not one.is_open, instant, str(one.offer.id)
