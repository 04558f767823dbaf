"""The Idempotency-Key of a request, and the header that says an answer is a repeat."""

from __future__ import annotations

import re
from typing import NewType
from uuid import uuid4

from flask import request

from voucher_service.infra.idempotency import KeyMissing
from voucher_service.kernel.errors import Malformed

IdempotencyKey = NewType("IdempotencyKey", str)

HEADER = "Idempotency-Key"
FIELD = "idempotency_key"
_FORM = re.compile(r"[\x21-\x7e]{1,128}")


class KeyMalformed(Malformed):
    """An Idempotency-Key is 1 to 128 visible ASCII characters."""

    code = "idempotency_key_malformed"


def idempotency_key() -> IdempotencyKey:
    """The key of an API call (its header) or of a page's form (its hidden field).

    Raises KeyMissing or KeyMalformed.
    """
    key = request.headers.get(HEADER) or request.form.get(FIELD)
    if not key:
        raise KeyMissing
    if not well_formed(key):
        raise KeyMalformed
    return IdempotencyKey(key)


def well_formed(key: str) -> bool:
    """Whether a key is 1 to 128 visible ASCII characters."""
    return _FORM.fullmatch(key) is not None


def new_key() -> str:
    """A key for the hidden field of a form: the form sent twice is one request."""
    return uuid4().hex


def replay_header(replayed: bool) -> dict[str, str]:  # noqa: FBT001 - its only argument
    """The headers of an answer: says so when it is the first answer again."""
    return {"Idempotency-Replayed": "true"} if replayed else {}
