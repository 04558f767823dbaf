"""A merchant's complete sales of a period become batches: the risky ones alone, a sample of the
rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.audit.service import Move
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.clock import day_of, start_of
from voucher_service.kernel.ids import MerchantId, new_id
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.settings import Review as Rules

from .. import batch_store, sampling
from ..model import (
    BATCH_LIFECYCLE,
    LIFECYCLE,
    BatchId,
    ReviewEvent,
    ReviewStatus,
    Subject,
    Way,
    period_of,
)
from ..sampling import Plan
from ..tables import ReviewRow
from .opening import next_seed
from .weighing import weights

_AT_ONCE = 20
Weighed = Mapping[UUID, tuple[int, Money]]


def batch_due(core: Core) -> int:
    """Batch what was complete when this period began; how many merchants' sales. Call until it
    answers 0.
    """
    with core.transaction() as session:
        first = period_of(day_of(core.now(session)), core.settings.review.period_days)
        due = batch_store.due(session, before=start_of(first), period_on=first, most=_AT_ONCE)
    return sum(_batch(core, MerchantId(merchant), area) for merchant, area in due)


def _batch(core: Core, merchant: MerchantId, area: str) -> int:
    """One merchant's sales in one division; 0 when they were undone since."""
    with core.transaction() as session:
        now, rules = core.now(session), core.settings.review
        before = start_of(period_of(day_of(now), rules.period_days))
        rows = batch_store.complete(session, merchant, area, before=before)
        weighed = weights(session, subject=Subject.SALE, ids=[row.id for row, _ in rows])
        title = merchants.load_merchant(session, merchant=merchant).name
        ways: dict[Way, dict[UUID, tuple[int, Money]]] = {Way.EACH: {}, Way.SAMPLE: {}}
        for row, sale in rows:
            weight = weighed.get(row.id)
            # What was refused once is looked at by itself, and what no machine has looked at yet.
            alone = weight is None or weight >= rules.hold_weight or row.answers > 0
            ways[Way.EACH if alone else Way.SAMPLE][row.id] = weight or 0, sale.subsidy_fen
        for way, members in ways.items():
            if members:
                made = make(
                    session,
                    subject=Subject.SALE,
                    way=way,
                    members=members,
                    area=area,
                    title=title,
                    actor=SYSTEM,
                    now=now,
                    merchant=merchant,
                )
                _take(session, made, list(members), now)
        return 1 if rows else 0


def make(
    session: Session,
    *,
    subject: Subject,
    way: Way,
    members: Weighed,
    area: str,
    title: str,
    actor: Actor,
    now: datetime,
    merchant: MerchantId | None = None,
) -> BatchId:
    """Make a batch; a sample is drawn by the seed whose hash is on record already."""
    rules, id = core_of(session).settings.review, new_id()
    ids, drawn_by = list(members), {}
    if way is Way.SAMPLE:
        seed = next_seed(session, merchant, area, now)
        ids = sampling.drawn(seed.seed, ids)
        drawn_by = {"seed": seed.seed, "seed_committed_at": seed.occurred_at}
    else:
        ids.sort(key=lambda one: (-members[one][0], one))
    values: dict[str, Any] = {
        "id": id,
        "subject": subject,
        "way": way,
        "status": BATCH_LIFECYCLE.initial,
        "area": area,
        "title": title,
        "merchant_id": merchant,
        "period_on": period_of(day_of(now), rules.period_days),
        "weight": max(weight for weight, _ in members.values()),
        **_plan(rules),
        "count": len(ids),
        "total_fen": Money.total(amount for _, amount in members.values()),
        "list_sha256": sampling.fingerprint(ids),
        "seed": None,
        "seed_committed_at": None,
        "made_by": actor.id,
        "occurred_at": now,
        **drawn_by,
    }
    batch_store.add_batch(session, values, _lines(ids, members))
    if way is Way.SAMPLE:
        batch_store.use_seed(session, seed.id, id)
        next_seed(session, merchant, area, now)
    audit.record(
        session,
        actor=actor,
        action="review_batch.made",
        object_type=BATCH_LIFECYCLE.name,
        object_id=str(id),
        now=now,
        detail={
            "count": len(ids),
            "sample": _sample(way, len(ids), rules),
            "list_sha256": values["list_sha256"],
            "seed": values["seed"],
        },
    )
    return BatchId(id)


def _take(session: Session, batch: BatchId, ids: Sequence[UUID], now: datetime) -> None:
    audit.transition_all(
        session,
        ReviewRow,
        moves=[Move(one, SYSTEM) for one in ids],
        current=ReviewStatus.COMPLETE,
        lifecycle=LIFECYCLE,
        event=ReviewEvent.BATCHED,
        now=now,
        set_={"batch_id": batch},
    )


def _lines(ids: Sequence[UUID], members: Weighed) -> list[dict[str, Any]]:
    return [{"subject_id": one, "weight": members[one][0], "reason": ""} for one in ids]


def _plan(rules: Rules) -> dict[str, int]:
    return {
        "tolerated_bps": rules.tolerated_bps,
        "confidence_bps": rules.confidence_bps,
        "widenings": rules.widenings,
    }


def _sample(way: Way, count: int, rules: Rules) -> int:
    return count if way is Way.EACH else sampling.needed(count, Plan(**_plan(rules)))
