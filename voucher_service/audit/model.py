"""Refusals of the audit trail."""

from __future__ import annotations

from voucher_service.kernel.errors import Conflict


class OvertakenByAnother(Conflict):
    """Somebody else changed the thing between reading and writing it."""

    code = "overtaken"
