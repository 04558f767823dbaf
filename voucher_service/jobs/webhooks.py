"""Job `send_webhooks`: send an endpoint what is due, for a few seconds. Arguments: `endpoint`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.webhooks import service as webhooks
from voucher_service.webhooks.model import EndpointId

_SECONDS = 5.0


def send_webhooks(core: Core, args: Mapping[str, Any], finish: Callable[[Session], None]) -> None:
    """Send, then finish; the schedule wants the next run while something is due."""
    webhooks.send(core, endpoint=EndpointId(UUID(args["endpoint"])), seconds=_SECONDS)
    with core.transaction() as session:
        finish(session)
