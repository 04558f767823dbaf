"""Job `tell_merchant`: send one short message to whoever applied for a merchant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.merchants.messages import Message
from voucher_service.merchants.service import telling


def tell_merchant(core: Core, args: Mapping[str, Any], finish: Callable[[Session], None]) -> None:
    """Send, then finish. Raises SmsUnavailable: the job is due again."""
    telling.send_message(
        core,
        application=UUID(args["application"]),
        message=Message(args["message"]),
        facts=args["facts"],
    )
    with core.transaction() as session:
        finish(session)
