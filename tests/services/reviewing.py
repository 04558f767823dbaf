"""A desk that works through batches of sales."""

from __future__ import annotations

from uuid import UUID

from tests.services.sold import MONDAY, WEEK, Street
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import RedemptionId
from voucher_service.tradein.review import service
from voucher_service.tradein.review.model import Batch, BatchStatus, Review


def own(street: Street, till: Actor, sale: RedemptionId) -> Review:
    """The sale as its shop sees it."""
    return service.own(street.core, actor=till, sale=sale)


def batched(street: Street, reviewer: Actor, till: Actor) -> list[Batch]:
    """The batches of a till's merchant a week later, with their lines."""
    later = street.at(MONDAY + WEEK)
    while service.batch_due(later.core):
        pass
    merchant = (
        service.mine(street.core, actor=till, which=service.Filter.ALL, cursor=None, limit=1)
        .items[0]
        .merchant_id
    )
    page = service.queue(
        later.core, actor=reviewer, status=BatchStatus.OPEN, cursor=None, limit=200
    )
    mine = [one for one in page.items if one.merchant_id == merchant]
    return [service.batch(later.core, actor=reviewer, batch=one.id) for one in mine]


def look(street: Street, reviewer: Actor, batch: Batch, *bad: UUID) -> Batch:
    """Look at everything that has to be; these are not in order."""
    stands = batch
    while stands.left:
        one = next(line for line in stands.sample if line.good is None)
        stands = service.judge(
            street.core,
            actor=reviewer,
            batch=batch.id,
            subject=one.subject_id,
            good=one.subject_id not in bad,
            reason="序列号看不清" if one.subject_id in bad else "",
        )
    return stands


def payable(street: Street, *ids: RedemptionId) -> set[RedemptionId]:
    """Those of these sales that may be paid."""
    with street.core.transaction() as session:
        return service.released(session, redemptions=ids)
