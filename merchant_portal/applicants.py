"""Whoever applies to become a merchant is led to their form, and may send larger requests there."""

from __future__ import annotations

from flask import Flask, Response, g, redirect, request

from voucher_service.kernel.errors import NotAllowed
from voucher_service.web.auth import is_api
from voucher_service.web.site import core

from . import apply_words

# Where an applicant may be; or where the account is read later, with the order.
_OWN = frozenset({"apply", "applying", "handing_in", "front", "preferences", "shell", "orders"})
_BESIDE_FILE_BYTES = 65_536


def install(app: Flask) -> None:
    """Do both on this face, whose pages then know the words for it."""
    apply_words.install(app)
    app.before_request_funcs.setdefault(None, []).insert(0, _let_files_through)
    app.before_request(_lead)


def _let_files_through() -> None:
    """A file is larger than any other request; the length is checked after this."""
    if request.method == "POST" and request.blueprint == "handing_in":
        limit = core().settings.onboarding.file_limit_bytes
        request.max_content_length = limit + _BESIDE_FILE_BYTES


def _lead() -> Response | None:
    """An applicant sees no till. Raises NotAllowed for a call."""
    if not g.get("applies") or request.blueprint in _OWN:
        return None
    if is_api():
        raise NotAllowed
    return redirect("/apply/status", 303)  # type: ignore[return-value]
