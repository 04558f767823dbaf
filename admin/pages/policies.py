"""Policies at the desk: the shelf, what a draft would cost, what a later version adds."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from marshmallow import fields, validate

from admin import readings, staff
from admin.forms import refuse
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval
from voucher_service.approvals.model import Status as Signing
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import WAS_PUBLISHED, Campaign, CampaignKind
from voucher_service.i18n import gettext, mark
from voucher_service.infra.data_files import DataFileInvalid
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import CampaignId
from voucher_service.tradein import file_words, shelf
from voucher_service.tradein.revisions import service
from voucher_service.tradein.revisions.model import Revision, RevisionId, Trial, TrialId
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import DayField
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core, today

policies = Blueprint("policy_pages", __name__, url_prefix="/policies")
trying = Blueprint("policy_trying_pages", __name__, url_prefix="/policies")
planning = Blueprint("revision_planning_pages", __name__, url_prefix="/policies/revisions")

PAGE = 50
_WRONG = mark("草稿有一处不对：{error}")
_ORDER = mark("最后一天不能早于第一天。")
# A draft is a page or two; a form's field holds no more.
_DRAFT_LONGEST = 20_000


class DraftForm(Schema):
    """A draft as the text of its file, and the days of purchase that it is tried on."""

    draft = fields.String(required=True, validate=validate.Length(1, _DRAFT_LONGEST))
    first = DayField(required=True)
    last = DayField(required=True)


class BeginForm(Schema):
    """Which policy, and the campaign whose lines pay."""

    policy = fields.String(required=True)
    campaign = fields.UUID(required=True)


@policies.get("")
def show_shelf() -> str:
    """Every version that was published, the newest first."""
    newest = sorted(shelf.shelf(), key=lambda one: (one.published_on, one.id), reverse=True)
    return render_template("admin/policies.html", policies=newest)


@trying.get("/what-if")
def ask() -> str:
    """The form for a draft; last year's purchases unless told."""
    year = today().year - 1
    form = forms.Form()
    form.typed = {"first": f"{year}-01-01", "last": f"{year}-12-31"}
    return _what_if(form)


@trying.post("/what-if")
def what_if() -> Any:
    """Have a draft run over past decisions; the result is kept for a day."""
    form = forms.read(DraftForm)
    trial = _begun(form) if form.ok else None
    if trial is None:
        return _what_if(form), 422
    return redirect(f"/policies/what-if/{trial}", 303)


@trying.get("/what-if/<uuid:id>")
def show_trial(id: UUID) -> str:
    """What a draft comes to, and how far it is."""
    found = service.trial(core(), actor=actor(), trial=TrialId(id))
    form = forms.Form()
    form.typed = {
        "draft": found.text,
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
    }
    return _what_if(form, found)


@trying.get("/revisions")
def show_revisions() -> str:
    """Revisions of the reader's area, and the form that begins one."""
    return _revisions(forms.Form())


@trying.get("/revisions/<uuid:id>")
def show_revision(id: UUID) -> str:
    """One revision, how far it is, and its list."""
    return _revision(id, forms.Form())


@planning.post("")
def begin() -> Any:
    """Begin a revision."""
    form = forms.read(BeginForm)
    if not form.ok:
        return _revisions(form), 422
    campaign = CampaignId(form.values["campaign"])
    try:
        made = service.begin(core(), actor=actor(), policy=form.values["policy"], campaign=campaign)
    except DomainError as error:
        refuse(form, error)
        return _revisions(form), status_of(error)
    return redirect(f"/policies/revisions/{made.id}", 303)


@planning.post("/<uuid:id>/propose")
def propose(id: UUID) -> Any:
    """Ask for the differences to be paid."""
    form = forms.Form()
    try:
        proposal = service.propose(core(), actor=actor(), revision=RevisionId(id))
    except DomainError as error:
        form.refuse(error)
        return _revision(id, form), status_of(error)
    return redirect(f"/approvals/{proposal}", 303)


@planning.post("/<uuid:id>/cancel")
def cancel(id: UUID) -> Any:
    """Give it up."""
    service.cancel(core(), actor=actor(), revision=RevisionId(id))
    return redirect("/policies/revisions", 303)


def _begun(form: forms.Form) -> TrialId | None:
    first: date = form.values["first"]
    if form.values["last"] < first:
        form.errors["last"] = gettext(_ORDER, locale())
        return None
    try:
        return service.begin_trial(
            core(),
            actor=actor(),
            text=form.values["draft"],
            first=first,
            last=form.values["last"],
        )
    except DataFileInvalid as error:
        form.errors["draft"] = gettext(_WRONG, locale(), error=file_words.sentence(error, locale()))
        return None


def _what_if(form: forms.Form, trial: Trial | None = None) -> str:
    return render_template("admin/what_if.html", form=form, trial=trial)


def _revisions(form: forms.Form) -> str:
    page = service.revisions(core(), actor=actor(), cursor=request.args.get("cursor"), limit=PAGE)
    planner = actor().has(Role.PLANNER)
    known = [one for one in shelf.shelf() if one.published_on <= today()]
    return render_template(
        "admin/revisions.html",
        page=page,
        form=form,
        names=_names(),
        policies=sorted(known, key=lambda one: one.published_on, reverse=True),
        campaigns=_campaigns() if planner else [],
    )


def _revision(id: UUID, form: forms.Form) -> str:
    found = service.revision(core(), actor=actor(), revision=RevisionId(id))
    page = service.lines(
        core(),
        actor=actor(),
        revision=found.id,
        cursor=request.args.get("cursor"),
        limit=PAGE,
    )
    return render_template(
        "admin/revision.html",
        revision=found,
        page=page,
        form=form,
        policy=_policy(found),
        campaign=_campaign(found),
        names=staff.names([found.created_by]),
        waiting=approvals.latest(core(), actor=actor(), about=id, status=Signing.WAITING),
    )


def _policy(revision: Revision) -> str:
    return _names().get(revision.policy_id, revision.policy_id)


def _names() -> dict[str, str]:
    return {one.id: one.name.spelt(locale()) for one in shelf.shelf()}


def _campaign(revision: Revision) -> str:
    found, _, _ = campaigns.campaign(core(), actor=actor(), campaign=revision.campaign_id)
    return found.name


def _campaigns() -> list[Campaign]:
    mine = campaigns.campaigns(core(), actor=actor())
    return [
        one
        for one in mine
        if one.kind is CampaignKind.TRADE_IN
        and one.status in WAS_PUBLISHED
        and not one.programme.synthetic  # a replay's money is nobody's
    ]


def _reading(found: Approval) -> dict[str, Any]:
    """A revision as its second person reads it."""
    revision = service.revision(core(), actor=actor(), revision=RevisionId(found.object_id))
    trail = [(f"/policies/revisions/{revision.id}", gettext(mark("按新政策补差"), locale()))]
    return {
        "revision": revision,
        "policy": _policy(revision),
        "campaign": _campaign(revision),
        "trail": trail,
    }


readings.register("revision", template="admin/reading_revision.html", load=_reading)
