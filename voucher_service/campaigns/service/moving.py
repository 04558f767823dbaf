"""The step that moves a campaign along its lifecycle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.kernel.actor import Actor

from ..lifecycles import CAMPAIGN, CampaignEvent
from ..model import Campaign, CampaignStatus
from ..tables import CampaignRow


def move(
    session: Session,
    found: Campaign,
    event: CampaignEvent,
    actor: Actor,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> CampaignStatus:
    """Move a campaign on, with a record. Raises IllegalTransition and OvertakenByAnother."""
    return audit.transition(
        session,
        CampaignRow,
        id=found.id,
        current=found.status,
        lifecycle=CAMPAIGN,
        event=event,
        actor=actor,
        now=now,
        detail=detail,
    )
