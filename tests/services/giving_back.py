"""Orders and their refunds, for the tests of refunds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from tests.make import World
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.money import Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, pool
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import (
    Phase,
    Redemption,
)
from voucher_service.redemption.refunds import (
    Refund,
)
from voucher_service.reports import verification
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher


def offer(world: World, **terms: Any) -> Offer:
    """满 100 减 20, on terms of its own."""
    return world.offer(replace(world.plan(limit=5), **terms))


def spent(world: World, till: Actor, **terms: Any) -> tuple[Voucher, Redemption]:
    """A voucher spent on 128 yuan."""
    voucher = world.claim(offer(world, **terms))
    return voucher, world.redeem(voucher, till).value


def refund(
    world: World, till: Actor, done: Redemption, fen: int | None = None, **told: Any
) -> Outcome[Refund]:
    """So much of an order back; all of it unless told."""
    return redemption.refund(
        told.pop("core", world.core),
        actor=till,
        redemption=done.id,
        amount=Money(done.order_amount.fen if fen is None else fen),
        reason=told.pop("reason", "顾客退货"),
        key=told.pop("key", uuid4().hex),
        **told,
    )


def mark(core: Core, done: Sequence[Redemption], phase: Phase) -> dict[RedemptionId, Money]:
    """What settlement will do."""
    with core.transaction() as session:
        ids = [one.id for one in done]
        return dict(
            redemption.mark_settled(
                session, ids=ids, phase=phase, now=core.now(session), actor=SYSTEM
            )
        )


def owed(world: World, till: Actor) -> tuple[Money, Money]:
    with world.core.transaction() as session:
        of = merchants.till(session, cashier=till.id).merchant_id  # type: ignore[arg-type]
        found = redemption.owed(session, merchant_id=of)
    return found.net_off, found.receivable


def owner(voucher: Voucher) -> Actor:
    return Actor(ActorKind.RESIDENT, voucher.resident_id)


def look(world: World, voucher: Voucher) -> Voucher:
    return vouchers.get(world.core, actor=owner(voucher), voucher=voucher.id)


def holds(world: World, of: Offer) -> dict[str, int]:
    """What the offer's pool holds, by stage."""
    stages = (Stage.RESERVED, Stage.OUTSTANDING, Stage.COMMITTED)
    with world.core.transaction() as session:
        found = ledger.balances(session, [pool(of.id, stage) for stage in stages])
    return {str(one.stage): amount.fen for one, amount in found.items()}


def clean(core: Core) -> list[str]:
    """What verify finds wrong with the books; some of these tests set the clock (T1), or the phase
    of redemptions without a batch (S3).
    """
    found = verification.verify(core).breaches
    known = ("T1", "S3")
    return [f"{one.invariant}: {one.detail}" for one in found if one.invariant[:2] not in known]
