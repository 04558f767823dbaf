"""Words of policies, what-ifs and revisions at the desk, and who may see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from voucher_service.i18n import formats
from voucher_service.kernel.money import Money
from voucher_service.tradein import rule_words
from voucher_service.tradein.revisions import words
from voucher_service.tradein.revisions.model import LineState, Status
from voucher_service.tradein.revisions.service.opening import SEES
from voucher_service.web.language import locale

from .staff import reader

BADGES: Mapping[Status, str] = {
    Status.COMPUTING: "wait",
    Status.READY: "wait",
    Status.PROPOSED: "wait",
    Status.APPROVED: "ok",
    Status.CANCELLED: "stop",
    Status.SUPERSEDED: "stop",
}


def tries_policies() -> bool:
    """Whether the reader may try a draft and see revisions; everybody may read what is in force."""
    caller = reader()
    return caller is not None and caller.has(*SEES)


def signed(amount: Money) -> str:
    """A difference with its sign, to the fen."""
    return f"{'+' if amount.fen > 0 else ''}{formats.money(amount)}"


def in_full(day: date) -> str:
    """A day with its year, this one's too: policies of many years stand below each other."""
    return formats.plain_day(day, locale(), date.min)


def globals_() -> dict[str, Any]:
    """What the templates say about policies and revisions."""
    return {
        "tries_policies": tries_policies,
        "policy_day": in_full,
        "signed_fen": signed,
        "revision_status": lambda word: words.status(word, locale()),
        "revision_badge": lambda word: BADGES[word],
        "revision_line": lambda word: words.line_state(LineState(word), locale()),
        "effect_way": lambda word: words.way(word, locale()),
        "effect_key": lambda way, word: words.key(way, word, locale()),
        "policy_rules": lambda one: rule_words.rules(one, locale()),
        "policy_conditions": lambda one: rule_words.conditions(one, locale()),
        "policy_places": lambda one: rule_words.places(one, locale()),
        "policy_name": lambda one: one.name.spelt(locale()),
    }
