"""What became of pressing the button: the voucher, a place in line, or why not and what to do."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.i18n import sentence
from voucher_service.kernel.errors import DomainError, NoSuchThing, Unavailable
from voucher_service.kernel.ids import VoucherId
from voucher_service.vouchers import service as vouchers
from voucher_service.waiting import service as waiting
from voucher_service.waiting.model import ProofOfWorkRequired, State
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.idempotency import idempotency_key, new_key, well_formed
from voucher_service.web.language import locale
from voucher_service.web.site import core, now

from ..crowd import group
from ..limiting import not_too_often
from ..people import resident_of
from ..schemas import TicketSchema

pages = Blueprint("claiming", __name__)


@pages.post("/offers/<name>/claim")
def claim(name: str) -> Response | tuple[str, int]:
    """Take one voucher, or a place in its line. The form sent twice is one claim."""
    key = idempotency_key()
    offer = campaigns.offer_named(core(), name=name)
    proof = request.form.get("proof")
    try:
        not_too_often(core(), actor())
        if waiting.before_claim(core(), actor=actor(), offer=offer.id, key=key, proof=proof):
            return make_response(redirect(url_for("claiming.wait", name=offer.slug, key=key), 303))
        taken = group().claim(actor=actor(), offer=offer.id, key=key)
    except ProofOfWorkRequired as first:
        challenge = first.extra["challenge"]
        page = render_template("resident/puzzle.html", offer=offer, challenge=challenge, key=key)
        return page, status_of(first)
    except DomainError as refusal:
        return _refused(offer, refusal, key), status_of(refusal)
    return make_response(redirect(url_for("claiming.claimed", id=taken.value.id), 303))


@pages.get("/offers/<name>/waiting")
def wait(name: str) -> str:
    """The place in the line; reading it again changes nothing."""
    offer = campaigns.offer_named(core(), name=name)
    key = request.args.get("key", "")
    try:
        ticket = waiting.ticket(core(), actor=actor(), offer=offer.id)
    except NoSuchThing:
        ticket = None
    return render_template(
        "resident/waiting.html",
        offer=offer,
        ticket=ticket,
        waits=ticket is not None and ticket.state is State.WAITING,
        mine=ticket is not None and ticket.state is State.YOUR_TURN,
        key=key if well_formed(key) else new_key(),
    )


@pages.get("/offers/<name>/waiting.json")
def place(name: str) -> Response:
    """The same for a page that asks by itself; not found for who is in no line."""
    not_too_often(core(), actor())
    offer = campaigns.offer_named(core(), name=name)
    ticket = waiting.ticket(core(), actor=actor(), offer=offer.id)
    return make_response(TicketSchema().dump(ticket))


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
