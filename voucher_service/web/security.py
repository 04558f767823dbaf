"""Headers that keep a page to itself: scripts and styles only from us, in nobody's frame."""

from __future__ import annotations

from functools import cache

from flask import Flask, Response, request

from .evidence import remember_device
from .language import locale

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    )
)
# A script in a worker that compiles a library may do that and nothing else; pages may not.
WORKER = ".worker.js"
WORKER_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "connect-src 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


VARY = ("Accept-Language", "Cookie", "Authorization")
_HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


@cache
def fixed_headers(*, production: bool) -> tuple[tuple[str, str], ...]:
    """What every answer of an API carries, whoever asks in whichever language."""
    fixed = (*HEADERS.items(), ("Cache-Control", "no-store"), ("Vary", ", ".join(VARY)))
    return (*fixed, _HSTS) if production else fixed


def install(app: Flask, *, production: bool) -> None:
    """Put the headers on every answer of this app."""

    @app.after_request
    def protect(response: Response) -> Response:
        if request.path.startswith("/static/") and request.path.endswith(WORKER):
            response.headers["Content-Security-Policy"] = WORKER_POLICY
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if production:
            response.headers.add(*_HSTS)
        if request.path.startswith("/static/"):
            return response
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.update(VARY)
        if "Content-Language" not in response.headers:
            response.headers["Content-Language"] = locale()
        if response.mimetype == "text/html":
            remember_device(response, secure=production)
        return response
