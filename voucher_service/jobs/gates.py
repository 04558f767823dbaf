"""The gates that the schedule looks after: of vouchers, and of qualifications."""

from __future__ import annotations

from collections.abc import Callable

from voucher_service.allocation.upkeep import Gated
from voucher_service.infra.core import Core
from voucher_service.tradein import service as tradein
from voucher_service.vouchers import service as vouchers

_ALL = (vouchers.GATED, tradein.GATED)


def for_all(make: Callable[[Gated], Callable[[Core], int]]) -> Callable[[Core], int]:
    """A step that does one kind after the other, and says how much they did."""
    steps = [make(one) for one in _ALL]
    return lambda core: sum(step(core) for step in steps)
