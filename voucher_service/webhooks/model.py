"""Endpoints of merchants' own systems and what they are told, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType
from uuid import UUID

from voucher_service.kernel.errors import Conflict
from voucher_service.kernel.ids import RedemptionId, ShopId

TAG = "voucher-webhook"
"""What our signatures on messages are for."""
KINDS = (
    "redemption.committed",
    "redemption.cancelled",
    "redemption.lapsed",
    "redemption.reversed",
    "redemption.refunded",
)
"""The acts of the trail that are told, by their names there."""
MOST_ENDPOINTS = 3
KEPT = timedelta(days=30)
_SHORTEST, _LONGEST = timedelta(seconds=10), timedelta(hours=3)

EndpointId = NewType("EndpointId", UUID)
MessageId = NewType("MessageId", UUID)


class EndpointLimit(Conflict):
    """The shop has as many endpoints as it may have."""

    code = "webhook_limit"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of a shop's own system."""

    id: EndpointId
    shop_id: ShopId
    url: str
    failing_since: datetime | None
    disabled_at: datetime | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One event for one endpoint, and what became of it."""

    id: MessageId
    redemption_id: RedemptionId
    kind: str
    body: str
    attempts: int
    due_at: datetime
    last_error: str | None
    delivered_at: datetime | None
    given_up_at: datetime | None
    occurred_at: datetime

    @property
    def ended(self) -> bool:
        """Whether it is not sent any more, unless somebody asks for it."""
        return self.delivered_at is not None or self.given_up_at is not None


def wait(failing: timedelta) -> timedelta:
    """How long to let an endpoint rest that failed for so long: as long again, within bounds."""
    return min(max(failing, _SHORTEST), _LONGEST)


def headers_of(message: Message) -> Mapping[str, str]:
    """What is sent beside the body, before it is signed."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "voucher-webhook",
        "Webhook-Id": str(message.id),
    }
