"""What the pages say of merchants' disputes that wait for the reader's answer."""

from __future__ import annotations

from datetime import datetime

from flask import g

from voucher_service.disputes import service
from voucher_service.kernel.errors import DomainError
from voucher_service.web.site import core

from .staff import reader

_NONE: tuple[int, datetime | None] = (0, None)


def disputes_waiting() -> tuple[int, datetime | None]:
    """How many wait for the reader, and by when the first is to be answered; asked for once a
    request. None where the books can't be asked.
    """
    if "disputes_waiting" not in g:
        caller = reader()
        try:
            found = service.waiting_for_office(core(), actor=caller) if caller else _NONE
        except DomainError:
            found = _NONE
        g.disputes_waiting = found
    kept: tuple[int, datetime | None] = g.disputes_waiting
    return kept
