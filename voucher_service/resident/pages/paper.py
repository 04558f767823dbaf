"""A voucher on paper, for who goes without a phone or lets a relative shop for them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import VoucherId
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import AlreadyRedeemed, VoucherExpired, VoucherNotUsable
from voucher_service.web import qr
from voucher_service.web.auth import actor
from voucher_service.web.site import core

pages = Blueprint("paper", __name__)


def _not_any_more(_: DomainError) -> Response:
    """What is spent, over or at a till now is not printed: the voucher's own page says so."""
    return redirect(url_for("voucher.show", **(request.view_args or {})), 303)


for _kind in (AlreadyRedeemed, VoucherExpired, VoucherNotUsable):
    pages.register_error_handler(_kind, _not_any_more)


@pages.get("/vouchers/<uuid:id>/paper")
def show(id: UUID) -> str:
    """The print that counts, ready for the printer; or how printing works."""
    made = vouchers.newest_print(core(), actor=actor(), voucher=VoucherId(id))
    voucher = made.voucher if made else vouchers.get(core(), actor=actor(), voucher=VoucherId(id))
    return render_template(
        "resident/paper.html",
        voucher=voucher,
        made=made,
        drawing=qr.draw(made.text) if made else None,
    )


@pages.post("/vouchers/<uuid:id>/paper")
def make(id: UUID) -> Response:
    """Print, or print anew: the paper from before is void then."""
    vouchers.print_voucher(core(), actor=actor(), voucher=VoucherId(id))
    return redirect(url_for("paper.show", id=id), 303)
