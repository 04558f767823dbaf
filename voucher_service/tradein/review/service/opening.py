"""Reviews begin with the sale: when its papers are due, and the seed of the next draw on record."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.ids import RedemptionId, new_id
from voucher_service.merchants import service as merchants

from ...sales import service as sales
from ...sales.model import Sale
from .. import batch_store, sampling, store
from ..model import LIFECYCLE, ReviewEvent, ReviewStatus
from ..tables import ReviewRow, SeedRow

_AT_ONCE = 200
_DAY_MS = 86_400_000
_NOBODY = UUID(int=0)
# What may still come to nothing while somebody waits for it.
_OPEN = (
    ReviewStatus.COLLECTING,
    ReviewStatus.COMPLETE,
    ReviewStatus.BATCHED,
    ReviewStatus.REFUSED,
)


def open_due(core: Core) -> int:
    """Open the reviews of what was sold since the last time; how many. Call until it answers 0.

    Ids grow with time, and a frozen sale is sold within a day or never: whatever is older than a
    day before the newest review has one. What was replayed needs none: nobody is paid for it.
    """
    with core.transaction() as session:
        newest = store.newest(session)
        after = _NOBODY if newest is None else _a_day_before(newest)
        real = campaigns.offer_ids(session)
        found = store.unopened(session, offers=real, after=after, most=_AT_ONCE)
        sold = sales.sales_of(session, ids=[RedemptionId(one) for one in found])
        now = core.now(session)
        for sale in sold.values():
            open_(session, sale, now)
        return len(sold)


def close_undone(core: Core) -> int:
    """End the reviews of sales that came to nothing; how many. Call until it answers 0."""
    with core.transaction() as session:
        now, done = core.now(session), 0
        for status in _OPEN:
            gone = store.undone(session, status, _AT_ONCE)
            done += len(
                audit.transition_where(
                    session,
                    ReviewRow,
                    where=[ReviewRow.id.in_(gone)],
                    current=status,
                    lifecycle=LIFECYCLE,
                    event=ReviewEvent.UNDONE,
                    actor=SYSTEM,
                    now=now,
                    batch="undone",
                    named=True,
                )
            )
        return done


def open_(session: Session, sale: Sale, now: datetime) -> None:
    """Open the review of a sale, unless it is open already, and have a seed for its draw."""
    shop = merchants.load_shop(session, shop=sale.shop_id)
    rules = core_of(session).settings.review
    store.open_(
        session,
        {
            "id": sale.id,
            "merchant_id": sale.merchant_id,
            "shop_id": sale.shop_id,
            "area": shop.area,
            "category": sale.category,
            "sold_at": sale.occurred_at,
            "due_at": sale.occurred_at + timedelta(days=rules.evidence_days),
            "occurred_at": now,
        },
    )
    next_seed(session, sale.merchant_id, shop.area, now)


def next_seed(session: Session, merchant: UUID | None, area: str, now: datetime) -> SeedRow:
    """The seed of the next draw; a new one's hash goes on record before there is a list."""
    there = batch_store.next_seed(session, merchant, area)
    if there is None:
        seed = secrets.token_hex(32)
        made = {
            "id": new_id(),
            "merchant_id": merchant,
            "area": area,
            "seed": seed,
            "sha256": sampling.commitment(seed),
            "occurred_at": now,
        }
        if batch_store.add_seed(session, made):
            audit.record(
                session,
                actor=SYSTEM,
                action="review_seed.committed",
                object_type="review_seed",
                object_id=str(made["id"]),
                now=now,
                detail={"sha256": made["sha256"], "area": area},
            )
        there = batch_store.next_seed(session, merchant, area)
    assert there is not None
    return there


def _a_day_before(id: UUID) -> UUID:
    """The smallest UUIDv7 of a day before that one."""
    return UUID(int=max(0, (id.int >> 80) - _DAY_MS) << 80)
