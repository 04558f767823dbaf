"""What waits for a reviewer, one batch, one sale with everything known of it, what may be paid."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.goods import service as goods
from voucher_service.goods.pricing import Lows
from voucher_service.infra import files
from voucher_service.infra.core import Core
from voucher_service.infra.files import Content
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.page import CursorInvalid, Page, decode_cursor, encode_cursor
from voucher_service.merchants import service as merchants

from ...risk import findings as signals
from ...risk import service as risk
from ...risk.facts import Subject as Kind
from ...risk.service import Look
from ...sales import service as sales
from ...sales.model import Sale
from .. import batch_store, store
from ..model import (
    LIFECYCLE,
    Batch,
    BatchId,
    BatchStatus,
    Line,
    Proof,
    ProofKind,
    Review,
)
from ..papers import papers
from ..tables import BatchRow
from .deciding import SEES, line_of, seen
from .views import found, head, review

_COPIES = frozenset({signals.Kind.SAME_PHOTO, signals.Kind.LIKE_PHOTO})


@dataclass(frozen=True, slots=True)
class Twin:
    """A paper of an earlier sale that one of this sale's looks like."""

    sale_id: RedemptionId
    proof: Proof


@dataclass(frozen=True, slots=True)
class Dossier:
    """A sale of a batch with everything known of it, and its neighbours in the sample.

    `twins`: the originals of papers that look copied, by the paper of this sale. `lows`: the lowest
    prices seen before it.
    """

    batch: Batch
    line: Line
    sale: Sale
    review: Review
    look: Look
    twins: Mapping[ProofKind, Twin]
    lows: Lows
    shop: str
    before: UUID | None
    after: UUID | None


def released(session: Session, *, redemptions: Collection[RedemptionId]) -> set[RedemptionId]:
    """Those of these sales whose subsidy may be paid to the merchant now."""
    return {RedemptionId(one) for one in store.released(session, redemptions)}


def queue(
    core: Core, *, actor: Actor, status: BatchStatus, cursor: str | None, limit: int
) -> Page[Batch]:
    """Batches of the actor's area that stand so, the riskiest first, then the oldest.

    Raises NotAllowed, CursorInvalid.
    """
    _require(actor)
    where = [BatchRow.status == status]
    if cursor:
        where.append(batch_store.behind(*place(cursor)))
    with core.transaction() as session:
        rows = batch_store.batches(session, *where, area=actor.area, most=limit + 1)
    shown = [head(row, reviewed) for row, reviewed in rows[:limit]]
    if len(rows) <= limit:
        return Page(shown)
    last = rows[limit - 1][0]
    return Page(shown, encode_cursor(last.weight, last.occurred_at.isoformat(), last.id))


def waiting(core: Core, *, actor: Actor) -> int:
    """How many batches wait for the actor's look."""
    if not actor.has(Role.REVIEWER):
        return 0
    with core.transaction() as session:
        stand = BatchRow.status == BatchStatus.OPEN
        return batch_store.waiting(session, stand, area=actor.area)


def batch(core: Core, *, actor: Actor, batch: BatchId) -> Batch:
    """One batch of the actor's area, with its lines. Raises NoSuchThing, NotAllowed."""
    with core.transaction() as session:
        return seen(session, actor, batch, SEES)[1]


def dossier(core: Core, *, actor: Actor, batch: BatchId, sale: RedemptionId) -> Dossier:
    """One sale of a batch of the actor's area. Raises NoSuchThing, NotAllowed."""
    with core.transaction() as session:
        _, stands = seen(session, actor, batch, SEES)
        line = line_of(stands, sale)
        sold = sales.sale(session, id=sale)
        before, after = _neighbours(stands.sample, sale)
        names = merchants.shop_names(session, shops=[sold.shop_id])
        mine = review(session, found(store.review(session, sale)))
        look = risk.findings(session, kind=Kind.SALE, id=sale)
        return Dossier(
            batch=stands,
            line=line,
            sale=sold,
            review=mine,
            look=look,
            twins=_twins(session, mine, look),
            lows=goods.lows(
                session,
                merchant=sold.merchant_id,
                gtin=sold.gtin,
                on=day_of(sold.occurred_at),
                rule=goods.rule(core),
            ),
            shop=names[sold.shop_id][0],
            before=before,
            after=after,
        )


def proof(
    core: Core,
    *,
    actor: Actor,
    batch: BatchId,
    sale: RedemptionId,
    kind: ProofKind,
    twin: bool = False,
) -> Content:
    """A paper of a sale, or the `twin` that it looks like, of whatever merchant; the record says
    who looked. Raises NoSuchThing, NotAllowed.
    """
    with core.transaction() as session:
        _, stands = seen(session, actor, batch, SEES)
        line_of(stands, sale)
        file = store.proof(session, sale, kind)
        if twin:
            mine = review(session, found(store.review(session, sale)))
            look = risk.findings(session, kind=Kind.SALE, id=sale)
            other = found(_twins(session, mine, look).get(kind))
            sale, kind, file = other.sale_id, other.proof.kind, other.proof.file_id
        content = found(files.get(session, file=file) if file else None)
        audit.record(
            session,
            actor=actor,
            action="sale_evidence.read",
            object_type=LIFECYCLE.name,
            object_id=str(sale),
            now=core.now(session),
            detail={"kind": str(kind)},
        )
        return content


def _twins(session: Session, mine: Review, look: Look) -> dict[ProofKind, Twin]:
    """For each paper that looks copied, the nearest one of the sale that it was copied from."""
    copied = [one for one in look.findings if one.kind in _COPIES and one.others]
    theirs = papers(session, sales={one.others[0] for one in copied})
    twins: dict[ProofKind, Twin] = {}
    for one in copied:
        kind = next((kind for kind in mine.proofs if kind == one.told.get("paper")), None)
        others = theirs[one.others[0]]
        if kind is not None and others and kind not in twins:
            nearest = min(others, key=partial(_apart, mine.proofs[kind]))
            twins[kind] = Twin(RedemptionId(one.others[0]), nearest)
    return twins


def _apart(mine: Proof, other: Proof) -> tuple[int, bool]:
    """In how many bits two pictures differ; of equals the one of the same kind is nearer."""
    known = mine.likeness is not None and other.likeness is not None
    bits = ((mine.likeness or 0) ^ (other.likeness or 0)).bit_count() if known else 64
    return bits, mine.kind is not other.kind


def _neighbours(sample: Sequence[Line], sale: UUID) -> tuple[UUID | None, UUID | None]:
    """Who stands before and after a sale among those that have to be looked at."""
    ids = [one.subject_id for one in sample]
    if sale not in ids:
        return None, ids[0] if ids else None
    at = ids.index(sale)
    return (ids[at - 1] if at else None), (ids[at + 1] if at + 1 < len(ids) else None)


def place(cursor: str) -> tuple[int, datetime, UUID]:
    """Where a list by risk goes on: weight, instant, id. Raises CursorInvalid."""
    weight, at, id = decode_cursor(cursor, 3)
    try:
        moment, of = datetime.fromisoformat(at), UUID(id)
        if moment.tzinfo is None:
            raise ValueError
        return int(weight), moment, of
    except (TypeError, ValueError, AttributeError):
        raise CursorInvalid from None


def _require(actor: Actor) -> None:
    if not actor.has(*SEES):
        raise NotAllowed
