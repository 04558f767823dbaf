"""The first page: what I have, what I can claim now, draws, what comes next. And the rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template

from voucher_service.campaigns.model import Offer, Release
from voucher_service.stops import service as stops
from voucher_service.stops.model import Scope, What
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.service import Standing
from voucher_service.web.auth import actor_or_none
from voucher_service.web.language import _
from voucher_service.web.site import core, now

from ..people import resident_of
from ..terms import benefit
from .wallet import pocket_of

pages = Blueprint("home", __name__)
_MOST_COMING = 6
# Stops that reach everybody; a merchant's concerns its own tills.
_SEEN = frozenset(Scope) - {Scope.MERCHANT}


@pages.get("/")
def show() -> str:
    """The offers, for everybody; for who is signed in also what they hold."""
    caller = actor_or_none()
    standings = vouchers.board(core(), actor=caller)
    return render_template(
        "resident/home.html",
        resident=resident_of(core(), caller) if caller else None,
        pocket=pocket_of(caller) if caller else None,
        offers=_best_first(standings),
        draws=[one for one in standings if one.draw and not (one.claimable or one.mine)],
        coming=_coming(standings),
        stopped=_stopped(),
    )


@pages.get("/help")
def rules() -> str:
    """How to claim, how to spend, what becomes of a refund, whom to call."""
    return render_template("resident/help.html")


def _stopped() -> dict[str, str]:
    """The names of what can't be claimed and of what can't be used for now."""
    with core().transaction() as session:
        found = stops.in_force(session)
    named = [(one.what, one.title or _("所有券")) for one in found if one.scope in _SEEN]
    return {str(what): _("、").join(name for of, name in named if of is what) for what in What}


def _best_first(standings: Sequence[Standing]) -> list[Standing]:
    """Open offers: what can be claimed, then what is held, then what is gone.

    An offer that is drawn by lot is among them for who may claim it, and for who did.
    """
    return sorted(
        (one for one in standings if one.is_open and (not one.draw or one.claimable or one.mine)),
        key=lambda one: (not one.claimable, not one.mine),
    )


def _coming(standings: Sequence[Standing]) -> list[dict[str, Any]]:
    """The next openings, soonest first."""
    openings = [
        (one.offer, one.following)
        for one in standings
        if one.following is not None and one.draw is None
    ]
    openings.sort(key=lambda each: each[1].opens_at)
    return [_opening(offer, release) for offer, release in openings[:_MOST_COMING]]


def _opening(offer: Offer, release: Release) -> dict[str, Any]:
    lobby = timedelta(minutes=core().settings.waiting.lobby_minutes)
    return {
        "at": release.opens_at,
        "brand": offer.brand,
        "title": offer.title,
        "text": _("{benefit} · {n} 张", benefit=benefit(offer), n=f"{release.quota:,}"),
        "offer": offer,
        "line": offer.waiting_room and release.opens_at - now() <= lobby,
    }
