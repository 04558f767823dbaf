"""How a shopkeeper becomes a merchant: what is handed in, and the lifecycle of an application.

Pure. What a resident files for a trade-in is called an application too; this is a merchant's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.ids import CashierId, MerchantId
from voucher_service.kernel.machine import Machine

from .accounts import BankAccount
from .model import SizeClass, Trade
from .place import OpeningHours, Position

MerchantApplicationId = NewType("MerchantApplicationId", UUID)

# The commitment letter that is signed now; another text gets another version.
COMMITMENT = "2026-11"
MOST_SHOPS = 50


class MerchantApplicationIncomplete(Unprocessable):
    """Something has not been filled in yet; `extra["steps"]` says what."""

    code = "merchant_application_incomplete"


class CommitmentOutdated(Conflict):
    """The commitment letter was changed since the page was opened; it is to be read again."""

    code = "commitment_outdated"


class TooManyShops(Unprocessable):
    """One application holds at most 50 shops; the others are added afterwards."""

    code = "too_many_shops"


class Step(StrEnum):
    """A part of the form."""

    BUSINESS = "business"
    SHOPS = "shops"
    ACCOUNT = "account"
    DOCUMENTS = "documents"
    COMMITMENT = "commitment"


class DocumentKind(StrEnum):
    """What a handed-in file shows."""

    LICENCE = "licence"
    STOREFRONT = "storefront"
    CERTIFICATE = "certificate"


class MerchantApplicationStatus(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    PRECHECKED = "prechecked"
    SENT_BACK = "sent_back"
    ADMITTED = "admitted"
    REJECTED = "rejected"


class MerchantApplicationEvent(StrEnum):
    """What happens to an application."""

    SUBMITTED = "merchant_application.submitted"
    PRECHECKED = "merchant_application.prechecked"
    RETURNED = "merchant_application.returned"
    SENT_BACK = "merchant_application.sent_back"
    ADMITTED = "merchant_application.admitted"
    REJECTED = "merchant_application.rejected"


_A, _AE = MerchantApplicationStatus, MerchantApplicationEvent
MERCHANT_APPLICATION: Machine[MerchantApplicationStatus, MerchantApplicationEvent] = Machine(
    "merchant_application",
    _A.DRAFT,
    {
        _A.DRAFT: {_AE.SUBMITTED: _A.SUBMITTED},
        _A.SUBMITTED: {
            _AE.PRECHECKED: _A.PRECHECKED,
            _AE.SENT_BACK: _A.SENT_BACK,
            _AE.REJECTED: _A.REJECTED,
        },
        _A.PRECHECKED: {_AE.ADMITTED: _A.ADMITTED, _AE.RETURNED: _A.SUBMITTED},
        _A.SENT_BACK: {_AE.SUBMITTED: _A.SUBMITTED},
        _A.ADMITTED: {},
        _A.REJECTED: {},
    },
)
MERCHANT_APPLICATION_PUBLIC: Mapping[MerchantApplicationStatus, str] = {
    _A.DRAFT: mark("填写中"),
    _A.SUBMITTED: mark("等待初审"),
    _A.PRECHECKED: mark("等待市级批准"),
    _A.SENT_BACK: mark("退回补正"),
    _A.ADMITTED: mark("已入驻"),
    _A.REJECTED: mark("没有通过"),
}
MERCHANT_APPLICATION_OWNER: Mapping[MerchantApplicationStatus, frozenset[Role]] = {
    _A.DRAFT: frozenset({Role.MANAGER}),
    _A.SUBMITTED: frozenset({Role.REVIEWER}),
    _A.PRECHECKED: frozenset({Role.APPROVER}),
    _A.SENT_BACK: frozenset({Role.MANAGER}),
    _A.ADMITTED: frozenset(),
    _A.REJECTED: frozenset(),
}
# What a reviewer can ask to be corrected.
FINDINGS: Mapping[str, str] = {
    "name": mark("执照上的名称"),
    "uscc": mark("统一社会信用代码"),
    "legal_person": mark("法定代表人或经营者姓名"),
    "size_class": mark("规模"),
    "shops": mark("门店"),
    "account": mark("收款账户"),
    "licence": mark("营业执照照片"),
    "storefront": mark("门头照片"),
    "certificate": mark("账户证明"),
}
EDITABLE = frozenset({_A.DRAFT, _A.SENT_BACK})


@dataclass(frozen=True, slots=True)
class Business:
    """What the licence says. `legal_person` is personal data: the legal representative, or the
    operator of a sole trader.
    """

    name: str
    uscc: str
    size_class: SizeClass
    legal_person: str = ""


@dataclass(frozen=True, slots=True)
class PlannedShop:
    """A shop as applied for. `area` is a division code."""

    name: str
    area: str
    trade: Trade
    address: str
    hours: OpeningHours | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class MerchantApplication:
    """An application as its readers see it; personal data masked.

    `documents` are file ids by what they show, `pictures` those that are no PDF; `findings` a
    reason for each thing to correct; `mobile` is masked.
    """

    id: MerchantApplicationId
    applicant_id: CashierId
    status: MerchantApplicationStatus
    business: Business | None
    shops: tuple[PlannedShop, ...]
    account: BankAccount | None
    documents: Mapping[DocumentKind, UUID]
    pictures: frozenset[DocumentKind]
    mobile: str
    commitment: str | None
    agreed_at: datetime | None
    area: str
    findings: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    submitted_at: datetime | None = None
    prechecked_by: UUID | None = None
    decided_at: datetime | None = None
    merchant_id: MerchantId | None = None

    @property
    def editable(self) -> bool:
        """Whether the applicant may change it now."""
        return self.status in EDITABLE

    @property
    def missing(self) -> tuple[Step, ...]:
        """The parts that are not complete yet, the commitment apart."""
        done = {
            Step.BUSINESS: self.business is not None,
            Step.SHOPS: bool(self.shops),
            Step.ACCOUNT: self.account is not None,
            Step.DOCUMENTS: set(self.documents) == set(DocumentKind),
        }
        return tuple(step for step, complete in done.items() if not complete)
