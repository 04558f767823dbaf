"""Whose gates there are: of vouchers, and of qualifications."""

from __future__ import annotations

from collections.abc import Callable

from voucher_service.allocation.upkeep import Gated
from voucher_service.campaigns.model import CampaignKind
from voucher_service.infra.core import Core
from voucher_service.tradein import service as tradein
from voucher_service.vouchers import service as vouchers

_ALL = (vouchers.GATED, tradein.GATED)


def gates(kind: CampaignKind) -> Gated:
    """Those of one kind of offers."""
    return next(one for one in _ALL if one.kind is kind)


def for_all(make: Callable[[Gated], Callable[[Core], int]]) -> Callable[[Core], int]:
    """A step that does one kind after the other, and says how much they did."""
    steps = [make(one) for one in _ALL]
    return lambda core: sum(step(core) for step in steps)
