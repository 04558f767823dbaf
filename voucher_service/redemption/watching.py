"""What a resident's phone asks every second while its owner stands at a till."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId, VoucherId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.vouchers.model import Status as VoucherStatus

from .model import Redemption, Status

# One statement, for it is asked more often than anything else at a till. A freeze past its end is
# over, swept or not.
_LOOK = text("""
SELECT v.status, v.valid_until, r.id, r.status, r.refunded_fen, r.lapsed
FROM voucher v
LEFT JOIN LATERAL (
    SELECT id, status, refunded_fen,
        status = 'frozen'
            AND freeze_expires_at <= coalesce(CAST(:at AS timestamptz), clock_timestamp()) AS lapsed
    FROM redemption WHERE voucher_id = v.id
    ORDER BY occurred_at DESC, id DESC LIMIT 1) r ON true
WHERE v.id = :voucher AND v.resident_id = :resident
""")


@dataclass(frozen=True, slots=True)
class Glance:
    """How a voucher stands, what a till did with it last, and what of that order went back."""

    voucher: VoucherStatus
    valid_until: datetime
    redemption: RedemptionId | None = None
    stage: Status | None = None
    refunded: Money = ZERO

    @classmethod
    def of(cls, status: VoucherStatus, until: datetime, latest: Redemption | None) -> Glance:
        """The same of what was read in full."""
        if latest is None:
            return cls(status, until)
        return cls(status, until, latest.id, latest.status, latest.refunded)

    @property
    def mark(self) -> str:
        """Another one as soon as a till did something."""
        back = self.refunded.fen or ""
        return f"{self.voucher} {self.redemption or ''} {self.stage or ''} {back}".rstrip()


def glance(core: Core, *, actor: Actor, voucher: VoucherId) -> Glance:
    """A resident's own voucher. Raises NoSuchThing, for another's too."""
    with core.transaction() as session:
        told = {"voucher": voucher, "resident": actor.id, "at": core.clock.at}
        found = session.execute(_LOOK, told).first()
    if found is None:
        raise NoSuchThing
    status, until, id, stage, refunded, lapsed = found
    if id is None:
        return Glance(VoucherStatus(status), until)
    if lapsed:
        return Glance(VoucherStatus.CLAIMED, until, RedemptionId(id), Status.LAPSED)
    return Glance(
        VoucherStatus(status), until, RedemptionId(id), Status(stage), Money(refunded or 0)
    )
