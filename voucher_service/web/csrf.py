"""A page's form carries a keyed hash of its reader's session, so that no other site can post it."""

from __future__ import annotations

import hmac

from flask import request

from voucher_service.kernel.errors import Forbidden

from .auth import is_api, session_token
from .site import core

FIELD = "csrf_token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class FormExpired(Forbidden):
    """The form is not of this session: it is too old, or another site sent it."""

    code = "form_expired"


def form_token() -> str:
    """What the hidden field of a form holds; empty for a reader who is not signed in."""
    token = session_token()
    return core().keyring.form_mac(token) if token else ""


def check() -> None:
    """Refuse a page's POST that another site sent, or whose hidden field is not of this session.

    Bearer calls need none: no browser adds that header by itself. Raises FormExpired.
    """
    if request.method in _SAFE or is_api():
        return
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise FormExpired
    expected = form_token()
    if expected and not hmac.compare_digest(
        expected.encode(), request.form.get(FIELD, "").encode("utf-8", "replace")
    ):
        raise FormExpired
