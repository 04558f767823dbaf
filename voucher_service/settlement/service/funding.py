"""Whose money a payee got: what a batch costs each budget line, told payee by payee."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import BudgetLineId, CampaignId, OfferId
from voucher_service.kernel.money import Money

from .. import store
from ..model import BatchId, BatchLineId, Funding, split_over
from ..tables import SettlementLineRow, SettlementRow
from . import reading
from .access import require_reader


def line_funding(core: Core, *, actor: Actor, line: BatchLineId) -> list[Funding]:
    """Whose money one line is; nothing of an advance, of a line that is left out, and before the
    batch is drafted. Raises NotAllowed, NoSuchThing.
    """
    require_reader(actor)
    with core.transaction() as session:
        rows = store.lines(session, SettlementLineRow.id == line)
        if not rows:
            raise NoSuchThing
        found = _each(session, BatchId(rows[0].batch_id), until=line)
        return [one for one in found if one.line_id == line]


def export_funding(
    core: Core, *, actor: Actor, batch: BatchId, write: Callable[[Iterator[Funding]], None]
) -> None:
    """Hand whose money each line of a batch is to a writer, line by line. Together they are the
    batch's shares. Raises NotAllowed, NoSuchThing.
    """
    require_reader(actor)
    with core.transaction() as session:
        if store.batch(session, SettlementRow.id == batch) is None:
            raise NoSuchThing
        write(_each(session, batch))


def _each(session: Session, batch: BatchId, until: BatchLineId | None = None) -> Iterator[Funding]:
    """A campaign's payees one after another, each by what its budget lines have left to bear of the
    batch: so that payees and budget lines both come out exactly.
    """
    left: dict[CampaignId, dict[BudgetLineId, Money]] = {}
    known = {}
    for share in reading.batch_shares(session, batch=batch):
        left.setdefault(share.campaign_id, {})[share.budget_line_id] = share.due
        known[share.budget_line_id] = share
    if not left:
        return
    homes = {one: campaign for campaign in left for one in _offers(session, campaign)}
    for line, name, offer, of, due in store.costs(session, batch, until):
        campaign = of or homes[offer]
        for budget_line, part in split_over(due, left[campaign]).items():
            left[campaign][budget_line] -= part
            if part:
                yield Funding(line, name, known[budget_line], part)


def _offers(session: Session, campaign: CampaignId) -> Iterator[OfferId | None]:
    return (one.id for one in campaigns.campaign_offers(session, campaign=campaign))
