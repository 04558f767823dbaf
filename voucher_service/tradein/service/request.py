"""What a claim of a qualification asks, and what it is answered."""

from __future__ import annotations

from voucher_service.allocation.model import Ask
from voucher_service.infra.idempotency import Outcome, hash_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ResidentId

from ..policy import Category
from ..qualifications import Qualification

Answer = Outcome[Qualification] | DomainError


class Request:
    """One resident's claim of a category. The key is the caller's idempotency key.

    `ask` is the claim as the gate sees it. `in_line`: the resident waited for this place.
    """

    __slots__ = ("actor", "ask", "category", "in_line", "resident")

    def __init__(
        self,
        actor: Actor,
        resident: ResidentId,
        category: Category,
        key: str,
        *,
        in_line: bool = False,
    ) -> None:
        self.actor = actor
        self.resident = resident
        self.category = category
        self.in_line = in_line
        self.ask = Ask(resident, hash_of(key))
