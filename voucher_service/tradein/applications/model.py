"""An application for the subsidy of a car: its lifecycle, its papers, and what is typed. Pure.

Days are days in Asia/Shanghai; engines are millilitres. A merchant's application to be admitted is
another thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import Money

from ..policy import Case, Category, Energy, NewCar, OldCar, Scheme

ApplicationId = NewType("ApplicationId", UUID)

SCHEMES = (Scheme.CAR_SCRAP, Scheme.CAR_REPLACE, Scheme.CAR_PURCHASE)
# How long what was approved is shown to everybody before it can be paid.
NOTICE_DAYS = 5


class Vehicle(StrEnum):
    """What kind of vehicle it is, by GA 802."""

    SMALL = "small"
    MICRO = "micro"
    OTHER = "other"


class Part(StrEnum):
    """A part of the form."""

    NEW_CAR = "new_car"
    OLD_CAR = "old_car"
    CARD = "card"
    EVIDENCE = "evidence"


class EvidenceKind(StrEnum):
    """What a handed-in paper is."""

    ID_FRONT = "id_front"
    ID_BACK = "id_back"
    NEW_INVOICE = "new_invoice"
    NEW_REGISTRATION = "new_registration"
    RECYCLING = "recycling"
    CANCELLATION = "cancellation"
    SALE_INVOICE = "sale_invoice"
    TRANSFER = "transfer"


_K = EvidenceKind
_ALWAYS = (_K.ID_FRONT, _K.ID_BACK, _K.NEW_INVOICE, _K.NEW_REGISTRATION)
# The papers of each scheme, in the order in which they are asked for.
EVIDENCE: Mapping[Scheme, tuple[EvidenceKind, ...]] = {
    Scheme.CAR_SCRAP: (*_ALWAYS, _K.RECYCLING, _K.CANCELLATION),
    Scheme.CAR_REPLACE: (*_ALWAYS, _K.SALE_INVOICE, _K.TRANSFER),
    Scheme.CAR_PURCHASE: _ALWAYS,
}
# What is typed for each scheme, in the order of the form: nothing is given up for a purchase.
PARTS: Mapping[Scheme, tuple[Part, ...]] = {
    Scheme.CAR_SCRAP: (Part.NEW_CAR, Part.OLD_CAR, Part.CARD),
    Scheme.CAR_REPLACE: (Part.NEW_CAR, Part.OLD_CAR, Part.CARD),
    Scheme.CAR_PURCHASE: (Part.NEW_CAR, Part.CARD),
}


class ApplicationStatus(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    PRECHECKED = "prechecked"
    SENT_BACK = "sent_back"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    PAYOUT_REFUSED = "payout_refused"
    CARD_GIVEN = "card_given"
    PAID = "paid"


class ApplicationEvent(StrEnum):
    """What happens to an application."""

    SUBMITTED = "application.submitted"
    PRECHECKED = "application.prechecked"
    RETURNED = "application.returned"
    SENT_BACK = "application.sent_back"
    APPROVED = "application.approved"
    REJECTED = "application.rejected"
    WITHDRAWN = "application.withdrawn"
    LAPSED = "application.lapsed"
    PAYOUT_REFUSED = "application.payout_refused"
    CARD_GIVEN = "application.card_given"
    CARD_RETURNED = "application.card_returned"
    CARD_ACCEPTED = "application.card_accepted"
    PAID = "application.paid"


_S, _E = ApplicationStatus, ApplicationEvent
LIFECYCLE: Machine[ApplicationStatus, ApplicationEvent] = Machine(
    "application",
    _S.DRAFT,
    {
        _S.DRAFT: {_E.SUBMITTED: _S.SUBMITTED, _E.WITHDRAWN: _S.WITHDRAWN},
        _S.SUBMITTED: {
            _E.PRECHECKED: _S.PRECHECKED,
            _E.SENT_BACK: _S.SENT_BACK,
            _E.REJECTED: _S.REJECTED,
            _E.WITHDRAWN: _S.WITHDRAWN,
        },
        _S.PRECHECKED: {
            _E.APPROVED: _S.APPROVED,
            _E.RETURNED: _S.SUBMITTED,
            _E.WITHDRAWN: _S.WITHDRAWN,
        },
        _S.SENT_BACK: {
            _E.SUBMITTED: _S.SUBMITTED,
            _E.WITHDRAWN: _S.WITHDRAWN,
            _E.LAPSED: _S.LAPSED,
        },
        _S.APPROVED: {_E.PAID: _S.PAID, _E.PAYOUT_REFUSED: _S.PAYOUT_REFUSED},
        _S.REJECTED: {},
        _S.WITHDRAWN: {},
        _S.LAPSED: {},
        _S.PAYOUT_REFUSED: {_E.CARD_GIVEN: _S.CARD_GIVEN},
        _S.CARD_GIVEN: {
            _E.CARD_ACCEPTED: _S.APPROVED,
            _E.CARD_RETURNED: _S.PAYOUT_REFUSED,
        },
        # A bank may take days to send a payment back.
        _S.PAID: {_E.PAYOUT_REFUSED: _S.PAYOUT_REFUSED},
    },
)
PUBLIC: Mapping[ApplicationStatus, str] = {
    _S.DRAFT: mark("填写中"),
    _S.SUBMITTED: mark("等待初审"),
    _S.PRECHECKED: mark("等待市级批准"),
    _S.SENT_BACK: mark("退回补正"),
    _S.APPROVED: mark("已通过，等待付款"),
    _S.REJECTED: mark("没有通过"),
    _S.WITHDRAWN: mark("已撤回"),
    _S.LAPSED: mark("过期作废"),
    _S.PAYOUT_REFUSED: mark("银行退回，等改收款卡"),
    _S.CARD_GIVEN: mark("等核对新收款卡"),
    _S.PAID: mark("已付款"),
}
OWNER: Mapping[ApplicationStatus, frozenset[Role]] = {
    _S.DRAFT: frozenset(),
    _S.SUBMITTED: frozenset({Role.REVIEWER}),
    _S.PRECHECKED: frozenset({Role.APPROVER}),
    _S.SENT_BACK: frozenset(),
    _S.APPROVED: frozenset({Role.FINANCE}),
    _S.REJECTED: frozenset(),
    _S.WITHDRAWN: frozenset(),
    _S.LAPSED: frozenset(),
    _S.PAYOUT_REFUSED: frozenset(),
    _S.CARD_GIVEN: frozenset({Role.REVIEWER}),
    _S.PAID: frozenset(),
}
EDITABLE = frozenset({_S.DRAFT, _S.SENT_BACK})
# Approved: its money is committed, whatever became of the payment.
GRANTED = (_S.APPROVED, _S.PAYOUT_REFUSED, _S.CARD_GIVEN, _S.PAID)
# While an application stands so, its cars, its invoice and its certificate are in no other one, and
# it holds a place.
HOLDING = (_S.SUBMITTED, _S.PRECHECKED, _S.SENT_BACK, *GRANTED)
# Over without a payment.
ENDED = (_S.REJECTED, _S.WITHDRAWN, _S.LAPSED)
# What a reviewer can ask to be corrected: a part that was typed, or a paper.
CORRECTIONS: Mapping[str, str] = {
    Part.NEW_CAR: mark("新车"),
    Part.OLD_CAR: mark("旧车"),
    Part.CARD: mark("收款卡"),
    _K.ID_FRONT: mark("身份证人像面"),
    _K.ID_BACK: mark("身份证国徽面"),
    _K.NEW_INVOICE: mark("机动车销售统一发票"),
    _K.NEW_REGISTRATION: mark("新车登记证书第 1、2 页"),
    _K.RECYCLING: mark("报废机动车回收证明"),
    _K.CANCELLATION: mark("机动车注销证明"),
    _K.SALE_INVOICE: mark("二手车销售统一发票"),
    _K.TRANSFER: mark("旧车过户后的登记证书或行驶证"),
}


@dataclass(frozen=True, slots=True)
class Bought:
    """The new car by its papers. `price` includes `tax`; `area` is where the invoice was made.

    `buyer` and `plate` are personal data. `listed`: a new-energy car stands in the catalogue of
    those without purchase tax.
    """

    vin: str
    plate: str
    energy: Energy
    vehicle: Vehicle
    seats: int
    invoice: str
    area: str
    buyer: str
    price: Money
    tax: Money
    invoiced_on: date
    registered_on: date
    engine_ml: int | None = None
    listed: bool = False


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The old car by its papers; `owner` and `plate` are personal data.

    Scrapped: `paper` is the recycling certificate's number, `parted_on` the day the car was handed
    over, `closed_on` the day its registration was cancelled. Sold: the used-car invoice's number
    and day, and the day of the transfer.
    """

    vin: str
    plate: str
    energy: Energy
    registered_on: date
    owned_since: date
    owner: str
    paper: str
    parted_on: date
    closed_on: date


@dataclass(frozen=True, slots=True)
class Card:
    """The applicant's own bank card, to which it is paid; holder and number are personal data."""

    holder: str
    number: str
    bank: str


@dataclass(frozen=True, slots=True)
class Application:
    """An application as its readers see it; names, plates and the card's number are masked.

    `evidence` are file ids by what they are, `pictures` those that are no PDF; `corrections` a
    reason for each thing to correct, until `correct_until`. It was handed in first at `filed_at`,
    last at `submitted_at`; the next step of the office is due by the end of `due_on`. `forgotten`:
    its papers and its personal data were deleted.
    """

    id: ApplicationId
    resident_id: ResidentId
    scheme: Scheme
    status: ApplicationStatus
    area: str
    bought: Bought | None
    given_up: GivenUp | None
    card: Card | None
    evidence: Mapping[EvidenceKind, UUID]
    pictures: frozenset[EvidenceKind]
    began_at: datetime
    corrections: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    policy_id: str | None = None
    subsidy: Money | None = None
    filed_at: datetime | None = None
    submitted_at: datetime | None = None
    prechecked_at: datetime | None = None
    prechecked_by: UUID | None = None
    decided_at: datetime | None = None
    correct_until: datetime | None = None
    due_on: date | None = None
    paid_at: datetime | None = None
    forgotten: bool = False

    @property
    def editable(self) -> bool:
        """Whether the applicant may change it now."""
        return self.status in EDITABLE

    @property
    def card_wanted(self) -> bool:
        """Whether the applicant may change the card, and nothing else."""
        return LIFECYCLE.allows(self.status, ApplicationEvent.CARD_GIVEN)

    @property
    def notice_until(self) -> date | None:
        """The last day on which an approved one is shown to everybody."""
        if self.status not in GRANTED or self.decided_at is None:
            return None
        return notice_until(self.decided_at)

    def overdue(self, on: date) -> bool:
        """Whether the office is late on a day."""
        return self.due_on is not None and self.due_on < on

    @property
    def may_withdraw(self) -> bool:
        """Whether the applicant may take it back."""
        return LIFECYCLE.allows(self.status, ApplicationEvent.WITHDRAWN)

    @property
    def wanted(self) -> tuple[EvidenceKind, ...]:
        """The papers of its scheme."""
        return EVIDENCE[self.scheme]

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not there yet: parts, then papers."""
        told = {
            Part.NEW_CAR: self.bought,
            Part.OLD_CAR: self.given_up,
            Part.CARD: self.card,
        }
        typed = [str(part) for part in PARTS[self.scheme] if told[part] is None]
        return (*typed, *(str(kind) for kind in self.wanted if kind not in self.evidence))


@dataclass(frozen=True, slots=True)
class Noticed:
    """A line of the public notice: who gets how much, masked."""

    id: ApplicationId
    name: str
    scheme: Scheme
    subsidy: Money
    area: str
    since: date
    until: date


def notice_until(decided_at: datetime) -> date:
    """The last day of the notice of what was approved then, that day included."""
    return day_of(decided_at) + timedelta(days=NOTICE_DAYS - 1)


def case_of(scheme: Scheme, bought: Bought, given_up: GivenUp | None) -> Case:
    """What the subsidy is computed from."""
    return Case(
        scheme,
        Category.CAR,
        bought.price,
        bought.invoiced_on,
        area=bought.area,
        new=NewCar(bought.energy, bought.engine_ml),
        old=None
        if given_up is None
        else OldCar(given_up.energy, given_up.registered_on, given_up.owned_since),
    )
