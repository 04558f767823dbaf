"""Residents who claim, ask again when they were told nothing, and write down all they hear."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from voucher_service.infra.idempotency import Outcome, hash_of
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import DomainError, Unavailable
from voucher_service.vouchers.service import Request

_GIVE_UP = 0.3
UNKNOWN = "unknown"
LATE = 1_000  # residents from this number on come when the storm is over


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer as it was heard. `voucher` None: `code` is the refusal, or unknown."""

    at_ms: int
    key: str
    code: str
    voucher: UUID | None = None


@dataclass(eq=False)
class Resident:
    """One resident with what they want, in order: a key twice is the same request again."""

    number: int
    wishes: list[str]
    journal: list[Entry] = field(default_factory=list)
    asks: int = 0
    waits: bool = False
    gave_up: bool = False
    unsure: int = 0

    @property
    def id(self) -> UUID:
        """Who it is in the books."""
        return UUID(int=self.number)

    @property
    def idle(self) -> bool:
        """Whether nothing is wanted any more."""
        return not self.waits and (self.gave_up or not self.wishes)

    def asks_now(self) -> int:
        """They ask; the number of the ask, so that late answers to it can be told."""
        self.asks += 1
        self.waits = True
        return self.asks

    def request(self) -> Request:
        """What they ask for."""
        return Request(Actor(ActorKind.RESIDENT, self.id), self.wishes[0])

    def key_hash(self, key: str) -> bytes:
        """As the books keep it."""
        return hash_of(key)

    def hears(self, at_ms: int, answer: object, random: Random, *, patient: bool) -> None:
        """Write an answer down. Whoever is told nothing asks again, or gives up."""
        self.waits = False
        key = self.wishes[0]
        if isinstance(answer, Outcome):
            self.journal.append(Entry(at_ms, key, "voucher", answer.value.id))
            self.wishes.pop(0)
        elif isinstance(answer, DomainError) and not isinstance(answer, Unavailable):
            self.journal.append(Entry(at_ms, key, answer.code))
            self.wishes.pop(0)
        else:
            self.journal.append(Entry(at_ms, key, UNKNOWN))
            self.unsure += 1
            self.gave_up = not patient and random.random() < _GIVE_UP


def crowd(random: Random, count: int, limit: int) -> list[Resident]:
    """Most want one voucher; some ask twice for it, some want more than one."""
    made = []
    for number in range(1, count + 1):
        wishes = [f"a{number}"]
        if random.random() < 0.2:
            wishes.append(wishes[0])
        if random.random() < (0.5 if limit > 1 else 0.15):
            wishes.append(f"b{number}")
        made.append(Resident(number, wishes))
    return made
