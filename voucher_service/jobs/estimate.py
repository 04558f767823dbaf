"""Job `estimate`: what the vouchers of an offer changed. Arguments: `offer`, its id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.ids import OfferId


def estimate(core: Core, args: Mapping[str, Any], finish: Callable[[Session], None]) -> None:
    """Estimate, and finish in the transaction that keeps the answers."""
    # Loads numpy and a statistics library, which no other job needs.
    from voucher_service.causal.service import estimating

    estimating.compute(core, offer=OfferId(UUID(args["offer"])), finish=finish)
