"""What is on record, how it is searched, and the trail's own refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voucher_service.kernel.errors import Conflict

READS = ("resident.looked_up", "resident.revealed", "merchant.revealed")
"""The actions by which staff read personal data; an index knows them too."""


class OvertakenByAnother(Conflict):
    """Somebody else changed the thing between reading and writing it."""

    code = "overtaken"


@dataclass(frozen=True, slots=True)
class Act:
    """One event of the trail."""

    id: int
    occurred_at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str
    from_status: str | None
    to_status: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a search asks for; None asks nothing. `since` counts, `until` no longer."""

    actor: str | None = None
    action: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
