"""Gates are looked after: filled, compared with the books, filled again, and their claims settled.

Offers of vouchers and pools of qualifications are looked after alike; `Gated` tells them apart.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Mode, Offer
from voucher_service.infra import outbox
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.ids import OfferId

from . import drift, service
from .drift import Difference, Look
from .model import GateNotReady
from .slots import Slotted

# The audit events of a gate that was filled again, and of an offer that is the gate's again.
REBUILT, BACK = "gate.rebuilt", "gate.back"
# Between two looks: longer than any claim is between the gate and the books.
APART_SECONDS = 1.0
_BUDGET_SECONDS = 0.5
_LATELY_SECONDS = 600.0
_MOST_DOUBLINGS = 6


@dataclass(frozen=True, slots=True)
class Gated:
    """Offers whose slots a gate hands out: those that are open or will open, and their rows."""

    offers: Callable[[Core], list[Offer]]
    rows: type[Slotted]


def prepare(core: Core, gated: Gated, *, offer: OfferId, refill: bool) -> None:
    """Fill an offer's gate from PostgreSQL before the crowd comes, or after slots came back.

    A gate that is ready is left alone unless `refill` says that it lacks slots. Raises TryAgain,
    and GateNotReady while another process fills it.
    """
    with core.transaction() as session:
        found = campaigns.offer(session, offer=offer)
    if refill or not service.ready(core, offer=found):
        service.rebuild(core, offer=offer, rows=gated.rows)


def refill_later(session: Session, *, offer: OfferId) -> None:
    """Have the gate told, after this transaction, that slots of an offer came back."""
    outbox.add(
        session,
        kind="prepare_gate",
        key=_refill(offer),
        args={"offer": str(offer), "refill": True},
    )


def settle_pending(core: Core, gated: Gated) -> int:
    """Settle the seats of claims that died half-way. Returns how many. Raises TryAgain."""
    return sum(
        service.settle_pending(core, offer=one, rows=gated.rows) for one in gated.offers(core)
    )


def look(session: Session, core: Core, gated: Gated, offer: Offer) -> Look | None:
    """Compare a gate with the books of one snapshot; None when there is nothing to compare.

    As `drift.look`; also None for an offer of PostgreSQL alone, and while the job that tells the
    gate of slots that came back is due.
    """
    if offer.mode is not Mode.GATE:
        return None
    found = drift.look(core, session, offer=offer, rows=gated.rows)
    return found if outbox.served(session, key=_refill(offer.id)) else None


def compare(core: Core, gated: Gated) -> list[tuple[Offer, Look, frozenset[Difference]]]:
    """Every open offer that its gate hands out, as it stands, and how it differs from the books.

    What differs is looked at a second time: only what both looks say is a difference. Raises
    TryAgain.
    """
    offers = gated.offers(core)
    first = {one.id: seen for one in offers if (seen := _looked(core, gated, one))}
    if any(one.suspects for one in first.values()):
        time.sleep(APART_SECONDS)
    found = []
    for offer in offers:
        before = first.get(offer.id)
        again = _looked(core, gated, offer) if before and before.suspects else before
        if again is not None:
            found.append((offer, again, again.confirmed(before)))
    return found


def _looked(core: Core, gated: Gated, offer: Offer) -> Look | None:
    with drift.snapshot(core) as session:
        return look(session, core, gated, offer)


class Watch:
    """Looks at the open offers in turn, half a second's worth at a call, and repairs what it finds.

    A difference counts when the look before at the same offer found it too.
    """

    def __init__(self, gated: Gated) -> None:
        self._gated = gated
        self._before: dict[OfferId, Look] = {}
        self._last: OfferId | None = None

    def __call__(self, core: Core) -> int:
        """Look at some offers; how many gates were filled again. Raises TryAgain."""
        until, repaired = time.monotonic() + _BUDGET_SECONDS, 0
        for offer in self._in_turn(self._gated.offers(core)):
            seen = _looked(core, self._gated, offer)
            differences = seen.confirmed(self._before.pop(offer.id, None)) if seen else None
            if seen and differences:
                repaired += repair(core, self._gated, offer=offer, differences=differences)
            elif seen and seen.suspects:
                self._before[offer.id] = seen
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


class Return:
    """Fills the gates of offers that PostgreSQL alone hands out, once the gate is steady: when the
    server has answered, as one incarnation, for `gate.steady_ms`, and twice as long for each return
    of the last ten minutes.
    """

    def __init__(self, gated: Gated) -> None:
        self._gated = gated
        self._met = ""
        self._since = 0.0
        self._returns: list[float] = []

    def __call__(self, core: Core) -> int:
        """One look; how many gates were filled. Raises TryAgain when the gate is lost meanwhile."""
        offers = [one for one in self._gated.offers(core) if one.mode is Mode.DEGRADED]
        met = service.answering(core) if offers else ""
        now = time.monotonic()
        if not met or met != self._met:
            self._met, self._since = met, now
        self._returns = [one for one in self._returns if now - one < _LATELY_SECONDS]
        doubled = 2 ** min(len(self._returns), _MOST_DOUBLINGS)
        if not met or (now - self._since) * 1000 < core.settings.gate.steady_ms * doubled:
            return 0
        back = sum(rebuild(core, self._gated, one, {}, action=BACK) for one in offers)
        if back:
            self._returns.append(now)
        return back


def repair(core: Core, gated: Gated, *, offer: Offer, differences: frozenset[Difference]) -> bool:
    """Fill the gate again and record what was different.

    False when another process is filling it. Raises TryAgain when the gate is away.
    """
    counts = Counter(str(one.kind) for one in differences)
    detail = {"counts": dict(counts), "first": drift.named(differences)}
    return rebuild(core, gated, offer, detail)


def refill_stale(core: Core, gated: Gated) -> int:
    """Fill the gates of open offers that a restarted, promoted or emptied server no longer has.

    Not of those that PostgreSQL alone hands out: `Return` waits until the gate is steady. How many
    were filled. Raises TryAgain when the gate is away.
    """
    offers = {one.id: one for one in gated.offers(core) if one.mode is Mode.GATE}
    why: dict[str, object] = {"why": "another gate than the one that was filled"}
    return sum(
        rebuild(core, gated, offers[id], why)
        for id in drift.stale(core, offers=list(offers.values()))
    )


def rebuild(
    core: Core, gated: Gated, offer: Offer, detail: dict[str, object], *, action: str = REBUILT
) -> bool:
    """Fill a gate again and record why. False when another process is filling it.

    Raises TryAgain when the gate is away.
    """
    try:
        filled = service.rebuild(core, offer=offer.id, rows=gated.rows)
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


def _refill(offer: OfferId) -> str:
    return f"refill_gate:{offer}"
