"""What a resident's phone asks every second while its owner stands at a till."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, text

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId, VoucherId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.tradein.qualifications import QualificationId
from voucher_service.tradein.qualifications import Status as QualificationStatus
from voucher_service.vouchers.model import Status as VoucherStatus

from .model import Redemption, Status

# One statement, for it is asked more often than anything else at a till. A freeze past its end is
# over, swept or not.
_LOOK = """
SELECT v.status, v.valid_until, r.id, r.status, r.refunded_fen, r.lapsed
FROM {table} v
LEFT JOIN LATERAL (
    SELECT id, status, refunded_fen,
        status = 'frozen'
            AND freeze_expires_at <= coalesce(CAST(:at AS timestamptz), clock_timestamp()) AS lapsed
    FROM redemption WHERE {table}_id = v.id
    ORDER BY occurred_at DESC, id DESC LIMIT 1) r ON true
WHERE v.id = :claimed AND v.resident_id = :resident
"""
_VOUCHER = text(_LOOK.format(table="voucher"))
_QUALIFICATION = text(_LOOK.format(table="qualification"))
Standing = VoucherStatus | QualificationStatus


@dataclass(frozen=True, slots=True)
class Glance:
    """How a voucher or a qualification stands, what a till did with it last, and what of that order
    went back.
    """

    standing: Standing
    valid_until: datetime
    redemption: RedemptionId | None = None
    stage: Status | None = None
    refunded: Money = ZERO

    @classmethod
    def of(cls, status: Standing, until: datetime, latest: Redemption | None) -> Glance:
        """The same of what was read in full."""
        if latest is None:
            return cls(status, until)
        return cls(status, until, latest.id, latest.status, latest.refunded)

    @property
    def mark(self) -> str:
        """Another one as soon as a till did something."""
        back = self.refunded.fen or ""
        return f"{self.standing} {self.redemption or ''} {self.stage or ''} {back}".rstrip()


def glance(core: Core, *, actor: Actor, voucher: VoucherId) -> Glance:
    """A resident's own voucher. Raises NoSuchThing, for another's too."""
    return _glance(core, actor, _VOUCHER, voucher, VoucherStatus)


def glance_at(core: Core, *, actor: Actor, qualification: QualificationId) -> Glance:
    """A resident's own qualification. Raises NoSuchThing, for another's too."""
    return _glance(core, actor, _QUALIFICATION, qualification, QualificationStatus)


def _glance(
    core: Core,
    actor: Actor,
    look: TextClause,
    claimed: UUID,
    kind: type[VoucherStatus] | type[QualificationStatus],
) -> Glance:
    with core.transaction() as session:
        told = {"claimed": claimed, "resident": actor.id, "at": core.clock.at}
        found = session.execute(look, told).first()
    if found is None:
        raise NoSuchThing
    status, until, id, stage, refunded, lapsed = found
    if id is None:
        return Glance(kind(status), until)
    if lapsed:
        return Glance(kind("claimed"), until, RedemptionId(id), Status.LAPSED)
    return Glance(kind(status), until, RedemptionId(id), Status(stage), Money(refunded or 0))
