"""Words of merchants at the desk: how applications, accounts and holds stand, what can be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voucher_service.i18n import gettext, mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.merchants.accounts import ACCOUNT_PUBLIC, HOLD_PUBLIC, AccountKind
from voucher_service.merchants.accounts import AccountStatus as Account
from voucher_service.merchants.model import MerchantStatus
from voucher_service.merchants.onboarding import FINDINGS, MERCHANT_APPLICATION_PUBLIC
from voucher_service.merchants.onboarding import MerchantApplicationStatus as Applied
from voucher_service.merchants.service import reviewing
from voucher_service.merchants.service.reviewing import Private
from voucher_service.web.language import locale
from voucher_service.web.site import core

from .staff import reader
from .words import say

BADGES: Mapping[str, str] = {
    Applied.SUBMITTED: "wait",
    Applied.PRECHECKED: "wait",
    Applied.SENT_BACK: "warn",
    Applied.ADMITTED: "ok",
    Applied.REJECTED: "stop",
    Account.REQUESTED: "wait",
    Account.PROPOSED: "wait",
    Account.APPROVED: "ok",
    Account.STOPPED: "stop",
    MerchantStatus.ACTIVE: "ok",
    MerchantStatus.SUSPENDED: "stop",
}
STANDINGS: Mapping[str, str] = {
    MerchantStatus.ACTIVE: mark("可以收券"),
    MerchantStatus.SUSPENDED: mark("已暂停收券"),
}
PRIVATE: Mapping[str, str] = {
    Private.LEGAL_PERSON: FINDINGS["legal_person"],
    Private.MOBILE: mark("手机号"),
    Private.ACCOUNT_NUMBER: mark("账号或卡号"),
}
ACCOUNT_KINDS: Mapping[str, str] = {
    AccountKind.CORPORATE: mark("对公账户"),
    AccountKind.PERSONAL: mark("个人银行卡"),
}
# Whoever may see merchants.
SEES = frozenset({Role.REVIEWER, Role.APPROVER, Role.FINANCE, Role.AUDITOR})


def waiting_merchants() -> int:
    """How many applications wait for the reader's first check; none where nobody can be asked."""
    caller = reader()
    try:
        return reviewing.waiting(core(), actor=caller) if caller else 0
    except DomainError:
        return 0


def sees_merchants() -> bool:
    """Whether the reader's menu leads to merchants."""
    caller = reader()
    return caller is not None and caller.has(*SEES)


def globals_() -> dict[str, Any]:
    """What the templates say about merchants."""
    applied = {str(one): said for one, said in MERCHANT_APPLICATION_PUBLIC.items()}
    return {
        "applied_name": say(applied),
        "account_state": say({str(one): said for one, said in ACCOUNT_PUBLIC.items()}),
        "account_kind": say(ACCOUNT_KINDS),
        "hold_state": say({str(one): said for one, said in HOLD_PUBLIC.items()}),
        "standing_name": say(STANDINGS),
        "badge_of": lambda status: BADGES.get(status, ""),
        "finding_name": say(FINDINGS),
        "private_name": say(PRIVATE),
        "sees_merchants": sees_merchants,
        "waiting_merchants": waiting_merchants,
        "labelled": lambda value: value.label(locale()),
    }


def fields() -> list[tuple[str, str]]:
    """What of an application can be revealed, with its names."""
    return [(str(one), gettext(PRIVATE[one], locale())) for one in Private]
