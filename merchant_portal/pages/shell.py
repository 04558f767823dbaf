"""What makes the till a program on the phone: its service worker, and its page without network."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, render_template

from voucher_service.web.language import locale
from voucher_service.web.site import site

blueprint = Blueprint("shell", __name__)
# What the pages of the till are made of; nothing here tells of a shop, a customer or a sum.
FILES = (
    "lib/bootstrap.min.css",
    "lib/htmx.min.js",
    "lib/zxing.min.js",
    "lib/zxing.wasm",
    "kit/phone.css",
    "kit/kit.js",
    "kit/icons.svg",
    "kit/mark.svg",
    "merchant/till.css",
    "merchant/till.js",
    "merchant/scanner.js",
    "merchant/decoder.worker.js",
    "merchant/icon-192.png",
)


@blueprint.get("/service-worker.js")
def service_worker() -> Response:
    """The script that keeps the files of the till on the phone; another one when a file changes."""
    files = [site().assets.url(name) for name in FILES]
    offline = f"/offline?lang={locale()}"
    version = hashlib.sha256(" ".join((offline, *files)).encode()).hexdigest()[:12]
    script = render_template(
        "merchant/service_worker.js", version=version, files=files, offline=offline
    )
    response = Response(script, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/offline")
def offline() -> str:
    """What the phone shows when it can't reach us."""
    return render_template("merchant/offline.html")
