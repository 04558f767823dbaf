"""A large file that waits to be read in the background, and what becomes of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict
from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.kernel.machine import Machine

from .layout import Days
from .model import ChannelFileId

UploadId = NewType("UploadId", UUID)


class UploadsWaiting(Conflict):
    """As many files as `matching.most_waiting` wait to be read."""

    code = "channel_uploads_waiting"


class UploadLost(Conflict):
    """The bytes of a file that waits are gone."""

    code = "channel_upload_lost"
    gone = True


class UploadBroken(Conflict):
    """Reading a file broke off again and again; nothing of it is in the books."""

    code = "channel_upload_broken"


class UploadStatus(StrEnum):
    """Where a file that was sent stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    REFUSED = "refused"


class UploadEvent(StrEnum):
    """What happens to a file that was sent."""

    TAKEN = "channel_upload.taken"
    REFUSED = "channel_upload.refused"


UPLOAD: Machine[UploadStatus, UploadEvent] = Machine(
    "channel_upload",
    UploadStatus.WAITING,
    {
        UploadStatus.WAITING: {
            UploadEvent.TAKEN: UploadStatus.TAKEN,
            UploadEvent.REFUSED: UploadStatus.REFUSED,
        },
        UploadStatus.TAKEN: {},
        UploadStatus.REFUSED: {},
    },
)
UPLOAD_PUBLIC: Mapping[UploadStatus, str] = {
    UploadStatus.WAITING: mark("正在读"),
    UploadStatus.TAKEN: mark("已收下"),
    UploadStatus.REFUSED: mark("没有收下"),
}
# It ends by itself.
UPLOAD_OWNER: Mapping[UploadStatus, frozenset[Role]] = {
    UploadStatus.WAITING: frozenset({Role.FINANCE}),
    UploadStatus.TAKEN: frozenset(),
    UploadStatus.REFUSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent. `read_bytes` of `size_bytes` were read by now; at the end of them it is
    compared. `days`: those that it was said to be about. `refusal`: the code of what refused it,
    its `params`, and the wrong `lines`.
    """

    id: UploadId
    format: str
    merchant_id: MerchantId | None
    shop_id: ShopId | None
    with_others: bool
    days: Days | None
    file_name: str
    size_bytes: int
    read_bytes: int
    attempts: int
    status: UploadStatus
    file_id: ChannelFileId | None
    refusal: Mapping[str, Any] | None
    made_by: UUID
    made_at: datetime
    ended_at: datetime | None

    @property
    def read_percent(self) -> int:
        """How much was read, 0 to 100."""
        return 100 * self.read_bytes // max(1, self.size_bytes)

    @property
    def queued(self) -> bool:
        """Whether nobody began to read it."""
        return self.status is UploadStatus.WAITING and self.attempts == 0

    @property
    def comparing(self) -> bool:
        """Whether all of it was read and it is beside our books now."""
        return self.status is UploadStatus.WAITING and self.read_bytes >= self.size_bytes
