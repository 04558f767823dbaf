"""Alarms at the desk: what is wrong, who looks after it, and how payouts go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from admin import alarming, readings, staff
from voucher_service.alarms import service
from voucher_service.alarms.model import Alarm, AlarmId
from voucher_service.approvals.model import Approval
from voucher_service.kernel.errors import DomainError
from voucher_service.reports.invariant_words import words
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.site import core

alarms = Blueprint("alarm_pages", __name__, url_prefix="/alarms")
handling = Blueprint("alarm_handling_pages", __name__, url_prefix="/alarms")
closing = Blueprint("alarm_closing_pages", __name__, url_prefix="/alarms")
payouts = Blueprint("payout_pages", __name__, url_prefix="/payouts")

PAGE = 50


@alarms.get("")
def show_all() -> str:
    """Alarms of the reader's area, newest first."""
    return _page(forms.Form())


@handling.post("/<uuid:alarm>/acknowledge")
def acknowledge(alarm: UUID) -> Response:
    """The reader looks after it."""
    service.acknowledge(core(), actor=actor(), alarm=AlarmId(alarm))
    return redirect("/alarms", 303)


@closing.post("/<uuid:alarm>/close")
def close(alarm: UUID) -> Response:
    """The reader has looked into it."""
    service.close(core(), actor=actor(), alarm=AlarmId(alarm))
    return redirect("/alarms", 303)


@payouts.post("/resume")
def resume() -> Any:
    """Propose to let payouts go on."""
    try:
        proposal = service.propose_resume(core(), actor=actor())
    except DomainError as error:
        form = forms.Form()
        form.refuse(error)
        return _page(form), status_of(error)
    return redirect(f"/approvals/{proposal}", 303)


def _page(form: forms.Form) -> str:
    still_open = request.args.get("state") != "all"
    page = service.page(
        core(),
        actor=actor(),
        still_open=still_open,
        cursor=request.args.get("cursor"),
        limit=PAGE,
    )
    names = staff.names([one for alarm in page.items for one in _people(alarm)])
    return render_template(
        "admin/alarms.html",
        page=page,
        still_open=still_open,
        titles={one.id: alarming.title(one, names) for one in page.items},
        notes={one.id: alarming.notes(one) for one in page.items},
        names=names,
        standing=service.standing(core(), actor=actor()),
        form=form,
    )


def _people(alarm: Alarm) -> list[UUID]:
    return [one for one in (alarm.acknowledged_by, alarming.person(alarm)) if one is not None]


def _reading(approval: Approval) -> Mapping[str, Any]:
    """What is shown of a proposal to let payouts go on."""
    subjects = [one["subject"] for one in approval.payload["alarms"]]
    return {"named": [(one.split()[0], words(one) or one) for one in subjects]}


readings.register("payouts", template="admin/reading_payouts.html", load=_reading)
