"""The drift audit: gate, vouchers and ledger against each other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from voucher_service.allocation import drift as slots
from voucher_service.allocation import upkeep
from voucher_service.allocation.drift import Difference, Look
from voucher_service.budgets import service as budgets
from voucher_service.campaigns.model import Offer, max_liability
from voucher_service.infra.core import Core
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, pool

from ..model import Status
from ..tables import VoucherRow
from .claim import GATED


@dataclass(frozen=True, slots=True)
class Finding:
    """How an offer stands. `look` is None while its gate is not filled, is about to be, or is away
    and PostgreSQL alone hands out the slots.
    """

    offer: Offer
    look: Look | None
    differences: frozenset[Difference]
    ledger_off: Money

    @property
    def clean(self) -> bool:
        """Whether gate, vouchers and ledger say the same."""
        return not self.differences and self.ledger_off == ZERO


def examine(core: Core, *, offers: Sequence[Offer]) -> list[Finding]:
    """Look at each offer, and a second time where the first look differs.

    Raises TryAgain when the gate is away.
    """
    first = [_look(core, offer) for offer in offers]
    if any(look and look.suspects for look, _ in first):
        time.sleep(upkeep.APART_SECONDS)
    found = []
    for offer, (before, off) in zip(offers, first, strict=True):
        again, off_again = _look(core, offer) if before and before.suspects else (before, off)
        differences = again.confirmed(before) if again else frozenset()
        found.append(Finding(offer, again, differences, off_again))
    return found


def _look(core: Core, offer: Offer) -> tuple[Look | None, Money]:
    with slots.snapshot(core) as session:
        return upkeep.look(session, core, GATED, offer), _ledger_off(session, offer)


def _ledger_off(session: Session, offer: Offer) -> Money:
    """How much the offer's pool differs from its vouchers, both ways added up.

    Outstanding, or frozen, is the unspent value of live vouchers; what is neither that nor
    committed of the quota's worth is reserved.
    """
    live = VoucherRow.status.in_((Status.CLAIMED, Status.FROZEN))
    sums = session.execute(
        select(func.sum(VoucherRow.face_value_fen), func.sum(VoucherRow.spent_fen)).where(
            VoucherRow.offer_id == offer.id, live
        )
    ).one()
    face, used = (one or ZERO for one in sums)
    out = [pool(offer.id, Stage.OUTSTANDING), pool(offer.id, Stage.FROZEN)]
    new = [pool(offer.id, Stage.COMMITTED, shop_area=area) for area in ("", *offer.shop_areas)]
    reserved = pool(offer.id, Stage.RESERVED)
    there = ledger.balances(session, [*out, *new, reserved])
    committed = budgets.folded(session, offer=offer.id) + Money.total(there[one] for one in new)
    wanted = max_liability(offer) * offer.quota - (face - used) - committed
    off = Money.total(there[one] for one in out) - (face - used)
    return Money(abs(off.fen) + abs((there[reserved] - wanted).fen))
