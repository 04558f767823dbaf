"""A revision: past decisions that a later policy changes, approved as one list. Pure.

`before` is what a decision paid, with what earlier revisions added to it; `after` what the later
policy pays. What is missing is paid; what was too much is listed and never taken back by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.ids import CampaignId, ResidentId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import Money

from ..applications.model import Card
from ..policy import Category, Policy, Scheme
from ..quote import Reason
from .effects import Effects

RevisionId = NewType("RevisionId", UUID)
TrialId = NewType("TrialId", UUID)


class PolicyUnknown(Unprocessable):
    """There is no policy of that id, or it was not published by the day that is asked for."""

    code = "policy_unknown"


class RevisionStands(Conflict):
    """Another revision of this kind of subsidy waits for its approval in the same division."""

    code = "revision_stands"


class DraftInvalid(Unprocessable):
    """The text is no policy; `extra["errors"]` names the key and what is wrong with it."""

    code = "draft_invalid"


class NothingToPay(Unprocessable):
    """No decision gets more by the later policy, so that there is nothing to approve."""

    code = "nothing_to_pay"


class CardNotOwn(Unprocessable):
    """The card's holder is not the resident, by the verified name."""

    code = "card_not_own"


class DifferenceToReturn(Conflict):
    """The buyer was paid a difference that the unit, or the price that is kept, no longer has:
    `to_return_fen` goes back to `account` of `holder` first.
    """

    code = "difference_to_return"


class DifferenceOnItsWay(Conflict):
    """A difference of the unit is at the bank: it is paid or comes back first."""

    code = "difference_on_its_way"


class ReturnTooMuch(Unprocessable):
    """More came back than the resident still has of the difference; `left_fen` says how much."""

    code = "return_too_much"


class ReturnReferenceReused(Conflict):
    """A return with this bank reference was recorded before."""

    code = "return_reference_reused"


class Kind(StrEnum):
    """What was decided: an application for a car, or a sale at a till."""

    APPLICATION = "application"
    SALE = "sale"


class Status(StrEnum):
    """Where a revision stands."""

    COMPUTING = "computing"
    READY = "ready"
    PROPOSED = "proposed"
    APPROVED = "approved"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


class Event(StrEnum):
    """What happens to a revision."""

    COMPUTED = "revision.computed"
    PROPOSED = "revision.proposed"
    SENT_BACK = "revision.sent_back"
    APPROVED = "revision.approved"
    CANCELLED = "revision.cancelled"
    SUPERSEDED = "revision.superseded"


_ENDS = {Event.CANCELLED: Status.CANCELLED, Event.SUPERSEDED: Status.SUPERSEDED}
LIFECYCLE: Machine[Status, Event] = Machine(
    "revision",
    Status.COMPUTING,
    {
        Status.COMPUTING: {Event.COMPUTED: Status.READY, **_ENDS},
        Status.READY: {Event.PROPOSED: Status.PROPOSED, **_ENDS},
        Status.PROPOSED: {Event.SENT_BACK: Status.READY, Event.APPROVED: Status.APPROVED},
        Status.APPROVED: {},
        Status.CANCELLED: {},
        Status.SUPERSEDED: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.COMPUTING: mark("重算中"),
    Status.READY: mark("算好了"),
    Status.PROPOSED: mark("等待批准"),
    Status.APPROVED: mark("已批准"),
    Status.CANCELLED: mark("已取消"),
    Status.SUPERSEDED: mark("已由新的一次代替"),
}
OWNER: Mapping[Status, frozenset[Role]] = {
    Status.COMPUTING: frozenset(),
    Status.READY: frozenset({Role.PLANNER}),
    Status.PROPOSED: frozenset({Role.APPROVER}),
    Status.APPROVED: frozenset({Role.FINANCE}),
    Status.CANCELLED: frozenset(),
    Status.SUPERSEDED: frozenset(),
}
# Of these there is one for a scheme and an area.
OPEN = (Status.COMPUTING, Status.READY, Status.PROPOSED)


@dataclass(frozen=True, slots=True)
class Trial:
    """A draft that is tried on what was bought on some days, and how far it is: `seen` decisions
    were looked at, newest first, back to `looked_back_to`; `effects` are those so far.
    """

    id: TrialId
    text: str
    draft: Policy
    first: date
    last: date
    done: bool
    seen: int
    looked_back_to: datetime | None
    effects: Effects


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as its readers see it.

    It makes the decisions of a scheme and an area again by `policy_id`, where that is the one that
    counts among the policies `known_until`. So far `seen` decisions were looked at, newest first,
    back to `looked_back_to`; `changed` of them are lines. `more` is what is missing, `less` what
    was too much. The money comes from the lines of a campaign.
    """

    id: RevisionId
    policy_id: str
    scheme: Scheme
    campaign_id: CampaignId
    area: str
    known_until: date
    status: Status
    seen: int
    changed: int
    more: Money
    less: Money
    list_sha256: str | None
    created_by: UUID
    created_at: datetime
    looked_back_to: datetime | None = None
    decided_at: datetime | None = None


class LineState(StrEnum):
    """Where one difference stands: told only, waits for a card to be named, can be paid, is at the
    bank, paid. A refund cancels what was not paid; what was paid is given back.
    """

    LISTED = "listed"
    UNCLAIMED = "unclaimed"
    PAYABLE = "payable"
    SENT = "sent"
    PAID = "paid"
    CANCELLED = "cancelled"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Line:
    """A decision whose result changes, of whoever it is; `reasons` say why it gets nothing now.

    `kept`: what is paid of it, after refunds and returns; nothing of one that was too much.
    """

    revision_id: RevisionId
    kind: Kind
    subject_id: UUID
    resident_id: ResidentId
    category: Category
    area: str
    before: Money
    after: Money
    reasons: tuple[Reason, ...]
    state: LineState
    kept: Money
    paid_at: datetime | None = None
    card_last4: str = ""

    @property
    def difference(self) -> Money:
        """What is missing; negative when it was too much."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Payable:
    """A difference that can be paid: to whom, how much, out of which campaign's lines."""

    revision_id: RevisionId
    kind: Kind
    subject_id: UUID
    resident_id: ResidentId
    campaign_id: CampaignId
    card: Card
    amount: Money


def state(
    kind: Kind,
    status: Status,
    difference: Money,
    kept: Money,
    *,
    card: bool,
    sent: bool,
    paid: bool,
) -> LineState:
    """Where a line stands. An application's card is known; a sale's is named by its resident."""
    if paid:
        return LineState.PAID if kept else LineState.RETURNED
    if status is not Status.APPROVED or difference.fen <= 0:
        return LineState.LISTED
    if sent or not kept:
        return LineState.SENT if kept else LineState.CANCELLED
    return LineState.PAYABLE if kind is Kind.APPLICATION or card else LineState.UNCLAIMED


def kind_of(scheme: Scheme) -> Kind:
    """What the decisions of a scheme are."""
    at_the_till = scheme in (Scheme.APPLIANCE, Scheme.DIGITAL)
    return Kind.SALE if at_the_till else Kind.APPLICATION
