"""What a claim asks, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass

from voucher_service.allocation.model import Ask
from voucher_service.infra.idempotency import Outcome, hash_of
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ResidentId

from ..model import Voucher

Answer = Outcome[Voucher] | DomainError


@dataclass(frozen=True, slots=True)
class Request:
    """One resident's claim. The key is the caller's idempotency key."""

    actor: Actor
    key: str

    @property
    def resident(self) -> ResidentId:
        """Who claims."""
        assert self.actor.kind is ActorKind.RESIDENT and self.actor.id is not None
        return ResidentId(self.actor.id)

    @property
    def ask(self) -> Ask:
        """The claim as the gate sees it."""
        return Ask(self.resident, hash_of(self.key))
