"""What the pages say of merchants' disputes and of differences that wait for the reader."""

from __future__ import annotations

from datetime import datetime

from flask import g

from voucher_service.disputes import service
from voucher_service.kernel.errors import DomainError
from voucher_service.reconciliation.differences import service as differences
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


def differences_waiting() -> int | None:
    """How many differences are under way in the reader's area, asked for once a request; None for
    who doesn't see them, and where the books can't be asked.
    """
    if "differences_waiting" not in g:
        caller = reader()
        sees = caller is not None and caller.has(*differences.READERS)
        try:
            g.differences_waiting = (
                differences.waiting(core(), actor=caller).count if caller and sees else None
            )
        except DomainError:
            g.differences_waiting = None
    kept: int | None = g.differences_waiting
    return kept
