"""How far the merchants' money is: the step that settlement calls, whatever was refunded before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.audit.model import OvertakenByAnother
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CampaignId, OfferId, RedemptionId, new_id
from voucher_service.kernel.money import ZERO, Money

from .. import refund_store
from ..model import Phase, Recovery, Status
from ..tables import RedemptionRow, RefundRow
from .refunding import owe

# What each phase follows on. A batch that is dropped sets its redemptions free again.
_BEFORE = {Phase.BATCHED: Phase.NONE, Phase.PAID: Phase.BATCHED, Phase.NONE: Phase.BATCHED}


def mark_settled(
    session: Session,
    *,
    ids: Collection[RedemptionId],
    phase: Phase,
    now: datetime,
    actor: Actor,
) -> Mapping[RedemptionId, Money]:
    """Set the phase of redemptions: into a batch, paid, or out of a batch that is dropped.

    All of them or none. Returns what is due for each: of a batch under way that is what it was when
    the batch was made, refunds since then are owed by the merchant. Refunds wait for this step and
    this step for refunds. Raises NoSuchThing for an id that isn't there, OvertakenByAnother when a
    redemption is undone or in another phase.
    """
    rows = refund_store.rows(session, RedemptionRow.id.in_(ids), lock=True)
    if len(rows) != len(set(ids)):
        raise NoSuchThing
    if any(one.status is not Status.COMMITTED or one.phase is not _BEFORE[phase] for one in rows):
        raise OvertakenByAnother(object="redemption", event=f"redemption.{phase}")
    overpaid = refund_store.subsidies(
        session, RefundRow.redemption_id.in_(ids), RefundRow.recovery == Recovery.NET_OFF
    )
    kept = {RedemptionId(one.id): _kept(one) for one in rows}
    if phase is Phase.PAID:
        _pay(session, rows, kept, now)
        for refund, merchant_id, subsidy in refund_store.net_offs(session, ids):
            owe(session, merchant_id=merchant_id, amount=subsidy, key=str(refund), now=now)
    if phase is Phase.NONE:
        # Nothing was paid, and the next batch begins with what is kept.
        refund_store.set_recovery(session, ids, current=Recovery.NET_OFF, to=Recovery.NONE)
        overpaid = {}
    refund_store.set_phase(session, ids, phase)
    audit.record(
        session,
        actor=actor,
        action=f"redemption.phase_{phase}",
        object_type="redemption",
        object_id=str(rows[0].id) if len(rows) == 1 else str(new_id()),
        now=now,
        detail={"ids": [str(one.id) for one in rows], "from": str(_BEFORE[phase])},
    )
    return {id: amount + overpaid.get(id, ZERO) for id, amount in kept.items()}


def _pay(
    session: Session,
    rows: Collection[RedemptionRow],
    kept: Mapping[RedemptionId, Money],
    now: datetime,
) -> None:
    """The funders' lines bear what is kept; what a merchant got beyond that it owes."""
    by_offer: dict[OfferId, Money] = defaultdict(lambda: ZERO)
    for one in rows:
        assert one.offer_id is not None
        by_offer[OfferId(one.offer_id)] += kept[RedemptionId(one.id)]
    by_campaign: dict[CampaignId, Money] = defaultdict(lambda: ZERO)
    terms = campaigns.terms(session, offers=set(by_offer))
    for offer in sorted(terms.values(), key=lambda one: (one.campaign_id, one.id)):
        budgets.fold(session, campaign=offer.campaign_id, offer=offer.id, now=now)
        by_campaign[offer.campaign_id] += by_offer[offer.id]
    for campaign, amount in by_campaign.items():
        budgets.settle(session, campaign=campaign, amount=amount, key=str(new_id()), now=now)


def _kept(one: RedemptionRow) -> Money:
    assert one.discount_fen is not None and one.refunded_discount_fen is not None
    return one.discount_fen - one.refunded_discount_fen
