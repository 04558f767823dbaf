"""The first page: what waits for the reader, one sentence about now, and the board."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request

from admin import figures, finance_work, hours, onboarding, words
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignStatus, Programme
from voucher_service.infra import areas
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.reports import board
from voucher_service.web.auth import actor
from voucher_service.web.site import core, today

home = Blueprint("home", __name__)


@home.get("/")
def show() -> Any:
    """The reader's work, and the board of one programme; administrators have neither."""
    reader = actor()
    if reader.has(Role.ADMINISTRATOR):
        return redirect("/staff", 303)
    known = campaigns.programmes(core())
    chosen = chosen_of(known)
    planner = reader.has(Role.PLANNER)
    mine = campaigns.campaigns(core(), actor=reader) if planner else []
    return render_template(
        "admin/home.html",
        programmes=known,
        programme=chosen,
        applications=onboarding.waiting_merchants(),
        finance=finance_work.tasks(),
        drafts=[one for one in mine if one.status is CampaignStatus.DRAFT],
        **(board_of(chosen) if chosen else {}),
    )


@home.get("/now")
def now() -> str:
    """The sentence about now and the open releases: the first page asks for it again."""
    if actor().has(Role.ADMINISTRATOR):
        raise NotAllowed
    chosen = chosen_of(campaigns.programmes(core()))
    if chosen is None:
        raise NoSuchThing
    return render_template("admin/now.html", programme=chosen, **board_of(chosen))


def board_of(programme: Programme) -> dict[str, Any]:
    """What the templates of a board read: the reader's part of it."""
    found = board.board(core(), programme=programme.slug)
    area = actor().area
    report = figures.within(actor(), found.leverage)
    return {
        "board": found,
        "report": report,
        "whole": not area,
        "runs": [one for one in found.offers if areas.within(one.offer.issuing_area, area)],
        "chart": hours.chart(found.hours),
        "small": words.is_small(report.totals.figures.leveraged),
        "over": programme.closes_on < today(),
    }


def chosen_of(known: list[Programme]) -> Programme | None:
    """The programme asked for, else one that runs today, else the newest."""
    asked = request.args.get("programme")
    running = (one for one in known if one.opens_on <= today() <= one.closes_on)
    found = next((one for one in known if one.slug == asked), None)
    return found or next(running, None) or next(iter(known), None)
