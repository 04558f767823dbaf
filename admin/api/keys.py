"""Idempotency keys of calls that plan: optional, since a draft moves neither quota nor money."""

from __future__ import annotations

from flask import request

from voucher_service.web.idempotency import HEADER, IdempotencyKey, idempotency_key


def optional_key() -> IdempotencyKey | None:
    """The key when one was sent. Raises KeyMalformed."""
    return idempotency_key() if HEADER in request.headers else None
