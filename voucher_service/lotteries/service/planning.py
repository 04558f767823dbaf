"""The bureau's part: the terms, opening the entries, closing and publishing the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, OfferStatus
from voucher_service.campaigns.service.planning import draft
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import OfferId, new_id
from voucher_service.kernel.machine import IllegalTransition

from .. import drawing, store
from ..model import (
    LIFECYCLE,
    REVEAL_WITHIN,
    CommitmentsMissing,
    EntriesStillOpen,
    Event,
    Lottery,
    LotteryId,
    Party,
    Terms,
    check_terms,
    frozen,
)
from ..tables import LotteryRow
from .reading import of_area


def plan(core: Core, *, actor: Actor, offer: OfferId, terms: Terms) -> Lottery:
    """Say that an offer is drawn by lot, while its campaign is a draft; again: other terms.

    So no offer becomes a lottery after it was approved. Raises NoSuchThing, CampaignNotDraft,
    LotteryInvalid.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = campaigns.offer(session, offer=offer)
        draft(session, actor, found.campaign_id)
        if found.issues is not CampaignKind.VOUCHER:
            raise NoSuchThing
        check_terms(terms, found)
        stands = store.lotteries(session, LotteryRow.offer_id == offer)
        id = stands[0].id if stands else LotteryId(new_id())
        if stands:
            store.save_terms(session, id, terms)
        else:
            store.add(session, id, offer, terms, LIFECYCLE.initial)
        audit.record(
            session,
            actor=actor,
            action="lottery.planned",
            object_type="lottery",
            object_id=str(id),
            now=now,
            detail={
                "offer": str(offer),
                "seats": terms.seats,
                "waiting": terms.waiting,
                "opens_at": terms.opens_at.isoformat(),
                "closes_at": terms.closes_at.isoformat(),
            },
        )
        return store.lottery(session, id)


def open_entries(core: Core, *, actor: Actor, lottery: LotteryId) -> Lottery:
    """Announce a lottery whose offer was approved; entries come in its window.

    Raises NoSuchThing, IllegalTransition.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = of_area(session, actor, lottery, lock=True)
        offer = campaigns.offer(session, offer=found.offer.id)
        if offer.status is not OfferStatus.OPEN:
            raise IllegalTransition(state=str(offer.status), event=str(Event.OPENED))
        audit.transition(
            session,
            LotteryRow,
            id=lottery,
            current=found.status,
            lifecycle=LIFECYCLE,
            event=Event.OPENED,
            actor=actor,
            now=now,
        )
        return store.lottery(session, lottery)


def close_entries(core: Core, *, actor: Actor, lottery: LotteryId) -> Lottery:
    """Close the list after its hour and publish its hash, its length and the time to reveal.

    Raises NoSuchThing, IllegalTransition, EntriesStillOpen, CommitmentsMissing.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = of_area(session, actor, lottery, lock=True)
        LIFECYCLE.next(found.status, Event.CLOSED)
        if now < found.terms.closes_at:
            raise EntriesStillOpen(closes_at=found.terms.closes_at)
        if len(found.standing) < len(Party):
            raise CommitmentsMissing
        leaves = store.leaves(session, lottery)
        digest = drawing.list_hash(leaves)
        audit.transition(
            session,
            LotteryRow,
            id=lottery,
            current=found.status,
            lifecycle=LIFECYCLE,
            event=Event.CLOSED,
            actor=actor,
            now=now,
            set_={
                "closed_at": now,
                "entries": len(leaves),
                "list_sha256": digest,
                "reveal_by": now + REVEAL_WITHIN,
            },
            detail={"entries": len(leaves), "list_sha256": digest},
        )
        return store.lottery(session, lottery)


def _frozen(session: Session, offers: Sequence[OfferId]) -> list[dict[str, Any]]:
    """The lotteries of offers, for who approves their campaign."""
    found = store.lotteries(session, LotteryRow.offer_id.in_(offers))
    return [frozen(one) for one in sorted(found, key=lambda one: one.id)]


campaigns.also_frozen("lotteries", _frozen)
