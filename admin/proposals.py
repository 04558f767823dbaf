"""Proposals about one campaign: the one that waits, and the one that came back last."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from uuid import UUID

from voucher_service.approvals import service
from voucher_service.approvals.model import Approval, Status
from voucher_service.kernel.page import MOST
from voucher_service.web.auth import actor
from voucher_service.web.site import core


def waiting_for(campaign: UUID) -> Approval | None:
    """The proposal about a campaign that nobody has decided yet."""
    return next(_about(campaign, Status.WAITING), None)


def sent_back(campaign: UUID) -> Approval | None:
    """The newest proposal about a campaign that was sent back."""
    last = deque(_about(campaign, Status.REJECTED), maxlen=1)  # they come oldest first
    return last[0] if last else None


def _about(campaign: UUID, status: Status) -> Iterator[Approval]:
    cursor: str | None = None
    while True:
        page = service.page(core(), actor=actor(), status=status, cursor=cursor, limit=MOST)
        yield from (one for one in page.items if one.object_id == campaign)
        cursor = page.next
        if cursor is None:
            return
