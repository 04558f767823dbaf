"""A voucher's lifecycle, and what a resident is shown of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from voucher_service.campaigns.model import Offer
from voucher_service.kernel.actor import ActorKind
from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.ids import ResidentId, VoucherId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import Money


class Status(StrEnum):
    """Where a voucher stands."""

    CLAIMED = "claimed"
    FROZEN = "frozen"
    REDEEMED = "redeemed"
    EXPIRED = "expired"
    RETURNED = "returned"


class Event(StrEnum):
    """What happens to a voucher after its claim."""

    REDEEMED = "voucher.redeemed"
    PARTLY_SPENT = "voucher.partly_spent"
    FROZEN = "voucher.frozen"
    RELEASED = "voucher.released"
    REVIVED = "voucher.revived"
    RETURNED = "voucher.returned"
    EXPIRED = "voucher.expired"


LIFECYCLE: Machine[Status, Event] = Machine(
    "voucher",
    Status.CLAIMED,
    {
        Status.CLAIMED: {
            Event.REDEEMED: Status.REDEEMED,
            Event.PARTLY_SPENT: Status.CLAIMED,
            Event.FROZEN: Status.FROZEN,
            Event.REVIVED: Status.CLAIMED,
            Event.RETURNED: Status.RETURNED,
            Event.EXPIRED: Status.EXPIRED,
        },
        Status.FROZEN: {
            Event.REDEEMED: Status.REDEEMED,
            Event.PARTLY_SPENT: Status.CLAIMED,
            Event.RELEASED: Status.CLAIMED,
            Event.REVIVED: Status.FROZEN,
        },
        Status.REDEEMED: {Event.REVIVED: Status.CLAIMED, Event.RETURNED: Status.RETURNED},
        Status.EXPIRED: {Event.REVIVED: Status.EXPIRED},
        Status.RETURNED: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.CLAIMED: "可用",
    Status.FROZEN: "使用中",
    Status.REDEEMED: "已使用",
    Status.EXPIRED: "已过期",
    Status.RETURNED: "已退回",
}
OWNER: Mapping[Status, frozenset[ActorKind]] = {
    Status.CLAIMED: frozenset({ActorKind.CASHIER, ActorKind.SYSTEM}),
    Status.FROZEN: frozenset({ActorKind.CASHIER, ActorKind.SYSTEM}),
    Status.REDEEMED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.RETURNED: frozenset(),
}


class AlreadyRedeemed(Conflict):
    """The voucher was spent before; `extra` says when and where."""

    code = "already_redeemed"


class VoucherExpired(Conflict):
    """The voucher's last day is over."""

    code = "voucher_expired"
    gone = True


class VoucherNotUsable(Conflict):
    """The voucher was returned, it is being used at another till, or its day has not come."""

    code = "voucher_not_usable"


class IdLastFourNeeded(Unprocessable):
    """A paper voucher is used with the last four characters of its holder's document number."""

    code = "id_last_four_needed"


class IdLastFourWrong(Unprocessable):
    """The holder's document number ends with other characters."""

    code = "id_last_four_wrong"


class PaperNotOffered(Unprocessable):
    """Vouchers of this kind are not printed."""

    code = "paper_not_offered"


@dataclass(frozen=True, slots=True)
class Voucher:
    """A voucher as the house sees it, with its offer."""

    id: VoucherId
    resident_id: ResidentId
    offer: Offer
    status: Status
    face_value: Money
    spent: Money
    claimed_at: datetime
    valid_from: datetime
    valid_until: datetime
    code_ref: int

    @property
    def left(self) -> Money:
        """What of its value is still to be spent."""
        return self.face_value - self.spent

    def check_usable(self, now: datetime) -> None:
        """Raises AlreadyRedeemed, VoucherExpired or VoucherNotUsable when it can't be spent now."""
        if self.status is Status.REDEEMED:
            raise AlreadyRedeemed
        if self.status is Status.EXPIRED or (
            self.status is Status.CLAIMED and now >= self.valid_until
        ):
            raise VoucherExpired
        if self.status is not Status.CLAIMED:
            raise VoucherNotUsable

    def shown_status(self, now: datetime) -> Status:
        """The status to show: a voucher past its end is expired, swept or not."""
        if self.status is Status.CLAIMED and now >= self.valid_until:
            return Status.EXPIRED
        return self.status


def match_word(claimed: UUID, window: int) -> tuple[int, int]:
    """The match word of a code: a number that picks one of the words, and two digits.

    `claimed`: the voucher or the qualification that the code is of. The same on the
    resident's and the cashier's screen, so that a screenshot does not pass.
    """
    digest = hashlib.sha256(b"match word\0" + claimed.bytes + window.to_bytes(8, "big")).digest()
    return int.from_bytes(digest[:4], "big"), digest[4] % 100
