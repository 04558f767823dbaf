"""What goes on beside the claims: reaper, watch, lapses and the drift audit."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from voucher_service.allocation import drift
from voucher_service.allocation import service as allocation
from voucher_service.campaigns.model import Mode, Offer
from voucher_service.infra.core import Core
from voucher_service.infra.flow import Flow, Step, step, within
from voucher_service.kernel.ids import OfferId
from voucher_service.vouchers.service.remembered import remembered
from voucher_service.vouchers.tables import VoucherRow

from .books import Books


def reaping(offer: OfferId) -> Flow[Core, None]:
    """Settle what claims left behind, as the schedule does every ten seconds."""
    found = yield from step(remembered, offer, fresh=True)
    yield from allocation.settling(offer=found, rows=VoucherRow)


@dataclass
class Watch:
    """Fills the gate again when another one answers, or when it answers again and is steady."""

    offer: OfferId
    knows_incarnations: bool
    met: str = ""

    def look(self) -> Flow[Core, None]:
        """As the schedule does every second."""
        found = yield from step(remembered, self.offer, fresh=True)
        if found.mode is Mode.DEGRADED:
            met, self.met = self.met, (yield from step(allocation.answering))
            if self.met and self.met == met:
                yield from allocation.rebuilding(offer=self.offer, rows=VoucherRow)
        elif self.knows_incarnations and (yield from step(drift.stale, offers=[found])):
            yield from allocation.rebuilding(offer=self.offer, rows=VoucherRow)


def lapsing(offer: OfferId, most: int) -> Flow[Core, None]:
    """The oldest vouchers lapse; then the job that tells the gate, again until it was done."""
    if (yield from within(Core.transaction, _expire(most))):
        yield from allocation.rebuilding(offer=offer, rows=VoucherRow)
        yield from within(Core.transaction, _served())


# The product's own are one transaction each and decide nothing, so the books have their statements.
def _expire(most: int) -> Flow[Session, bool]:
    due: bool = yield Step(Books.expire, (), {"most": most})
    return due


def _served() -> Flow[Session, None]:
    yield Step(Books.served, (), {})


def comparing(core: Core, offer: OfferId) -> Flow[Core, None]:
    """Two looks of the drift audit, and the repair of what both found."""
    before: drift.Look | None = None
    for _ in range(2):
        found = yield from step(remembered, offer, fresh=True)
        look = yield from within(Core.transaction, step(compare, core, found))
        if look is not None and look.confirmed(before):
            yield from allocation.rebuilding(offer=offer, rows=VoucherRow)
        before = look


def compare(session: Session, core: Core, offer: Offer) -> drift.Look | None:
    """One look, the product's own. None while the gate is not at the offer's epoch."""
    return drift.look(core, session, offer=offer, rows=VoucherRow)
