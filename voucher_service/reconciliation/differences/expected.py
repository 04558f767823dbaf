"""Files that are to come of every day, and the days of which none came. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NewType
from uuid import UUID

from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.ids import MerchantId, ShopId

ExpectedId = NewType("ExpectedId", UUID)

# How far back a missing day is looked for.
LOOK_BACK = timedelta(days=92)
_DAY = timedelta(days=1)


class AlreadyExpected(Conflict):
    """A file of that channel and merchant or shop is expected already."""

    code = "channel_file_expected"


class ExpectationInvalid(Unprocessable):
    """The last day lies before the first, or in the future."""

    code = "channel_expectation_days"


@dataclass(frozen=True, slots=True)
class Expected:
    """A file of each day from `first` on, to `last` if it is known, by `hour` (0 to 23) of the day
    after. Without a merchant or a shop it is the city's. `whose`: how people call the merchant or
    the shop. `missing`: the days that lacked one when that was last looked at.
    """

    id: ExpectedId
    channel: str
    merchant_id: MerchantId | None
    shop_id: ShopId | None
    scope: str
    whose: str
    hour: int
    first: date
    last: date | None
    made_by: UUID
    made_at: datetime
    missing: Sequence[date] = ()
    looked_at: datetime | None = None

    def span(self, now: datetime) -> tuple[date, date]:
        """The first and the last day of which a file should be here; maybe none lies between."""
        here = now.astimezone(SHANGHAI)
        due = here.date() - _DAY * (1 if here.hour >= self.hour else 2)
        return max(self.first, here.date() - LOOK_BACK), min(due, self.last or due)

    def days(self, now: datetime) -> list[date]:
        """The days of which a file should be here."""
        first, last = self.span(now)
        return [first + _DAY * n for n in range((last - first).days + 1)]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an expected file stands: the last day that came, and the days that are missing: they had
    orders or payments of ours when that was last looked at, and have no file.
    """

    expected: Expected
    newest: date | None
    missing: Sequence[date]
