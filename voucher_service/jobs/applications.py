"""Job `tell_applicant`: send one short message to whoever applied for the subsidy of a car."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.tradein.applications.messages import Message
from voucher_service.tradein.applications.service import telling


def tell_applicant(core: Core, args: Mapping[str, Any], finish: Callable[[Session], None]) -> None:
    """Send, then finish. Raises SmsUnavailable: the job is due again."""
    telling.send_message(
        core, application=UUID(args["application"]), message=Message(args["message"])
    )
    with core.transaction() as session:
        finish(session)
