"""Words of the reviews of sales at the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g

from voucher_service.kernel.errors import DomainError
from voucher_service.tradein.applications.model import CORRECTIONS
from voucher_service.tradein.review import service, words
from voucher_service.tradein.review.model import BatchStatus, CashTime, ReviewStatus
from voucher_service.tradein.risk import words as risk_words
from voucher_service.web.language import locale
from voucher_service.web.site import core

from .staff import reader

BADGES: Mapping[BatchStatus, str] = {
    BatchStatus.OPEN: "wait",
    BatchStatus.PROPOSED: "warn",
    BatchStatus.DONE: "ok",
}
REVIEW_BADGES: Mapping[ReviewStatus, str] = {
    ReviewStatus.COLLECTING: "warn",
    ReviewStatus.COMPLETE: "wait",
    ReviewStatus.BATCHED: "wait",
    ReviewStatus.RELEASED: "ok",
    ReviewStatus.REFUSED: "stop",
    ReviewStatus.UNDONE: "stop",
}
# Papers of sales, and those of applications.
PAPERS: Mapping[str, str] = {str(kind): name for kind, name in words.PROOFS.items()} | {
    str(key): name for key, name in CORRECTIONS.items()
}


def waiting_reviews() -> int:
    """How many batches wait for the reader's look, asked for once a request; none where nobody can
    be asked.
    """
    if "waiting_reviews" not in g:
        caller = reader()
        try:
            g.waiting_reviews = service.waiting(core(), actor=caller) if caller else 0
        except DomainError:
            g.waiting_reviews = 0
    found: int = g.waiting_reviews
    return found


def cash_time() -> CashTime | None:
    """How long money took lately in the reader's area, over all; None before the first release."""
    caller = reader()
    times = service.cash_times(core(), actor=caller) if caller else []
    return next((one for one in times if one.merchant is None and one.category is None), None)


def globals_() -> dict[str, Any]:
    """What the templates say about reviews."""
    return {
        "batch_status": lambda word: words.batch_status(word, locale()),
        "batch_badge": lambda word: BADGES[word],
        "batch_way": lambda word: words.way(word, locale()),
        "review_status": lambda word: words.status(word, locale()),
        "review_badge": lambda word: REVIEW_BADGES[word],
        "risk_sentence": lambda one: risk_words.sentence(one, locale(), papers=PAPERS),
        "not_assessed": risk_words.NOT_ASSESSED,
        "nothing_found": risk_words.NOTHING_FOUND,
        "proof_name": lambda kind: words.proof(kind, locale()),
        "waiting_reviews": waiting_reviews,
        "cash_time": cash_time,
    }
