"""How far the merchants' money is: what may be settled, and the step that settlement calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.audit.model import OvertakenByAnother
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CampaignId, MerchantId, OfferId, RedemptionId, new_id
from voucher_service.kernel.money import ZERO, Money

from .. import refund_store, settling_store
from ..model import Phase, Recovery
from ..settling_store import Billed, LeftOver, Moved, UnpaidOrder
from .refunding import owe

# What each phase follows on. A batch that is dropped sets its redemptions free again.
_BEFORE = {Phase.BATCHED: Phase.NONE, Phase.PAID: Phase.BATCHED, Phase.NONE: Phase.BATCHED}
_MOST_NAMED = 100
Settle = Callable[[CampaignId, Money], object]


def merchants_unpaid(session: Session, *, after: MerchantId | None) -> list[MerchantId]:
    """Merchants with redemptions that no batch has, whenever and of whatever, by id."""
    return settling_store.merchants_unpaid(session, after=after)


def unpaid(
    session: Session,
    *,
    merchants: Sequence[MerchantId],
    offers: Collection[OfferId] | None,
    until: datetime,
    lock: bool = False,
) -> list[UnpaidOrder]:
    """What these merchants redeemed before an instant and no batch has, by merchant; of these
    offers, or of all. With `lock` nobody refunds it until the transaction ends.
    """
    return settling_store.unpaid(
        session, merchants=merchants, offers=offers, until=until, lock=lock
    )


def left_over(
    session: Session,
    *,
    offers: Collection[OfferId],
    until: datetime,
    singly: Collection[RedemptionId],
) -> list[LeftOver]:
    """What was redeemed of these offers before an instant and no batch has: a sum for each
    merchant; subsidised sales and the redemptions in `singly` one by one.
    """
    return settling_store.left_over(session, offers=offers, until=until, singly=singly)


def billed(session: Session, *, ids: Collection[RedemptionId]) -> dict[RedemptionId, Billed]:
    """The orders of redemptions, for statements."""
    return settling_store.billed(session, ids)


def mark_settled(
    session: Session,
    *,
    ids: Collection[RedemptionId],
    phase: Phase,
    now: datetime,
    actor: Actor,
    settle: Settle | None = None,
) -> Mapping[RedemptionId, Money]:
    """Set the phase of redemptions: into a batch, paid, or out of a batch that is dropped.

    All of them or none. Returns what is due for each: of a batch under way that is what it was when
    the batch was made, refunds since then are owed by the merchant. Refunds wait for this step and
    this step for refunds. `settle` says which lines bear what is paid of a campaign; by what they
    have committed otherwise. Raises NoSuchThing for an id that isn't there, OvertakenByAnother when
    a redemption is undone or in another phase.
    """
    ids = set(ids)
    rows = _moved(session, ids, current=_BEFORE[phase], to=phase)
    kept = {one.id: one.kept for one in rows}
    overpaid = settling_store.net_offs(session, ids)
    if phase is Phase.PAID:
        _by_campaign(session, rows, settle or partial(_settle, session, now), now)
        for refund, merchant_id, subsidy in refund_store.net_offs(session, overpaid.keys()):
            owe(session, merchant_id=merchant_id, amount=subsidy, key=str(refund), now=now)
    if phase is Phase.NONE:
        # Nothing was paid, and the next batch begins with what is kept.
        refund_store.set_recovery(session, overpaid, current=Recovery.NET_OFF, to=Recovery.NONE)
        overpaid = {}
    _record(session, actor, ids, now, before=_BEFORE[phase], phase=phase)
    return {id: amount + overpaid.get(id, ZERO) for id, amount in kept.items()}


def mark_sent_back(
    session: Session,
    *,
    ids: Collection[RedemptionId],
    now: datetime,
    actor: Actor,
    unsettle: Settle,
) -> Mapping[RedemptionId, Money]:
    """The bank sent back what was paid for redemptions: they stand in their batch, as before.

    All of them or none. Returns what the funders had borne of each by now, and bear no longer;
    `unsettle` says which lines had. What was refunded so far is owed since it was paid and stays
    so. Raises as `mark_settled`.
    """
    ids = set(ids)
    rows = _moved(session, ids, current=Phase.PAID, to=Phase.BATCHED)
    netted = settling_store.net_offs(session, ids)
    refund_store.set_recovery(session, netted, current=Recovery.NET_OFF, to=Recovery.CLAW_BACK)
    _by_campaign(session, rows, unsettle, now)
    _record(session, actor, ids, now, before=Phase.PAID, phase=Phase.BATCHED)
    return {one.id: one.kept for one in rows}


def _moved(
    session: Session, ids: Collection[RedemptionId], *, current: Phase, to: Phase
) -> Sequence[Moved]:
    rows = settling_store.move(session, ids, current=current, to=to)
    if len(rows) != len(ids):
        if settling_store.count(session, ids) != len(ids):
            raise NoSuchThing
        raise OvertakenByAnother(object="redemption", event=f"redemption.{to}")
    return rows


def _record(
    session: Session,
    actor: Actor,
    ids: Collection[RedemptionId],
    now: datetime,
    *,
    before: Phase,
    phase: Phase,
) -> None:
    """The ids of a few, the number and one hash of many: the batch's items name them."""
    named = sorted(map(str, ids))
    detail: dict[str, object] = {"from": str(before)}
    if len(named) <= _MOST_NAMED:
        detail["ids"] = named
    else:
        digest = sha256("\n".join(named).encode()).hexdigest()
        detail |= {"count": len(named), "ids_sha256": digest}
    audit.record(
        session,
        actor=actor,
        action=f"redemption.phase_{phase}",
        object_type="redemption",
        object_id=named[0] if len(named) == 1 else str(new_id()),
        now=now,
        detail=detail,
    )


def _by_campaign(session: Session, rows: Iterable[Moved], settle: Settle, now: datetime) -> None:
    """Tell what is kept of each campaign's redemptions, once its offers are folded."""
    by_offer: dict[OfferId, int] = defaultdict(int)
    for one in rows:
        by_offer[one.offer_id] += one.kept.fen
    by_campaign: dict[CampaignId, Money] = defaultdict(lambda: ZERO)
    terms = campaigns.terms(session, offers=set(by_offer))
    for offer in sorted(terms.values(), key=lambda one: (one.campaign_id, one.id)):
        budgets.fold(session, campaign=offer.campaign_id, offer=offer.id, now=now)
        by_campaign[offer.campaign_id] += Money(by_offer[offer.id])
    for campaign, amount in by_campaign.items():
        settle(campaign, amount)


def _settle(session: Session, now: datetime, campaign: CampaignId, amount: Money) -> None:
    budgets.settle(session, campaign=campaign, amount=amount, key=str(new_id()), now=now)
