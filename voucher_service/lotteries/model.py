"""A lottery: its lifecycle, its terms, who secures it, and its refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from voucher_service.allocation.model import NotOpenYet
from voucher_service.campaigns.model import Offer
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict, DomainError, Unprocessable
from voucher_service.kernel.machine import Machine
from voucher_service.pushes.model import NotEligible

LotteryId = NewType("LotteryId", UUID)

# How long the parties have to reveal, from the moment that all have committed and entries closed.
REVEAL_WITHIN = timedelta(hours=24)
# Entrants are the control group of the causal estimate; after this only their leaves stay.
KEPT_AFTER_DRAW = timedelta(days=90)
MOST_PLACES = 10_000_000
# Named in every published file and in what an approver signs; another way to draw is another rule.
RULE_VERSION = "lottery/1"


class Status(StrEnum):
    """Where a lottery stands."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    DRAWN = "drawn"


class Event(StrEnum):
    """What happens to a lottery."""

    OPENED = "lottery.opened"
    CLOSED = "lottery.closed"
    VOIDED = "lottery.voided"
    DRAWN = "lottery.drawn"


LIFECYCLE: Machine[Status, Event] = Machine(
    "lottery",
    Status.DRAFT,
    {
        Status.DRAFT: {Event.OPENED: Status.OPEN},
        Status.OPEN: {Event.CLOSED: Status.CLOSED},
        # A void attempt changes no list: the same entrants are drawn with new secrets.
        Status.CLOSED: {Event.VOIDED: Status.CLOSED, Event.DRAWN: Status.DRAWN},
        Status.DRAWN: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.DRAFT: "还没公布",
    Status.OPEN: "报名中",
    Status.CLOSED: "等待开奖",
    Status.DRAWN: "已开奖",
}
OWNER: Mapping[Status, frozenset[Role]] = {
    Status.DRAFT: frozenset({Role.PLANNER}),
    Status.OPEN: frozenset({Role.PLANNER, Role.APPROVER}),
    Status.CLOSED: frozenset({Role.FINANCE, Role.AUDITOR, Role.PLANNER, Role.APPROVER}),
    Status.DRAWN: frozenset(),
}


class Party(StrEnum):
    """Who commits to a secret before the list is closed: three persons of three offices."""

    FINANCE = "finance"
    AUDIT = "audit"
    BUREAU = "bureau"

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that may speak for the party."""
        return _ROLES[self]


_ROLES: Mapping[Party, frozenset[Role]] = {
    Party.FINANCE: frozenset({Role.FINANCE}),
    Party.AUDIT: frozenset({Role.AUDITOR}),
    Party.BUREAU: frozenset({Role.PLANNER, Role.APPROVER}),
}


class Outcome(StrEnum):
    """What the draw gave an entrant."""

    UNDECIDED = "undecided"
    WON = "won"
    WAITING = "waiting"
    NOT_DRAWN = "not_drawn"


class LotteryInvalid(Unprocessable):
    """A term of the lottery breaks a rule; `extra["errors"]` names it."""

    code = "lottery_invalid"


class EntriesNotOpenYet(Conflict):
    """Entries open later."""

    code = "entries_not_open_yet"


class EntriesClosed(Conflict):
    """Entries are over."""

    code = "entries_closed"


class EntriesStillOpen(Conflict):
    """The list is closed after the hour that was announced, not before."""

    code = "entries_still_open"


class CommitmentsMissing(Conflict):
    """All three parties commit before the list is closed and before anybody reveals."""

    code = "commitments_missing"


class PartyTaken(Conflict):
    """The party has committed already, or this person or this hash stands for another party."""

    code = "party_taken"


class SecretWrong(Unprocessable):
    """The secret is not the one that was committed to."""

    code = "secret_wrong"


class RevealTooLate(Conflict):
    """The time to reveal is over; the attempt is void and is repeated with new secrets."""

    code = "reveal_too_late"


class RevealNotOver(Conflict):
    """An attempt is declared void only after the time to reveal."""

    code = "reveal_not_over"


class ListChanged(Conflict):
    """The entries are no longer those whose hash was published; nothing is drawn from them."""

    code = "lottery_list_changed"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is announced. The first `seats` drawn may claim when the offer opens, the next `waiting`
    from `waiting_from` on. Instants are aware.
    """

    seats: int
    opens_at: datetime
    closes_at: datetime
    waiting: int = 0
    waiting_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Commitment:
    """One party's promise in one attempt: the SHA-256 of its secret, in time also the secret."""

    attempt: int
    party: Party
    staff_id: UUID
    sha256: str
    committed_at: datetime
    secret: str | None
    revealed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lottery:
    """A lottery as its readers see it. Hashes and the seed are in hex; `entries` is known once the
    list is closed.
    """

    id: LotteryId
    offer: Offer
    terms: Terms
    status: Status
    attempt: int
    commitments: tuple[Commitment, ...]
    closed_at: datetime | None
    entries: int | None
    list_sha256: str | None
    reveal_by: datetime | None
    seed: str | None
    result_sha256: str | None
    drawn_at: datetime | None

    @property
    def standing(self) -> tuple[Commitment, ...]:
        """The commitments of the present attempt."""
        return tuple(one for one in self.commitments if one.attempt == self.attempt)

    def of_party(self, party: Party) -> Commitment | None:
        """What a party promised in the present attempt."""
        return next((one for one in self.standing if one.party is party), None)

    def outcome(self, rank: int | None) -> Outcome:
        """What a rank means; ranks begin at 1, None is behind the waiting list."""
        if self.status is not Status.DRAWN:
            return Outcome.UNDECIDED
        if rank is None:
            return Outcome.NOT_DRAWN
        return Outcome.WON if rank <= self.terms.seats else Outcome.WAITING

    def refusal(self, rank: int | None, now: datetime) -> DomainError | None:
        """Why a rank may not claim now; None when it may. Before the draw nobody may."""
        outcome, later = self.outcome(rank), self.terms.waiting_from
        if outcome is Outcome.UNDECIDED:
            return NotOpenYet()
        if outcome is Outcome.NOT_DRAWN:
            return NotEligible()
        if outcome is Outcome.WAITING and later is not None and now < later:
            return NotOpenYet(opens_at=later)
        return None


@dataclass(frozen=True, slots=True)
class Entry:
    """One resident's entry. `leaf` is what stands for them in the published list, in hex."""

    leaf: str
    entered_at: datetime
    rank: int | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Draw:
    """A lottery as one reader stands in it. `entry` is None for who did not enter."""

    lottery: Lottery
    entry: Entry | None

    def may_claim(self, now: datetime) -> bool:
        """Whether the reader was drawn and their time has come."""
        return self.lottery.refusal(self.entry.rank if self.entry else None, now) is None


def frozen(lottery: Lottery) -> dict[str, Any]:
    """What an approver signs for besides the offer itself, as plain JSON."""
    terms = lottery.terms
    return {
        "offer": str(lottery.offer.id),
        "title": lottery.offer.title,
        "rule": RULE_VERSION,
        "seats": terms.seats,
        "waiting": terms.waiting,
        "opens_at": terms.opens_at.isoformat(),
        "closes_at": terms.closes_at.isoformat(),
        "waiting_from": terms.waiting_from.isoformat() if terms.waiting_from else None,
    }


def check_terms(terms: Terms, offer: Offer) -> None:
    """Raises LotteryInvalid naming every term that is wrong.

    Whoever wins must find a slot: places × limit ≤ the quota of the releases.
    """
    errors: dict[str, str] = {}
    opens, closes = offer.window()
    quota = sum(one.quota for one in offer.releases)
    if not 1 <= terms.seats * offer.per_resident_limit <= quota:
        errors["seats"] = f"1–{quota // offer.per_resident_limit}"
    if not 0 <= terms.waiting <= MOST_PLACES:
        errors["waiting"] = f"0–{MOST_PLACES}"
    if not terms.opens_at < terms.closes_at <= opens:
        errors["closes_at"] = f"<= {opens.isoformat()}"
    if closes > terms.closes_at + KEPT_AFTER_DRAW:
        errors["closes_at"] = f">= {(closes - KEPT_AFTER_DRAW).isoformat()}"
    if (terms.waiting > 0) != (terms.waiting_from is not None):
        errors["waiting_from"] = "waiting"
    elif terms.waiting_from is not None and not opens < terms.waiting_from < closes:
        errors["waiting_from"] = f"{opens.isoformat()}–{closes.isoformat()}"
    if errors:
        raise LotteryInvalid(extra={"errors": errors}, fields=", ".join(sorted(errors)))
