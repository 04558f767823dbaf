"""The sealed log at the desk: how far it is, whether it keeps up, and who signed it last."""

from __future__ import annotations

from flask import Blueprint, render_template

from voucher_service.proof import service
from voucher_service.proof.service.watching import LATE, SILENT
from voucher_service.web.site import core

log = Blueprint("log_pages", __name__, url_prefix="/log")
_SHOWN = 10


@log.get("")
def show() -> str:
    """The state of the log and its newest heads."""
    return render_template(
        "admin/log.html",
        health=service.health(core()),
        late=LATE,
        silent=SILENT,
        checkpoints=service.checkpoints(core(), limit=_SHOWN),
        verifiers=service.verifiers(core()),
    )
