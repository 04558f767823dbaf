"""Job `reconcile`: a programme's figures up to now.

Arguments: `programme`, its slug; `whole`: count every row again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.reconciliation import service as reconciliation


def reconcile(core: Core, args: Mapping[str, Any], finish: Callable[[Session], None]) -> None:
    """Reconcile, and finish in the transaction in which the figures change."""
    whole = bool(args.get("whole"))
    reconciliation.run(core, programme=args["programme"], whole=whole, finish=finish)
