"""Emergency stops at the desk: stop in two clicks, see what is stopped, ask to let it go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Blueprint, redirect, render_template, request
from marshmallow import fields
from werkzeug.wrappers import Response

from admin import readings, staff, words
from admin.api.stops import BOTH, kinds
from admin.forms import refuse
from admin.schemas import one_of
from voucher_service.approvals.model import Approval
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignStatus
from voucher_service.i18n import gettext, mark
from voucher_service.infra import areas
from voucher_service.kernel.errors import DomainError
from voucher_service.stops import service
from voucher_service.stops.model import Scope, Status, StopId, What
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import TextField
from voucher_service.web.language import local_path, locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core, today

stops = Blueprint("stop_pages", __name__, url_prefix="/stops")
stopping = Blueprint("stopping_pages", __name__, url_prefix="/stops")

PAGE = 50
# What the box says until somebody writes more: an emergency leaves no time to type.
REASON = mark("发现异常，先停下来查")
PROGRAMME = mark("整个方案：{name}")
CHOICES: Mapping[str, str] = {
    BOTH: mark("发券和用券都停"),
    What.CLAIMS: mark("只停发券"),
    What.REDEMPTIONS: mark("只停用券"),
}


class SubjectField(fields.Field[tuple[Scope, UUID | None]]):
    """What to stop as a list gives it: `everything`, or a scope and an id."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[Scope, UUID | None]:
        scope, _colon, id = str(value).partition(":")
        try:
            return Scope(scope), UUID(id) if id else None
        except ValueError:
            raise ma.ValidationError(mark("请从给出的几种里选一个。")) from None


class StopForm(Schema):
    """What to stop, and why."""

    subject = SubjectField(required=True)
    what = fields.String(required=True, validate=one_of(*CHOICES))
    reason = TextField(required=True, maximum=200)


@stops.get("")
def show_all() -> str:
    """What is stopped, by whom and why; and the form that stops."""
    return _page(forms.Form(typed={"subject": request.args.get("subject", "")}))


@stopping.post("")
def stop() -> Any:
    """Stop at once."""
    form = forms.read(StopForm)
    if not form.ok:
        return _page(form), 422
    scope, subject = form.values["subject"]
    try:
        campaigns.stop(
            core(),
            actor=actor(),
            scope=scope,
            subject=subject,
            what=kinds(form.values["what"]),
            reason=form.values["reason"],
        )
    except DomainError as error:
        return _page(refuse(form, error)), status_of(error)
    return redirect(local_path(request.form.get("next") or "/stops"), 303)


@stopping.post("/<uuid:stop>/resume")
def resume(stop: UUID) -> Response:
    """Propose to let it go on."""
    proposal = campaigns.ask_to_lift(core(), actor=actor(), stop=StopId(stop))
    return redirect(f"/approvals/{proposal}", 303)


def _page(form: forms.Form) -> str:
    asked = request.args.get("state", "")
    state = Status(asked) if asked in set(Status) else Status.IN_FORCE
    page = service.page(
        core(), actor=actor(), status=state, cursor=request.args.get("cursor"), limit=PAGE
    )
    within = actor().area
    people = {one.stopped_by for one in page.items} | {one.lifted_by for one in page.items}
    return render_template(
        "admin/stops.html",
        page=page,
        state=state,
        form=form,
        own={one.id for one in page.items if areas.within(one.area, within)},
        names=staff.names([one for one in people if one is not None]),
        subjects=list(_subjects()),
        choices=[(value, gettext(text, locale())) for value, text in CHOICES.items()],
        reason=gettext(REASON, locale()),
    )


def _subjects() -> Iterator[tuple[str, str]]:
    """What the reader can stop: everything, programmes, published campaigns, last to end first."""
    caller = actor()
    running = [
        one
        for one in campaigns.campaigns(core(), actor=caller)
        if one.status in (CampaignStatus.PUBLISHED, CampaignStatus.PAUSED)
    ]
    running.sort(key=lambda one: one.closes_on, reverse=True)
    if not caller.area:
        yield str(Scope.EVERYTHING), gettext(mark("全部活动"), locale())
        for one in campaigns.programmes(core()):
            if one.opens_on <= today() <= one.closes_on:
                name = words.programme_name(one)
                yield f"{Scope.PROGRAMME}:{one.id}", gettext(PROGRAMME, locale(), name=name)
    for each in running:
        yield f"{Scope.CAMPAIGN}:{each.id}", each.name


def _reading(approval: Approval) -> Mapping[str, Any]:
    """What is shown of a proposal to let something go on."""
    return {"stop": approval.payload["stop"]}


readings.register("stop", template="admin/reading_stop.html", load=_reading)
