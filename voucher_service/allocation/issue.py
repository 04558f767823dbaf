"""What is claimed, as far as a claim must know it: whose rows, which refusals, what is written."""
# ruff: noqa: ARG002 - what does nothing keeps the signature of what does

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.infra.flow import Flow
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ResidentId, VoucherId, voucher_id

from .model import REFUSALS, Ask, NotOpenYet, Pool, Seat, SoldOut, Verdict
from .slots import Slotted


class Wish(Protocol):
    """One resident's claim. `ask` is the claim as the gate sees it."""

    @property
    def resident(self) -> ResidentId:
        """Who gets it."""

    @property
    def ask(self) -> Ask:
        """What the gate is asked."""


class Named(Protocol):
    """What is claimed, by its id."""

    @property
    def id(self) -> UUID:
        """Its row's id."""


R = TypeVar("R", bound=Wish)
V = TypeVar("V", bound=Named)
# Who has a seat, by the place in the batch; and what somebody is answered, if it is known yet.
Seated = dict[int, tuple[R, Seat]]
Told = Outcome[V] | DomainError
Perhaps = Outcome[V] | DomainError | None
# What is to be told to the gate: a seat, and the key by which PostgreSQL holds it, if it does.
Settled = list[tuple[Seat, bytes | None]]
# What became of each seat, None where somebody else has the slot; and which of the ids stand.
Written = tuple[dict[int, Perhaps[V]], set[UUID]]


class Issue(ABC, Generic[R, V]):
    """What the claims of one batch take: whose rows they are, and what is said to each.

    `alone`: batches of one offer take turns, so that each sees what the one before it wrote.
    `counted`: the gate gives no more than places are open.
    """

    rows: type[Slotted]
    alone = False
    counted = False

    @abstractmethod
    def offer(self, *, fresh: bool) -> Flow[Core, Offer]:
        """The offer that is claimed, as its gate must see it now; `fresh` if it must not be old.

        Raises NoSuchThing.
        """

    def barred(
        self, requests: Sequence[R], now: datetime
    ) -> Flow[Core, Mapping[ResidentId, DomainError]]:
        """Who need not ask at all, and why."""
        yield from ()
        return {}

    @abstractmethod
    def known(self, requests: Sequence[R]) -> Flow[Session, list[Perhaps[V]]]:
        """What can be said without a seat: earlier answers, and who may not claim at all."""

    @abstractmethod
    def unfit(self, requests: Sequence[R]) -> Flow[Session, list[Perhaps[V]]]:
        """Who may not claim at all, and what they were answered while they might."""

    @abstractmethod
    def write(
        self, offer: Offer, pool: Pool, seated: Seated[R], now: datetime
    ) -> Flow[Session, Written[V]]:
        """Rows, money and record of a batch of seats; each row's id is its seat's `row_id`."""

    @abstractmethod
    def counting(self, pool: Pool) -> Flow[Core, None]:
        """Tell the gate how many places are open. Raises TryAgain."""

    @abstractmethod
    def explain(
        self,
        offer: Offer,
        requests: Sequence[R],
        answers: list[Perhaps[V]],
    ) -> Flow[Core, None]:
        """Say more about refusals of the gate, in place."""

    def note(
        self, offer: Offer, refused: Sequence[tuple[R, str]], now: datetime
    ) -> Flow[Core, None]:
        """Keep the refused claims, each with the code of its refusal."""
        yield from ()

    def refusal(self, verdict: Verdict, offer: Offer, now: datetime) -> DomainError:
        """The refusal, with the next opening where that is what to do next."""
        later = [one.opens_at for one in offer.releases if one.opens_at > now]
        if verdict in (Verdict.TOO_EARLY, Verdict.CLOSED) and later:
            return NotOpenYet(opens_at=min(later))
        if verdict is Verdict.SOLD_OUT and later:
            return SoldOut(next_at=min(later))
        return REFUSALS[verdict]()


def row_id(offer: Offer, seat: Seat) -> VoucherId:
    """The id of the row that holds a seat: the same seat is the same row, whoever writes it."""
    return voucher_id(offer.id, seat.resident, seat.ordinal, seat.generation)
