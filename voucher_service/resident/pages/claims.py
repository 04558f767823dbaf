"""What became of pressing the button: the voucher, or why not and what to do."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, url_for

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.i18n import sentence
from voucher_service.kernel.errors import DomainError, Unavailable
from voucher_service.kernel.ids import VoucherId
from voucher_service.vouchers import service as vouchers
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.idempotency import idempotency_key
from voucher_service.web.language import locale
from voucher_service.web.site import core, now

from ..crowd import group
from ..people import resident_of

pages = Blueprint("claiming", __name__)


@pages.post("/offers/<name>/claim")
def claim(name: str) -> Response | tuple[str, int]:
    """Take one voucher. The form sent twice is one claim."""
    key = idempotency_key()
    offer = campaigns.offer_named(core(), name=name)
    try:
        taken = group().claim(actor=actor(), offer=offer.id, key=key)
    except DomainError as refusal:
        return _refused(offer, refusal, key), status_of(refusal)
    return make_response(redirect(url_for("claiming.claimed", id=taken.value.id), 303))


@pages.get("/vouchers/<uuid:id>/claimed")
def claimed(id: UUID) -> str:
    """It is theirs."""
    found = vouchers.get(core(), actor=actor(), voucher=VoucherId(id))
    return render_template("resident/claimed.html", voucher=found)


def _refused(offer: Offer, refusal: DomainError, key: str) -> str:
    instant = now()
    following = [one for one in offer.releases if one.opens_at > instant]
    return render_template(
        "resident/refused.html",
        offer=offer,
        resident=resident_of(core(), actor()),
        code=refusal.code,
        sentence=sentence(refusal, locale()),
        unknown=isinstance(refusal, Unavailable),
        voucher_ids=refusal.extra.get("voucher_ids", ()),
        following=following[0] if following else None,
        pressed_at=instant,
        key=key,  # trying again must find the first try, if it went through
    )
