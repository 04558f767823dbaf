"""What a claim asks, and what it is answered."""

from __future__ import annotations

from voucher_service.allocation.model import Ask
from voucher_service.infra.idempotency import Outcome, hash_of
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ResidentId

from ..model import Voucher

Answer = Outcome[Voucher] | DomainError


class Request:
    """One resident's claim. The key is the caller's idempotency key.

    `ask` is the claim as the gate sees it.
    """

    __slots__ = ("actor", "ask", "resident")

    def __init__(self, actor: Actor, key: str) -> None:
        assert actor.kind is ActorKind.RESIDENT and actor.id is not None
        self.actor = actor
        self.resident = ResidentId(actor.id)
        self.ask = Ask(self.resident, hash_of(key))
