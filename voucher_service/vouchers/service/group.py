"""The claims of vouchers of one process, which share their commits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from voucher_service.allocation import group
from voucher_service.allocation.model import Closed, SoldOut
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import OfferId

from ..model import Voucher
from .claim import claim_many
from .request import Answer, Request

_REPEATED_SECONDS = 2.0
_MOST_REPEATED = 65_536


class Group(group.Group[OfferId, Request, Answer]):
    """The claims of one process: those of one offer are one batch."""

    def __init__(self, core: Core) -> None:
        super().__init__(self._claim)
        self._core = core
        self._told: dict[tuple[OfferId, UUID], tuple[DomainError, float]] = {}

    def told_lately(self, *, resident: UUID, offer: OfferId) -> DomainError | None:
        """The refusal that this resident heard less than two seconds ago, if it still holds.

        Only "sold out" and "closed": whoever hears them holds no voucher of the offer, and a
        release that opens ends them.
        """
        told = self._told.get((offer, resident))
        return told[0] if told is not None and time.monotonic() < told[1] else None

    def claim(self, *, actor: Actor, offer: OfferId, key: str) -> Outcome[Voucher]:
        """As `vouchers.claim`, together with whoever claims at the same moment.

        Raises what that raises, and TryAgain when too many are waiting.
        """
        told = self.answer(offer, Request(actor, key))
        if isinstance(told, DomainError):
            raise told
        return told

    async def claim_soon(self, *, actor: Actor, offer: OfferId, key: str) -> Answer:
        """As `claim`, for an event loop: whoever waits takes no thread.

        Returns a refusal instead of raising it, and remembers it: an exception that is raised again
        and again grows by a traceback each time.
        """
        request = Request(actor, key)
        told = await self.answer_soon(offer, request)
        if isinstance(told, SoldOut | Closed):
            self._remember(offer, request.resident, told)
        elif isinstance(told, Exception) and not isinstance(told, DomainError):
            raise told
        return told

    def _claim(self, offer: OfferId, requests: Sequence[Request]) -> Sequence[Answer]:
        return claim_many(self._core, offer=offer, requests=requests)

    def _remember(self, offer: OfferId, resident: UUID, refusal: DomainError) -> None:
        seconds = _REPEATED_SECONDS
        if "next_at" in refusal.params:
            opens_in = refusal.params["next_at"] - (self._core.clock.at or datetime.now(UTC))
            seconds = min(seconds, opens_in.total_seconds())
        if len(self._told) >= _MOST_REPEATED:
            self._told.clear()
        self._told[offer, resident] = (refusal, time.monotonic() + seconds)
