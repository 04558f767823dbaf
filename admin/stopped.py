"""What the pages say of emergency stops: who may stop, and how much is stopped."""

from __future__ import annotations

from admin.staff import reader
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.page import MOST
from voucher_service.stops import service
from voucher_service.stops.model import Status
from voucher_service.web.site import core

# Whoever notices that money goes wrong may stop it.
MAY_STOP = frozenset({Role.PLANNER, Role.APPROVER, Role.FINANCE, Role.REVIEWER})


def may_stop() -> bool:
    """Whether the reader may stop claims and redemptions in an emergency."""
    found = reader()
    return found is not None and found.has(*MAY_STOP)


def stop_count() -> int:
    """How many stops the reader is under; none where the books can't be asked."""
    caller = reader()
    if caller is None:
        return 0
    try:
        page = service.page(core(), actor=caller, status=Status.IN_FORCE, cursor=None, limit=MOST)
    except DomainError:
        return 0
    return len(page.items)
