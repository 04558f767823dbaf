"""Pushes at the desk: upload a list, follow it, fetch what became of each line."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template
from marshmallow import fields

from admin import readings, staff
from admin.api.pushes import LIST_LIMIT_BYTES, download
from admin.forms import refuse
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval
from voucher_service.approvals.model import Status as Signing
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignStatus, Offer
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import OfferId
from voucher_service.pushes import service
from voucher_service.pushes.model import PushId, Result
from voucher_service.web import forms, uploads
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

pushes = Blueprint("push_pages", __name__, url_prefix="/pushes")
planning = Blueprint("push_planning_pages", __name__, url_prefix="/pushes")

TOO_LARGE = mark("名单超过 8 MB。请分成几份传。")
_OPEN = (CampaignStatus.DRAFT, CampaignStatus.PUBLISHED, CampaignStatus.PAUSED)


class ListForm(Schema):
    """Which offer; the list itself is a file."""

    offer = fields.UUID(required=True)


@pushes.get("")
def show_all() -> str:
    """Every push of the reader's area, and the form that uploads a list."""
    return _list(forms.Form())


@pushes.get("/<uuid:id>")
def show(id: UUID) -> str:
    """One push."""
    found = service.push(core(), actor=actor(), push=PushId(id))
    return render_template(
        "admin/push.html",
        push=found,
        results=list(Result),
        names=staff.names([found.created_by]),
        waiting=approvals.latest(core(), actor=actor(), about=id, status=Signing.WAITING),
    )


@pushes.get("/<uuid:id>/results.csv")
def results(id: UUID) -> Response:
    """What became of each line."""
    return download(PushId(id))


@planning.post("")
def propose() -> Any:
    """Upload a list for an offer."""
    form = forms.read(ListForm)
    content = uploads.sent(form, "list", most_bytes=LIST_LIMIT_BYTES)
    if len(content) > LIST_LIMIT_BYTES:
        form.errors["list"] = gettext(TOO_LARGE, locale())
    if form.ok:
        try:
            made = service.propose(
                core(),
                actor=actor(),
                offer=OfferId(form.values["offer"]),
                content=content,
            )
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect(f"/pushes/{made.id}", 303)
    return _list(form), 422


def _list(form: forms.Form) -> str:
    planner = actor().has(Role.PLANNER)
    return render_template(
        "admin/pushes.html",
        pushes=service.pushes(core(), actor=actor()),
        form=form,
        offers=_offers() if planner else [],
    )


def _reading(found: Approval) -> dict[str, Any]:
    """A push as its second person reads it."""
    push = service.push(core(), actor=actor(), push=PushId(found.object_id))
    trail = [(f"/pushes/{push.id}", gettext(mark("按名单发"), locale()))]
    return {"push": push, "trail": trail}


readings.register("push", template="admin/reading_push.html", load=_reading)


def _offers() -> list[Offer]:
    """What can be given: offers of campaigns that run, and of drafts."""
    mine = campaigns.campaigns(core(), actor=actor())
    found: list[Offer] = []
    for one in mine:
        if one.status in _OPEN:
            found += campaigns.campaign(core(), actor=actor(), campaign=one.id)[1]
    return found
