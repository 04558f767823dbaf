"""Paper vouchers at a service window: printed for a resident who has no phone, and on record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template

from admin.api.residents import desk
from voucher_service.identity import service as identity
from voucher_service.identity.desk import Reason
from voucher_service.kernel.ids import ResidentId, VoucherId
from voucher_service.vouchers import service as vouchers
from voucher_service.web import forms, qr
from voucher_service.web.auth import actor
from voucher_service.web.fields import TextField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

papers = Blueprint("paper_pages", __name__, url_prefix="/residents")


class WindowForm(Schema):
    """Why staff act in a resident's name."""

    note = TextField(required=True, minimum=4, maximum=200)


@papers.post("/<uuid:resident>/papers")
def offered(resident: UUID) -> Any:
    """What can be printed for the resident. The look is a reading of personal data."""
    form = forms.read(WindowForm)
    found = []
    if form.ok:
        identity.reveal(
            core(),
            actor=actor(),
            desk=desk(),
            resident=ResidentId(resident),
            fields=(),
            reason=Reason.SUPPORT,
            note=form.values["note"],
        )
        found = vouchers.printable(core(), actor=actor(), resident=ResidentId(resident))
    page = render_template("admin/papers.html", form=form, resident=resident, found=found)
    return page, 200 if form.ok else 422


@papers.post("/<uuid:resident>/papers/<uuid:voucher>")
def print_one(resident: UUID, voucher: UUID) -> str:
    """The paper, for the window's printer; what was printed of this voucher before is void."""
    made = vouchers.print_for(
        core(), actor=actor(), resident=ResidentId(resident), voucher=VoucherId(voucher)
    )
    return render_template(
        "admin/paper.html",
        made=made,
        drawing=qr.draw(made.text),
        number=f"{made.voucher.id.int % 10**12:012d}",
    )
