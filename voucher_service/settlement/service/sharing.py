"""Which budget lines bear a batch: foreseen when it is made, borne when it is paid, to the fen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.ids import BudgetLineId, CampaignId, new_id
from voucher_service.kernel.money import ZERO, Money

from .. import store
from ..model import BatchId, LineKind, split_over
from ..tables import SettlementLineRow


def plan(session: Session, batch: BatchId, now: datetime) -> None:
    """Say which budget lines are to bear a batch of which nothing was paid yet."""
    amounts: dict[CampaignId, Money] = defaultdict(lambda: ZERO)
    by_offer = store.by_offer(session, batch)
    for offer, terms in campaigns.terms(session, offers=by_offer.keys()).items():
        amounts[terms.campaign_id] += by_offer[offer]
    for campaign, amount in store.by_campaign(session, batch).items():
        amounts[campaign] += amount
    rows = []
    for campaign, amount in sorted(amounts.items()):
        fold(session, campaign, now)
        found = budgets.foreseen(session, campaign=campaign, amount=amount)
        rows += [
            {
                "batch_id": batch,
                "line_id": line,
                "campaign_id": campaign,
                "due_fen": part,
                "settled_fen": ZERO,
            }
            for line, part in found.items()
            if part
        ]
    store.set_shares(session, batch, rows)


def settle(
    session: Session, batch: BatchId, now: datetime, campaign: CampaignId, amount: Money
) -> None:
    """Post that so much of a batch's money of one campaign was paid; fold first."""
    planned = {
        BudgetLineId(one.line_id): max(ZERO, one.due_fen - one.settled_fen)
        for one in store.shares(session, batch)
        if one.campaign_id == campaign
    }
    wanted = split_over(amount, planned)
    key = f"{batch}:{new_id()}"
    borne = budgets.settle(
        session, campaign=campaign, amount=amount, key=key, now=now, wanted=wanted
    )
    for line, part in borne.items():
        if part:
            store.add_settled(session, batch, campaign, line, part)


def unsettle(
    session: Session, batch: BatchId, now: datetime, campaign: CampaignId, amount: Money
) -> None:
    """Post that so much of what a batch paid of one campaign came back; fold first."""
    settled = {
        BudgetLineId(one.line_id): one.settled_fen
        for one in store.shares(session, batch)
        if one.campaign_id == campaign
    }
    wanted = split_over(amount, settled)
    key = f"{batch}:{new_id()}"
    budgets.unsettle(session, campaign=campaign, amount=amount, key=key, now=now, wanted=wanted)
    for line, part in wanted.items():
        store.take_settled(session, batch, line, part)


def for_residents(
    session: Session,
    lines: Sequence[SettlementLineRow],
    now: datetime,
    book: Callable[[CampaignId, Money], object],
) -> None:
    """Settle, or take back, what these residents' lines are of each campaign; others are left."""
    granted: dict[CampaignId, Money] = defaultdict(lambda: ZERO)
    for one in lines:
        if one.kind is LineKind.PERSON:
            assert one.campaign_id is not None, "a resident's line says whose money it is"
            granted[CampaignId(one.campaign_id)] += one.due_fen
    for campaign, amount in sorted(granted.items()):
        fold(session, campaign, now)
        book(campaign, amount)


def fold(session: Session, campaign: CampaignId, now: datetime) -> None:
    """Split what a campaign's offers committed over its lines."""
    for offer in campaigns.campaign_offers(session, campaign=campaign):
        budgets.fold(session, campaign=campaign, offer=offer.id, now=now)
