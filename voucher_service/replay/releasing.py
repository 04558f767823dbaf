"""Bring a replay's subsidised sales to their release as shops and reviewers do: papers are handed
in, a reviewer looks at what was drawn, a second person releases the batch.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta

import pikepdf

from voucher_service.infra.core import Core
from voucher_service.infra.files import PDF, Content, Facts, Received
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import ApprovalId, CashierId, RedemptionId, ShopId
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.tradein.review import service as review
from voucher_service.tradein.review.model import BatchId, BatchStatus, ProofKind, ReviewStatus
from voucher_service.tradein.risk import service as risk
from voucher_service.tradein.sales import service as sales

_MERCHANTS_AT_ONCE = 200
_BATCHES_AT_ONCE = 100


def release(
    core: Core,
    clock: Clock,
    *,
    cashiers: Collection[CashierId],
    reviewer: Actor,
    sign: Callable[[ApprovalId], None],
) -> int:
    """Release every sale that waits; how many did. The clock moves into the next period of reviews.

    `cashiers`: one of each shop; `sign` puts the signatures of others to a proposal. Begun again it
    goes on.
    """
    tills, done = _tills(core, cashiers), 0
    for sale, shop in _waiting(core):
        _hand_in(core, tills[shop], sale)
        done += 1
    while risk.assess_due(core):
        pass
    assert clock.at is not None, "a replay has a clock of its own"
    clock.set(clock.at + timedelta(days=core.settings.review.period_days))
    while review.batch_due(core):
        pass
    while batches := review.queue(
        core, actor=reviewer, status=BatchStatus.OPEN, cursor=None, limit=_BATCHES_AT_ONCE
    ).items:
        for one in batches:
            _look(core, reviewer, one.id, sign)
    return done


def _tills(core: Core, cashiers: Collection[CashierId]) -> Mapping[ShopId, Actor]:
    with core.transaction() as session:
        found = merchants.tills(session, cashiers=cashiers)
    roles = frozenset({Role.CASHIER})
    return {till.shop_id: Actor(ActorKind.CASHIER, id, roles) for id, till in found.items()}


def _waiting(core: Core) -> Iterator[tuple[RedemptionId, ShopId]]:
    """Every sale that no batch of payments has, and its shop."""
    with core.transaction() as session:
        now, whose = core.now(session), redemption.merchants_unpaid(session, after=None)
    for first in range(0, len(whose), _MERCHANTS_AT_ONCE):
        some = whose[first : first + _MERCHANTS_AT_ONCE]
        with core.transaction() as session:
            unpaid = redemption.unpaid(session, merchants=some, offers=None, until=now)
            ids = [one.id for one in unpaid if one.sale]
            found = sales.sales_of(session, ids=ids)
        yield from ((id, sale.shop_id) for id, sale in found.items())


def _hand_in(core: Core, till: Actor, sale: RedemptionId) -> None:
    """What is still missing of its papers."""
    stands = review.own(core, actor=till, sale=sale)
    if stands.status is not ReviewStatus.COLLECTING:
        return
    for kind in stands.missing:
        review.hand_in(
            core,
            actor=till,
            sale=sale,
            kind=kind,
            received=_paper(kind, sale),
            number=f"99{sale.int % 10**18:018d}" if kind is ProofKind.INVOICE else None,
        )


def _paper(kind: ProofKind, sale: RedemptionId) -> Received:
    """A blank page that says what it stands for."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.docinfo["/Title"] = f"synthetic {kind} {sale}"
        out = io.BytesIO()
        pdf.save(out, static_id=True)
    return Received(Content(PDF, out.getvalue()), Facts())


def _look(core: Core, reviewer: Actor, id: BatchId, sign: Callable[[ApprovalId], None]) -> None:
    """Find everything in order that has to be looked at, and have the batch released."""
    stands = review.batch(core, actor=reviewer, batch=id)
    while unseen := next((one for one in stands.sample if one.good is None), None):
        stands = review.judge(core, actor=reviewer, batch=id, subject=unseen.subject_id, good=True)
    asked = review.propose(core, actor=reviewer, batch=id)
    if asked is not None:
        sign(asked)
