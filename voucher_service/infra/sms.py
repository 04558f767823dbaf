"""Short messages through an adapter. A city plugs in its provider; development writes to a file."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from voucher_service.kernel.errors import Unavailable
from voucher_service.settings import Sms


class SmsUnavailable(Unavailable):
    """No short message can be sent now."""

    code = "sms_unavailable"


class SmsSender:
    """Sends nothing: the adapter `none`. A provider's adapter overrides `send`."""

    def send(self, *, mobile: str, code: str, text: str, at: datetime) -> None:
        """Send one message. Raises SmsUnavailable."""
        raise SmsUnavailable(retry_after_seconds=60)


class DevelopmentSms(SmsSender):
    """Appends each message to a file, one JSON a line; only its owner can read it."""

    def __init__(self, outbox: Path) -> None:
        self._outbox = outbox

    def send(self, *, mobile: str, code: str, text: str, at: datetime) -> None:
        line = json.dumps(
            {"mobile": mobile, "code": code, "text": text, "at": at.isoformat()}, ensure_ascii=False
        )
        self._outbox.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._outbox, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def sms_sender(settings: Sms) -> SmsSender:
    """The sender that the settings name."""
    if settings.adapter == "development" and settings.outbox:
        return DevelopmentSms(Path(settings.outbox))
    return SmsSender()
