"""Words of the subsidies for cars at the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.tradein import words as policy_words
from voucher_service.tradein.applications import service, words
from voucher_service.tradein.applications.model import ApplicationStatus, EvidenceKind
from voucher_service.web.language import locale
from voucher_service.web.site import core, today

from .staff import reader

BADGES: Mapping[ApplicationStatus, str] = {
    ApplicationStatus.SUBMITTED: "wait",
    ApplicationStatus.PRECHECKED: "wait",
    ApplicationStatus.SENT_BACK: "warn",
    ApplicationStatus.APPROVED: "ok",
    ApplicationStatus.REJECTED: "stop",
    ApplicationStatus.WITHDRAWN: "stop",
    ApplicationStatus.LAPSED: "stop",
    ApplicationStatus.PAYOUT_REFUSED: "warn",
    ApplicationStatus.CARD_GIVEN: "wait",
    ApplicationStatus.PAID: "ok",
}
# Whoever may see applications.
SEES = frozenset({Role.REVIEWER, Role.APPROVER, Role.AUDITOR})
NAMES = frozenset(str(one) for one in EvidenceKind)


def sees_cars() -> bool:
    """Whether the reader's menu leads to applications."""
    caller = reader()
    return caller is not None and caller.has(*SEES)


def waiting_cars() -> int:
    """How many applications wait for the reader; none where nobody can be asked."""
    caller = reader()
    try:
        return service.waiting(core(), actor=caller) if caller else 0
    except DomainError:
        return 0


def globals_() -> dict[str, Any]:
    """What the templates say about applications."""
    return {
        "car_status": lambda word: words.status(word, locale()),
        "car_badge": lambda word: BADGES.get(word, ""),
        "car_thing": lambda word: words.thing(word, locale()),
        "car_finding": lambda one: words.finding(one, locale()),
        "car_vehicle": lambda word: words.vehicle(word, locale()),
        "policy_word": lambda word: policy_words.label(word, locale()),
        "policy_step": lambda line: policy_words.step(line, locale()),
        "car_late": lambda one: one.overdue(today()),
        "sees_cars": sees_cars,
        "waiting_cars": waiting_cars,
    }
