"""Job `try_policy`: what a draft makes of past decisions. Arguments: `trial`, its id."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.tradein.revisions import service as revisions
from voucher_service.tradein.revisions.model import TrialId

_SECONDS = 5.0


def try_policy(core: Core, args: Mapping[str, Any], finish: Callable[[Session], None]) -> None:
    """Compute for a few seconds, so that no other job waits long; `go_on` wants the next run."""
    trial = TrialId(UUID(args["trial"]))
    until = time.monotonic() + min(_SECONDS, core.settings.queue.lease_seconds / 2)
    while revisions.compute_trial(core, trial=trial) and time.monotonic() < until:
        pass
    with core.transaction() as session:
        finish(session)
