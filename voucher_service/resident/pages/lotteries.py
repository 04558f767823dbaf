"""Lotteries: when to enter, one's own entry, and what everybody needs to check the draw."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, url_for

from voucher_service.i18n import sentence
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.lotteries import service
from voucher_service.lotteries.model import Entry, LotteryId
from voucher_service.web.auth import actor, actor_or_none
from voucher_service.web.errors import status_of
from voucher_service.web.language import locale
from voucher_service.web.site import core, now

from ..limiting import not_too_often
from ..people import resident_of

pages = Blueprint("lottery", __name__, url_prefix="/lotteries")
entering = Blueprint("lottery_entry", __name__, url_prefix="/lotteries")


@pages.get("")
def show_all() -> str:
    """The lotteries that were announced."""
    return render_template("resident/lotteries.html", lotteries=service.published(core()))


@pages.get("/<uuid:id>")
def show(id: UUID) -> str:
    """One lottery; for who is signed in also their entry."""
    return _page(LotteryId(id))


@entering.post("/<uuid:id>/enter")
def enter(id: UUID) -> Response | tuple[str, int]:
    """Enter. The form sent twice is one entry."""
    lottery = LotteryId(id)
    try:
        not_too_often(core(), actor())
        service.enter(core(), actor=actor(), lottery=lottery)
    except NoSuchThing:
        raise
    except DomainError as refusal:
        return _page(lottery, sentence(refusal, locale())), status_of(refusal)
    return make_response(redirect(url_for("lottery.show", id=id), 303))


def _page(id: LotteryId, refusal: str = "") -> str:
    caller = actor_or_none()
    return render_template(
        "resident/lottery.html",
        lottery=service.lottery(core(), lottery=id),
        resident=resident_of(core(), caller) if caller else None,
        mine=_mine(id) if caller else None,
        refusal=refusal,
        instant=now(),
    )


def _mine(id: LotteryId) -> Entry | None:
    try:
        return service.my_entry(core(), actor=actor(), lottery=id)
    except NoSuchThing:
        return None
