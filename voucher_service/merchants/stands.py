"""What a till stands on: the device that a manager enrolled, and the point of the shop. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import Conflict, Forbidden, Unprocessable
from voucher_service.kernel.ids import CashierId, DeviceId, MerchantId, PointId, ShopId

from .model import Cashier
from .place import Position, in_season

CODE_DIGITS = 8
CODE_LIVES = timedelta(minutes=10)
"""How long an enrolment code can be typed or scanned."""


class DeviceNotEnrolled(Forbidden):
    """The merchant lets only enrolled devices redeem, and this one is not enrolled or revoked."""

    code = "device_not_enrolled"


class EnrolmentCodeInvalid(Unprocessable):
    """The enrolment code is mistyped, used or more than ten minutes old."""

    code = "enrolment_code_invalid"


class NoDeviceEnrolled(Conflict):
    """Before only enrolled devices may redeem, there has to be one."""

    code = "no_device_enrolled"


class PointClosed(Conflict):
    """Nobody can stand at the point today: it is closed, or this is not its season."""

    code = "point_closed"


class PointDatesInvalid(Unprocessable):
    """A point's last day lies before its first."""

    code = "point_dates_invalid"


@dataclass(frozen=True, slots=True)
class Device:
    """A phone or browser that may redeem. `seen_at` is when it was last used, to five minutes."""

    id: DeviceId
    merchant_id: MerchantId
    shop_id: ShopId
    name: str
    agent: str
    enrolled_by: CashierId
    enrolled_at: datetime
    seen_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """A code that enrols one device, shown once."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device and the token by which it proves itself, told this once."""

    device: Device
    token: str


@dataclass(frozen=True, slots=True)
class Point:
    """A stall or booth of a shop; open from its first to its last day, where they are told."""

    id: PointId
    shop_id: ShopId
    name: str
    position: Position | None
    opens_on: date | None
    closes_on: date | None
    closed: bool

    def open_on(self, day: date) -> bool:
        """Whether a till may stand there on a day."""
        return not self.closed and in_season(self.opens_on, self.closes_on, day)


@dataclass(frozen=True, slots=True)
class PointPlan:
    """What a manager says about a point. Raises PointDatesInvalid."""

    name: str
    position: Position | None = None
    opens_on: date | None = None
    closes_on: date | None = None

    def __post_init__(self) -> None:
        if self.opens_on and self.closes_on and self.closes_on < self.opens_on:
            raise PointDatesInvalid


@dataclass(frozen=True, slots=True)
class AtTill:
    """Who a request acts as, in which session, and whether its device may redeem.

    The actor's evidence names the enrolled device and the point.
    """

    actor: Actor
    session: UUID
    may_redeem: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a merchant as their manager sees them. `identified`: own vouchers are refused."""

    cashier: Cashier
    shop_name: str
    identified: bool
