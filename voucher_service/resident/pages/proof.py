"""The heads of the sealed log, for everybody to note and compare."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from voucher_service.kernel.errors import NoSuchThing
from voucher_service.proof import service
from voucher_service.web.site import core

pages = Blueprint("checkpoints", __name__, url_prefix="/checkpoints")
_SHOWN = 24


@pages.get("")
def show_all() -> str:
    """The last day's heads, the keys that sign them, and how to check."""
    return render_template(
        "resident/checkpoints.html",
        checkpoints=service.checkpoints(core(), limit=_SHOWN),
        verifiers=service.verifiers(core()),
    )


@pages.get("/latest")
def latest() -> Response:
    """The newest head as it was signed, in plain text."""
    found = service.checkpoints(core(), limit=1)
    if not found:
        raise NoSuchThing
    return Response(found[0].note, mimetype="text/plain")
