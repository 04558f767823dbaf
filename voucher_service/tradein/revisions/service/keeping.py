"""A unit is refunded: what was not paid of its differences is cancelled, what was paid goes back to
the funders first.

A refund and a payment lock the lines of the unit, each before it locks budget lines, so that one of
them sees what the other did.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import core_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import CampaignId, RedemptionId, new_id
from voucher_service.kernel.money import Money

from ... import shelf
from ...policy import Case
from .. import keeping, store
from ..keeping import Lowered, Standing
from ..model import LIFECYCLE, DifferenceToReturn, RevisionId, Status
from ..tables import RevisionLineRow, RevisionRow


def lock_sale(session: Session, *, sale: RedemptionId) -> None:
    """Nobody approves, pays or returns a difference of a unit until the transaction ends."""
    store.lock_lines(session, RevisionLineRow.subject_id == sale)


def lock_due(session: Session, *, due: Collection[tuple[RevisionId, UUID]]) -> None:
    """Nobody cancels these differences until the transaction ends."""
    if due:
        store.lock_lines(session, store.these(due))


def lowered(
    session: Session, *, sale: RedemptionId, case: Case | None, subsidy: Money
) -> Sequence[Lowered]:
    """What a refund makes of a unit's differences: those to cancel, wholly or in part. `case`: the
    unit at the price that is kept, None when it comes back; `subsidy`: what stays of its own. Lock
    first.

    Raises DifferenceOnItsWay, DifferenceToReturn.
    """
    found, back = keeping.lowered(_standings(session, sale), case=case, subsidy=subsidy)
    if back:
        to = core_of(session).settings.settlement
        extra = {"to_return_fen": back.fen, "account": to.return_account, "holder": to.return_name}
        raise DifferenceToReturn(
            extra=extra,
            amount=back,
            account=to.return_account,
            holder=to.return_name,
            order=str(sale),
        )
    return found


def lower(
    session: Session,
    *,
    sale: RedemptionId,
    lowered: Sequence[Lowered],
    actor: Actor,
    now: datetime,
) -> None:
    """Cancel what `lowered` says; its money is free on the budget lines that were to pay it."""
    for one in lowered:
        revision, left = one.standing.revision_id, one.standing.kept - one.less
        store.set_line(session, revision, sale, kept_fen=left)
        free(
            session,
            revision=revision,
            campaign=one.standing.campaign_id,
            amount=one.less,
            paid=False,
            now=now,
        )
        audit.record(
            session,
            actor=actor,
            action="revision.lowered",
            object_type=LIFECYCLE.name,
            object_id=str(revision),
            now=now,
            detail={"subject": str(sale), "less_fen": one.less.fen, "left_fen": left.fen},
        )


def free(
    session: Session,
    *,
    revision: RevisionId,
    campaign: CampaignId,
    amount: Money,
    paid: bool,
    now: datetime,
) -> None:
    """A revision's budget lines bear that much less, each by its share; `paid`: it came back. Of a
    closed campaign it goes on to where the rest went.
    """
    budgets.lines(session, campaign=campaign, lock=True)
    shares = store.shares(session, revision)
    split = amount.split([one.fen for one in shares.values()])
    parts = dict(zip(shares, split, strict=True))
    store.unshare(session, revision, parts)
    key = f"revision:{revision}:{new_id()}"
    budgets.undo_top_up(session, campaign=campaign, parts=parts, paid=paid, key=key, now=now)
    campaigns.free_unspent(session, campaign=campaign, now=now)


def _standings(session: Session, sale: RedemptionId) -> list[Standing]:
    where = (RevisionLineRow.subject_id == sale, RevisionRow.status == Status.APPROVED, store.MORE)
    rows = store.lines(session, *where, most=None)
    rows.sort(key=lambda row: (row[1].decided_at, row[1].id))
    return [
        Standing(
            RevisionId(revision.id),
            CampaignId(revision.campaign_id),
            shelf.policy(revision.policy_id),
            store.kept_of(line),
            line.sent_at is not None,
            line.paid_at is not None,
        )
        for line, revision in rows
    ]
