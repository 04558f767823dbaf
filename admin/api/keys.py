"""Idempotency keys that may be left out: a draft moves neither quota nor money, and a proposal's
lifecycle refuses a second decision.
"""

from __future__ import annotations

from flask import request

from voucher_service.web.idempotency import FIELD, HEADER, IdempotencyKey, idempotency_key


def optional_key() -> IdempotencyKey | None:
    """The key when one was sent, by a call or by a page's form. Raises KeyMalformed."""
    sent = HEADER in request.headers or FIELD in request.form
    return idempotency_key() if sent else None
