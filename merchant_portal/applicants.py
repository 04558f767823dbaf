"""Whoever applies to become a merchant is led to their form, and may send files there."""

from __future__ import annotations

from flask import Flask, Response, g, redirect, request

from voucher_service.kernel.errors import NotAllowed
from voucher_service.web import uploads
from voucher_service.web.auth import is_api

from . import apply_words

# Where an applicant may be; or where the account is read later, with the order.
_OWN = frozenset({"apply", "applying", "handing_in", "front", "preferences", "shell", "orders"})


def install(app: Flask) -> None:
    """Do both on this face, whose pages then know the words for it."""
    apply_words.install(app)
    uploads.let_through(app, {"handing_in"})
    app.before_request(_lead)


def _lead() -> Response | None:
    """An applicant sees no till. Raises NotAllowed for a call."""
    if not g.get("applies") or request.blueprint in _OWN:
        return None
    if is_api():
        raise NotAllowed
    return redirect("/apply/status", 303)  # type: ignore[return-value]
