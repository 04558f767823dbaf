"""The review of a sale and of a batch of them: papers, lifecycles, what is told of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict, Forbidden, Unprocessable
from voucher_service.kernel.ids import MerchantId, RedemptionId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import Money

from ..policy import Category
from . import sampling
from .sampling import Plan

BatchId = NewType("BatchId", UUID)


class InvoiceTaken(Conflict):
    """The invoice stands with another sale: one unit, one invoice, for ever."""

    code = "invoice_taken"


class InvoiceNumberNeeded(Unprocessable):
    """An invoice is handed in with its number."""

    code = "invoice_number_needed"


class ProofNotAsked(Unprocessable):
    """This paper is not on the checklist of the sale's category."""

    code = "proof_not_asked"


class ProofLocked(Conflict):
    """The papers are being reviewed, or the sale was decided: nothing is replaced now."""

    code = "proof_locked"


class ProofMissing(Unprocessable):
    """Something of the checklist is missing; `extra["missing"]` names it."""

    code = "proof_missing"


class AnswerTooLate(Conflict):
    """The days in which a refusal could be answered are over."""

    code = "answer_too_late"


class AnswerEmpty(Unprocessable):
    """An answer brings a paper that was handed in after the refusal."""

    code = "answer_empty"


class SampleOpen(Conflict):
    """Not everything that has to be looked at has been; `extra["left"]` says how many."""

    code = "sample_open"


class OwnPurchase(Forbidden):
    """Nobody reviews what was bought in their own name."""

    code = "own_purchase"


class NothingToPass(Unprocessable):
    """No application waits that could be passed with others: each is looked at alone."""

    code = "nothing_to_pass"


class ProofKind(StrEnum):
    """What a paper of a sale shows."""

    INVOICE = "invoice"
    UNBOXING = "unboxing"
    ACTIVATION = "activation"
    NAMEPLATE = "nameplate"
    DELIVERY = "delivery"
    HANDOVER = "handover"


class ReviewStatus(StrEnum):
    """How far a sale is on the way to its money."""

    COLLECTING = "collecting"
    COMPLETE = "complete"
    BATCHED = "batched"
    RELEASED = "released"
    REFUSED = "refused"
    UNDONE = "undone"


class ReviewEvent(StrEnum):
    """What happens to the review of a sale."""

    COMPLETED = "sale_review.completed"
    BATCHED = "sale_review.batched"
    RELEASED = "sale_review.released"
    REFUSED = "sale_review.refused"
    ANSWERED = "sale_review.answered"
    UNDONE = "sale_review.undone"


_S, _E = ReviewStatus, ReviewEvent
LIFECYCLE: Machine[ReviewStatus, ReviewEvent] = Machine(
    "sale_review",
    _S.COLLECTING,
    {
        _S.COLLECTING: {_E.COMPLETED: _S.COMPLETE, _E.UNDONE: _S.UNDONE},
        _S.COMPLETE: {_E.BATCHED: _S.BATCHED, _E.UNDONE: _S.UNDONE},
        _S.BATCHED: {
            _E.RELEASED: _S.RELEASED,
            _E.REFUSED: _S.REFUSED,
            _E.UNDONE: _S.UNDONE,
        },
        _S.RELEASED: {},
        _S.REFUSED: {_E.ANSWERED: _S.COMPLETE, _E.UNDONE: _S.UNDONE},
        _S.UNDONE: {},
    },
)
PUBLIC: Mapping[ReviewStatus, str] = {
    _S.COLLECTING: mark("待交材料"),
    _S.COMPLETE: mark("材料齐，等审核"),
    _S.BATCHED: mark("审核中"),
    _S.RELEASED: mark("可以付款"),
    _S.REFUSED: mark("不予付款"),
    _S.UNDONE: mark("已退货"),
}
OWNER: Mapping[ReviewStatus, frozenset[Role]] = {
    _S.COLLECTING: frozenset({Role.CASHIER, Role.MANAGER}),
    _S.COMPLETE: frozenset(),
    _S.BATCHED: frozenset({Role.REVIEWER, Role.APPROVER}),
    _S.RELEASED: frozenset({Role.FINANCE}),
    _S.REFUSED: frozenset({Role.CASHIER, Role.MANAGER}),
    _S.UNDONE: frozenset(),
}
_FREELY = frozenset({_S.COLLECTING, _S.COMPLETE})

_FIRST_MONDAY = date(1970, 1, 5)
_DAY = timedelta(days=1)


def period_of(day: date, days: int) -> date:
    """The first day of the period that a day lies in; periods of a week begin on Mondays."""
    return day - timedelta(days=(day - _FIRST_MONDAY).days % days)


class Subject(StrEnum):
    """What a batch is made of."""

    SALE = "sale"
    APPLICATION = "application"


class Way(StrEnum):
    """How a batch is looked at: a drawn sample of it, or each one."""

    SAMPLE = "sample"
    EACH = "each"


class BatchStatus(StrEnum):
    """Where a batch stands."""

    OPEN = "open"
    PROPOSED = "proposed"
    DONE = "done"


class BatchEvent(StrEnum):
    """What happens to a batch."""

    PROPOSED = "review_batch.proposed"
    RETURNED = "review_batch.returned"
    CONTINUED = "review_batch.continued"
    RELEASED = "review_batch.released"
    CLOSED = "review_batch.closed"


BATCH_LIFECYCLE: Machine[BatchStatus, BatchEvent] = Machine(
    "review_batch",
    BatchStatus.OPEN,
    {
        BatchStatus.OPEN: {
            BatchEvent.PROPOSED: BatchStatus.PROPOSED,
            BatchEvent.CLOSED: BatchStatus.DONE,
        },
        BatchStatus.PROPOSED: {
            BatchEvent.RETURNED: BatchStatus.OPEN,
            BatchEvent.CONTINUED: BatchStatus.OPEN,
            BatchEvent.RELEASED: BatchStatus.DONE,
        },
        BatchStatus.DONE: {},
    },
)
BATCH_PUBLIC: Mapping[BatchStatus, str] = {
    BatchStatus.OPEN: mark("审核中"),
    BatchStatus.PROPOSED: mark("等第二个人"),
    BatchStatus.DONE: mark("已办完"),
}
BATCH_OWNER: Mapping[BatchStatus, frozenset[Role]] = {
    BatchStatus.OPEN: frozenset({Role.REVIEWER}),
    BatchStatus.PROPOSED: frozenset({Role.APPROVER}),
    BatchStatus.DONE: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Proof:
    """A paper of a sale. `number` is the invoice's; the rest is what the camera noted.

    `picture`: it can be shown; what is none is a PDF. Position in degrees (WGS 84).
    """

    kind: ProofKind
    file_id: UUID
    picture: bool
    handed_in_at: datetime
    number: str | None = None
    taken_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    likeness: int | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """How far a sale is, with its papers.

    `due_at`: by when the papers are asked for; `answer_until`: until when a refusal can be answered
    with other papers. `alone`: it is looked at by itself, not as one of a sample.
    """

    sale_id: RedemptionId
    merchant_id: MerchantId
    area: str
    category: Category
    article: str
    subsidy: Money
    status: ReviewStatus
    sold_at: datetime
    due_at: datetime
    wanted: tuple[ProofKind, ...]
    proofs: Mapping[ProofKind, Proof]
    reason: str = ""
    answer_until: datetime | None = None
    released_at: datetime | None = None
    alone: bool = False

    @property
    def missing(self) -> tuple[ProofKind, ...]:
        """What of the checklist is not there yet."""
        return tuple(one for one in self.wanted if one not in self.proofs)

    def editable(self, now: datetime) -> bool:
        """Whether papers may be handed in or replaced."""
        if self.status is ReviewStatus.REFUSED:
            return self.answer_until is not None and now < self.answer_until
        return self.status in _FREELY

    def late(self, now: datetime) -> bool:
        """Whether papers are missing after their day."""
        return self.status is ReviewStatus.COLLECTING and now >= self.due_at


@dataclass(frozen=True, slots=True)
class Line:
    """A sale or application of a batch, in the order in which it is looked at.

    `good`: what the reviewer said of it, None where nobody did. `gone`: it was undone, refused or
    withdrawn since, so it is not released with the batch.
    """

    subject_id: UUID
    weight: int
    amount: Money
    title: str
    good: bool | None = None
    reason: str = ""
    reviewed_by: UUID | None = None
    released: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch; `lines` in the drawn order, empty in lists of batches.

    `seed_committed_at`: when the hash of `seed` went on record, before there was a list to draw
    from. `count` and `total` are those of its making, `weight` of its heaviest; `period_on` is the
    first day of the period in which it was made.
    """

    id: BatchId
    subject: Subject
    way: Way
    status: BatchStatus
    area: str
    title: str
    merchant_id: MerchantId | None
    period_on: date
    made_at: datetime
    plan: Plan
    weight: int
    count: int
    total: Money
    list_sha256: str
    reviewed: int = 0
    seed: str | None = None
    seed_committed_at: datetime | None = None
    made_by: UUID | None = None
    lines: Sequence[Line] = field(default=())

    @property
    def standing(self) -> tuple[Line, ...]:
        """What is still to be looked at or was, in the drawn order: what went before anybody looked
        counts no more.
        """
        return tuple(one for one in self.lines if one.good is not None or not one.gone)

    @property
    def sample(self) -> tuple[Line, ...]:
        """What has to be looked at as things stand: each one, or the drawn part."""
        lines = self.standing
        if self.way is Way.EACH:
            return lines
        return lines[: sampling.looked_at([one.good for one in lines], self.plan)]

    @property
    def left(self) -> int:
        """How many still have to be looked at."""
        return sum(one.good is None for one in self.sample)

    @property
    def passing(self) -> tuple[Line, ...]:
        """What could be released now: all but the bad ones of a sample that was looked at, or those
        found good where each one is.
        """
        waiting = (one for one in self.standing if not one.released and not one.gone)
        if self.way is Way.EACH:
            return tuple(one for one in waiting if one.good)
        if self.left:
            return ()
        return tuple(one for one in waiting if one.good is not False)

    @property
    def passing_total(self) -> Money:
        """The sum of what could be released now."""
        return Money.total(one.amount for one in self.passing)


@dataclass(frozen=True, slots=True)
class CashTime:
    """How long `count` sales took to their release: half of them `median` at most, nine in ten
    `most`. Of one merchant (a name), of one category, or of all.
    """

    merchant: str | None
    category: Category | None
    count: int
    median: timedelta
    most: timedelta

    @property
    def median_days(self) -> int:
        """The days within which half of them were released."""
        return -(-self.median // _DAY)

    @property
    def most_days(self) -> int:
        """The days within which nine in ten were."""
        return -(-self.most // _DAY)
