"""The reader's language, theme and mode, kept in cookies; no sign-in is needed to choose them."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, redirect, request
from markupsafe import Markup, escape

from voucher_service.i18n import DEFAULT, LOCALES, gettext, known, negotiate

from .site import site

COOKIES = {"lang": LOCALES, "theme": ("light", "dark"), "mode": ("elder",)}
_YEAR_SECONDS = 365 * 24 * 3600

preferences = Blueprint("preferences", __name__)


def locale() -> str:
    """The reader's language: their choice on pages, else what the request accepts, else Chinese."""
    if "locale" not in g:
        chosen = None if request.path.startswith("/api/") else request.cookies.get("lang")
        accepted = [tag for tag, _quality in request.accept_languages]
        g.locale = chosen if chosen in LOCALES else negotiate(accepted)
    found: str = g.locale
    return found


def _(text: str, **facts: Any) -> str:
    """The text in the reader's language, with its facts filled in; for Python code."""
    return gettext(text, locale(), **facts)


def markup(text: str, **facts: Any) -> Markup:
    """The same for templates. Marks in a text of ours stay marks, and facts are escaped.

    A text that is not in the catalogues is escaped too: it may be somebody's input.
    """
    words = gettext(text, locale())
    safe = Markup(words) if known(text) else escape(words)  # noqa: S704 - written by us
    return safe.format(**facts) if facts else safe


def choice(cookie: str) -> str | None:
    """The reader's theme or mode, or None when they chose nothing we know."""
    value = request.cookies.get(cookie)
    return value if value in COOKIES[cookie] else None


@preferences.post("/preferences")
def choose() -> Response:
    """Keep the choices of the form and go back to where the reader was."""
    response = cast(Response, redirect(local_path(request.form.get("next")), 303))
    for cookie, allowed in COOKIES.items():
        if cookie not in request.form:
            continue
        value = request.form[cookie]
        if value in allowed:
            response.set_cookie(
                cookie,
                value,
                max_age=_YEAR_SECONDS,
                samesite="Lax",
                httponly=True,
                secure=site().core.settings.production,
            )
        else:
            response.delete_cookie(cookie)
    return response


def local_path(path: str | None) -> str:
    """The path if it leads to a page of ours, else the home page. Never another site."""
    if not path or not path.startswith("/") or path.startswith("//"):
        return "/"
    if "\\" in path or any(ord(letter) < 32 for letter in path):
        return "/"
    parts = urlsplit(path)
    return "/" if parts.scheme or parts.netloc else path


__all__ = ["DEFAULT", "_", "choice", "local_path", "locale", "markup", "preferences"]
