"""Job `send_notices`: send what a second may carry; `go_on` wants the next run a second later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.notices import service as notices


def send_notices(core: Core, _args: Mapping[str, Any], finish: Callable[[Session], None]) -> None:
    """Send, then finish. Raises SmsUnavailable: the job is due again."""
    notices.send(core)
    with core.transaction() as session:
        finish(session)
