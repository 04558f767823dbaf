"""Back to the gate, once it is steady, for the offers that PostgreSQL alone hands out meanwhile."""

from __future__ import annotations

import time

from voucher_service.allocation import service as allocation
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Mode
from voucher_service.infra.core import Core

from .drift import rebuild

# The audit event of an offer whose slots the gate hands out again.
BACK = "gate.back"
_LATELY_SECONDS = 600.0
_MOST_DOUBLINGS = 6


class Return:
    """Fills the gates of these offers when the server has answered, as one incarnation, for long
    enough: `gate.steady_ms`, and twice as long for each return of the last ten minutes.
    """

    def __init__(self) -> None:
        self._met = ""
        self._since = 0.0
        self._returns: list[float] = []

    def __call__(self, core: Core) -> int:
        """One look; how many gates were filled. Raises TryAgain when the gate is lost meanwhile."""
        offers = [one for one in campaigns.open_offers(core) if one.mode is Mode.DEGRADED]
        met = allocation.answering(core) if offers else ""
        now = time.monotonic()
        if not met or met != self._met:
            self._met, self._since = met, now
        self._returns = [one for one in self._returns if now - one < _LATELY_SECONDS]
        doubled = 2 ** min(len(self._returns), _MOST_DOUBLINGS)
        if not met or (now - self._since) * 1000 < core.settings.gate.steady_ms * doubled:
            return 0
        back = sum(rebuild(core, one, {}, action=BACK) for one in offers)
        if back:
            self._returns.append(now)
        return back
