"""The drift audit: gate, vouchers and ledger against each other, and the gate filled again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from voucher_service.allocation import drift as slots
from voucher_service.allocation import service as allocation
from voucher_service.allocation.drift import Difference, Look
from voucher_service.allocation.model import GateNotReady
from voucher_service.audit import service as audit
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Mode, Offer, max_liability
from voucher_service.infra import outbox
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, pool

from ..model import Status
from ..tables import VoucherRow

REBUILT = "gate.rebuilt"
# Between two looks: longer than any claim is between the gate and the books.
_APART_SECONDS = 1.0
_BUDGET_SECONDS = 0.5


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
        time.sleep(_APART_SECONDS)
    found = []
    for offer, (before, off) in zip(offers, first, strict=True):
        again, off_again = _look(core, offer) if before and before.suspects else (before, off)
        differences = again.confirmed(before) if again else frozenset()
        found.append(Finding(offer, again, differences, off_again))
    return found


class Watch:
    """Looks at the open offers in turn, half a second's worth at a call, and repairs what it finds.

    A difference counts when the look before at the same offer found it too.
    """

    def __init__(self) -> None:
        self._before: dict[OfferId, Look] = {}
        self._last: OfferId | None = None

    def __call__(self, core: Core) -> int:
        """Look at some offers; how many gates were filled again. Raises TryAgain."""
        until, repaired = time.monotonic() + _BUDGET_SECONDS, 0
        for offer in self._in_turn(campaigns.open_offers(core)):
            look, _ = _look(core, offer)
            differences = look.confirmed(self._before.pop(offer.id, None)) if look else None
            if look and differences:
                repaired += repair(core, offer=offer, differences=differences)
            elif look and look.suspects:
                self._before[offer.id] = look
            self._last = offer.id
            if time.monotonic() > until:
                break
        return repaired

    def _in_turn(self, offers: Sequence[Offer]) -> list[Offer]:
        standing = {one.id for one in offers}
        self._before = {id: look for id, look in self._before.items() if id in standing}
        ordered = sorted(offers, key=lambda one: one.id)
        if self._last is None:
            return ordered
        last = self._last
        return sorted(ordered, key=lambda one: one.id <= last)


def repair(core: Core, *, offer: Offer, differences: frozenset[Difference]) -> bool:
    """Fill the gate again and record what was different.

    False when another process is filling it. Raises TryAgain when the gate is away.
    """
    counts = Counter(str(one.kind) for one in differences)
    return rebuild(core, offer, {"counts": dict(counts), "first": slots.named(differences)})


def refill_stale(core: Core) -> int:
    """Fill the gates of open offers that a restarted, promoted or emptied server no longer has.

    Not of those that PostgreSQL alone hands out: `Return` waits until the gate is steady. How many
    were filled. Raises TryAgain when the gate is away.
    """
    offers = {one.id: one for one in campaigns.open_offers(core) if one.mode is Mode.GATE}
    return sum(
        rebuild(core, offers[id], {"why": "another gate than the one that was filled"})
        for id in slots.stale(core, offers=list(offers.values()))
    )


def rebuild(core: Core, offer: Offer, detail: dict[str, object], *, action: str = REBUILT) -> bool:
    """Fill a gate again and record why. False when another process is filling it.

    Raises TryAgain when the gate is away.
    """
    try:
        filled = allocation.rebuild(core, offer=offer.id, rows=VoucherRow)
    except GateNotReady:
        return False
    if offer.epoch == 0:
        return True  # a first filling repairs nothing
    with core.transaction() as session:
        audit.record(
            session,
            actor=SYSTEM,
            action=action,
            object_type="offer",
            object_id=str(offer.id),
            now=core.now(session),
            detail={"from_epoch": offer.epoch, "to_epoch": filled.epoch, **detail},
        )
    return True


def _look(core: Core, offer: Offer) -> tuple[Look | None, Money]:
    with core.transaction() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        session.execute(text("SET LOCAL statement_timeout = '1min'"))
        gated = offer.mode is Mode.GATE
        look = slots.look(core, session, offer=offer, rows=VoucherRow) if gated else None
        if look and not outbox.served(session, key=f"refill_gate:{offer.id}"):
            look = None  # slots came back, and the job that tells the gate is due
        return look, _ledger_off(session, offer)


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
