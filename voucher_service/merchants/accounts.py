"""Where a merchant's money goes and when it waits: settlement accounts, payment holds. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.ids import MerchantId
from voucher_service.kernel.machine import Machine

AccountId = NewType("AccountId", UUID)
HoldId = NewType("HoldId", UUID)
# Credit codes of sole traders (个体工商户) begin so.
SOLE_TRADER = "92"


class AccountNumberInvalid(Unprocessable):
    """Not an account number: 8 to 30 digits for a company, a card with a right check digit else."""

    code = "account_number_invalid"


class AccountNameDiffers(Unprocessable):
    """A company's account bears the licence's name; a personal card is for sole traders (a credit
    code that begins with 92) and bears the operator's.
    """

    code = "account_name_differs"


class CnapsInvalid(Unprocessable):
    """A bank's CNAPS code is 12 digits."""

    code = "cnaps_invalid"


class AccountChangeWaiting(Conflict):
    """Another change of the settlement account is under way."""

    code = "account_change_waiting"


class AlreadyHeld(Conflict):
    """The merchant's payments are held already."""

    code = "already_held"


class AccountKind(StrEnum):
    """Whose account it is at the bank."""

    CORPORATE = "corporate"
    PERSONAL = "personal"


class AccountStatus(StrEnum):
    """Where a settlement account stands. An approved one counts from an instant on."""

    REQUESTED = "requested"
    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    STOPPED = "stopped"


class AccountEvent(StrEnum):
    """What happens to a settlement account."""

    PROPOSED = "settlement_account.proposed"
    RETURNED = "settlement_account.returned"
    APPROVED = "settlement_account.approved"
    REFUSED = "settlement_account.refused"
    STOPPED = "settlement_account.stopped"


class HoldStatus(StrEnum):
    """Whether a payment hold stands."""

    IN_FORCE = "in_force"
    LIFTED = "lifted"


class HoldEvent(StrEnum):
    """What happens to a payment hold."""

    LIFTED = "payment_hold.lifted"


_S, _SE = AccountStatus, AccountEvent
ACCOUNT: Machine[AccountStatus, AccountEvent] = Machine(
    "settlement_account",
    _S.REQUESTED,
    {
        _S.REQUESTED: {
            _SE.PROPOSED: _S.PROPOSED,
            _SE.REFUSED: _S.REFUSED,
            _SE.STOPPED: _S.STOPPED,
        },
        _S.PROPOSED: {
            _SE.APPROVED: _S.APPROVED,
            _SE.RETURNED: _S.REQUESTED,
            _SE.STOPPED: _S.STOPPED,
        },
        _S.APPROVED: {_SE.STOPPED: _S.STOPPED},
        _S.REFUSED: {},
        _S.STOPPED: {},
    },
)
HOLD: Machine[HoldStatus, HoldEvent] = Machine(
    "payment_hold",
    HoldStatus.IN_FORCE,
    {HoldStatus.IN_FORCE: {HoldEvent.LIFTED: HoldStatus.LIFTED}, HoldStatus.LIFTED: {}},
)
ACCOUNT_PUBLIC: Mapping[AccountStatus, str] = {
    _S.REQUESTED: mark("等待核对"),
    _S.PROPOSED: mark("等待批准"),
    _S.APPROVED: mark("已批准"),
    _S.REFUSED: mark("没有通过"),
    _S.STOPPED: mark("已叫停"),
}
ACCOUNT_OWNER: Mapping[AccountStatus, frozenset[Role]] = {
    _S.REQUESTED: frozenset({Role.REVIEWER}),
    _S.PROPOSED: frozenset({Role.APPROVER}),
    _S.APPROVED: frozenset({Role.REVIEWER}),
    _S.REFUSED: frozenset(),
    _S.STOPPED: frozenset(),
}
HOLD_PUBLIC: Mapping[HoldStatus, str] = {
    HoldStatus.IN_FORCE: mark("暂缓付款"),
    HoldStatus.LIFTED: mark("已恢复付款"),
}
HOLD_OWNER: Mapping[HoldStatus, frozenset[Role]] = {
    HoldStatus.IN_FORCE: frozenset({Role.APPROVER}),
    HoldStatus.LIFTED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class BankAccount:
    """A settlement account. `number` is personal data; "" where only `last4` may be seen."""

    kind: AccountKind
    name: str
    last4: str
    bank: str
    cnaps: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class SettlementAccount:
    """A merchant's account at a bank, and from when on it counts; its number masked unless told."""

    id: AccountId
    merchant_id: MerchantId
    account: BankAccount
    status: AccountStatus
    requested_at: datetime
    effective_from: datetime | None
    checked_by: UUID | None
    note: str

    def cooling(self, now: datetime) -> bool:
        """Whether it was approved and does not count yet, so that it can still be stopped."""
        waits = self.effective_from is not None and now < self.effective_from
        return self.status is AccountStatus.APPROVED and waits


@dataclass(frozen=True, slots=True)
class PaymentHold:
    """A merchant's payments wait, since when and why. `suspension`: until the merchant's shops take
    vouchers again; None as `placed_by` is the system.
    """

    id: HoldId
    merchant_id: MerchantId
    reason: str
    suspension: bool
    status: HoldStatus
    placed_by: UUID | None
    since: datetime
    until: datetime | None


def account_number(text: str, kind: AccountKind) -> str:
    """An account's number in digits. Raises AccountNumberInvalid."""
    digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    if kind is AccountKind.CORPORATE:
        right = re.fullmatch(r"[0-9]{8,30}", digits) is not None
    else:
        right = re.fullmatch(r"[0-9]{16,19}", digits) is not None and _luhn(digits)
    if not right:
        raise AccountNumberInvalid
    return digits


def cnaps(text: str) -> str:
    """A bank's number in the payment system, or "". Raises CnapsInvalid."""
    digits = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    if digits and not re.fullmatch(r"[0-9]{12}", digits):
        raise CnapsInvalid
    return digits


def check_holder(
    kind: AccountKind, name: str, *, licence_name: str, uscc: str, operator: str
) -> None:
    """Raises AccountNameDiffers unless the account belongs to who holds the licence."""
    personal = kind is AccountKind.PERSONAL
    if personal and not uscc.startswith(SOLE_TRADER):
        raise AccountNameDiffers
    owner = operator if personal else licence_name
    if not owner or _plain(owner) != _plain(name):
        raise AccountNameDiffers


def _plain(name: str) -> str:
    """A name as banks compare it: full and normal width, and both kinds of brackets, are one."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", name)).upper()


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + i % 2) for i, digit in enumerate(reversed(digits)))
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0
