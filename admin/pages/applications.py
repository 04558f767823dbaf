"""Applications of merchants: what waits, the evidence beside what was typed, and the decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request
from marshmallow import fields, post_load, validate

from admin import onboarding, readings, staff
from admin.api.residents import desk
from admin.colleagues import REASONS
from admin.schemas import one_of
from voucher_service.approvals.model import Approval
from voucher_service.identity.desk import Reason
from voucher_service.infra import files
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.merchants.onboarding import (
    FINDINGS,
    DocumentKind,
    MerchantApplicationId,
    MerchantApplicationStatus,
)
from voucher_service.merchants.service import reviewing
from voucher_service.merchants.service.reviewing import Private
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import TextField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

applications = Blueprint("application_pages", __name__, url_prefix="/merchants/applications")
checking = Blueprint("checking_pages", __name__, url_prefix="/merchants/applications")
revealing = Blueprint("revealing_pages", __name__, url_prefix="/merchants/applications")

PAGE = 50
_SHOWN = (
    MerchantApplicationStatus.SUBMITTED,
    MerchantApplicationStatus.PRECHECKED,
    MerchantApplicationStatus.SENT_BACK,
    MerchantApplicationStatus.ADMITTED,
    MerchantApplicationStatus.REJECTED,
)


class SendBackForm(Schema):
    """A word about all of it, and a reason for each thing to correct."""

    reason = TextField(required=True, maximum=200)
    name = TextField(maximum=200)
    uscc = TextField(maximum=200)
    legal_person = TextField(maximum=200)
    size_class = TextField(maximum=200)
    shops = TextField(maximum=200)
    account = TextField(maximum=200)
    licence = TextField(maximum=200)
    storefront = TextField(maximum=200)
    certificate = TextField(maximum=200)

    @post_load
    def _split(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        reason = data.pop("reason")
        return {"findings": data, "reason": reason}


class RejectForm(Schema):
    """Why it is refused for good."""

    refusal = TextField(required=True, maximum=200)


class RevealForm(Schema):
    """What to read in clear, and why."""

    fields_ = fields.List(
        fields.String(validate=one_of(*Private)),
        required=True,
        data_key="fields",
        validate=validate.Length(min=1),
    )
    why = fields.String(required=True, validate=one_of(*Reason))
    note = TextField(required=True, minimum=4, maximum=200)


@applications.get("")
def show_all() -> str:
    """Applications of the reader's area by how they stand, longest waiting first."""
    asked = request.args.get("state", "")
    state = MerchantApplicationStatus(asked) if asked in _SHOWN else _SHOWN[0]
    page = reviewing.page(
        core(), actor=actor(), status=state, cursor=request.args.get("cursor"), limit=PAGE
    )
    return render_template("admin/applications.html", page=page, state=state, states=_SHOWN)


@applications.get("/<uuid:application>")
def show(application: UUID) -> str:
    """One application."""
    return _page(application, forms.Form())


@applications.get("/<uuid:application>/documents/<any(licence, storefront, certificate):kind>")
def document(application: UUID, kind: str) -> Response:
    """A file; the record says who looked."""
    content = reviewing.document(
        core(),
        actor=actor(),
        application=MerchantApplicationId(application),
        kind=DocumentKind(kind),
    )
    response = Response(content.data, mimetype=content.media_type)
    # A PDF may hold a script: it is only ever saved.
    pdf = content.media_type == files.PDF
    name = f'attachment; filename="{kind}.pdf"' if pdf else f'inline; filename="{kind}.jpg"'
    response.headers["Content-Disposition"] = name
    return response


@checking.post("/<uuid:application>/precheck")
def precheck(application: UUID) -> Any:
    """It is right: ask the city, whose proposals a county does not see."""
    return _decided(application, forms.Form(), reviewing.precheck, {})


@checking.post("/<uuid:application>/send-back")
def send_back(application: UUID) -> Any:
    """Give it back with a reason for each thing."""
    form = forms.read(SendBackForm)
    if not form.ok:
        return _page(application, form), 422
    return _decided(application, form, reviewing.send_back, form.values)


@checking.post("/<uuid:application>/reject")
def reject(application: UUID) -> Any:
    """Refuse it for good."""
    form = forms.read(RejectForm)
    if not form.ok:
        return _page(application, form), 422
    return _decided(application, form, reviewing.reject, {"reason": form.values["refusal"]})


@revealing.post("/<uuid:application>/reveal")
def reveal(application: UUID) -> Any:
    """Personal data in clear, this once."""
    form = forms.read(RevealForm, lists=frozenset({"fields"}))
    if not form.ok:
        return _page(application, form), 422
    try:
        shown = reviewing.reveal(
            core(),
            actor=actor(),
            desk=desk(),
            application=MerchantApplicationId(application),
            fields=[Private(one) for one in form.values["fields_"]],
            reason=Reason(form.values["why"]),
            note=form.values["note"],
        )
    except DomainError as error:
        return _refused(application, form, error)
    return _page(application, forms.Form(), shown=shown)


def _decided(application: UUID, form: forms.Form, decide: Any, told: Mapping[str, Any]) -> Any:
    try:
        decide(core(), actor=actor(), application=MerchantApplicationId(application), **told)
    except DomainError as error:
        return _refused(application, form, error)
    return redirect(f"/merchants/applications/{application}", 303)


def _refused(application: UUID, form: forms.Form, error: DomainError) -> Any:
    form.refuse(error)
    return _page(application, form), status_of(error)


def _page(application: UUID, form: forms.Form, shown: Mapping[Private, str] | None = None) -> str:
    reader = actor()
    found = reviewing.get(core(), actor=reader, application=MerchantApplicationId(application))
    return render_template(
        "admin/application.html",
        application=found,
        form=form,
        shown=shown or {},
        findings=list(FINDINGS),
        documents=list(DocumentKind),
        names=staff.names([found.prechecked_by] if found.prechecked_by else []),
        opinion=reviewing.opinion(core(), application=found),
        may_check=reader.has(Role.REVIEWER) and found.status == "submitted",
        may_reveal=reader.has(*reviewing.REVEALS),
        fields=onboarding.fields(),
        reasons=REASONS,
    )


def _reading(approval: Approval) -> Mapping[str, Any]:
    """What is shown of a proposal to admit a merchant."""
    return {"told": approval.payload}


readings.register("merchant_application", template="admin/reading_application.html", load=_reading)
