"""Look a resident up: masked, and in clear for a reason. What is typed is in no address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template
from marshmallow import ValidationError, fields, post_load, validate

from admin import readings
from admin.api.people_schemas import DocumentSchema
from admin.api.residents import desk, find
from admin.colleagues import FIELDS, REASONS, document_choices
from admin.schemas import one_of
from voucher_service.approvals.model import Approval
from voucher_service.forgetting import service as forgetting
from voucher_service.i18n import mark
from voucher_service.identity import service
from voucher_service.identity.desk import Field, Reason
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ResidentId
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import TextField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

residents = Blueprint("resident_pages", __name__, url_prefix="/residents")

BY = ("id_number", "mobile", "voucher_id")


class LookUpForm(DocumentSchema):
    """Whom to look for."""

    by = fields.String(required=True, validate=one_of(*BY))
    value = fields.String(required=True, validate=validate.Length(max=64))

    @post_load
    def _one(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        value, document = data["value"].strip(), {"document": data["document"]}
        if data["by"] != "voucher_id":
            return {data["by"]: value, **document}
        try:
            return {"voucher_id": UUID(value), **document}
        except ValueError:
            raise ValidationError({"value": [mark("这个编号的写法不对。")]}) from None


class RevealForm(Schema):
    """What to read in clear, and why."""

    fields_ = fields.List(
        fields.String(validate=one_of(*Field)),
        required=True,
        data_key="fields",
        validate=validate.Length(min=1),
    )
    reason = fields.String(required=True, validate=one_of(*Reason))
    note = TextField(required=True, minimum=4, maximum=200)


class ForgetForm(Schema):
    """How the person asked to be forgotten."""

    note = TextField(required=True, minimum=4, maximum=200)


@residents.get("")
def ask() -> str:
    """The form."""
    return _page(forms.Form())


@residents.post("")
def look_up() -> Any:
    """Who was found, masked."""
    form, status, found = forms.read(LookUpForm), 422, None
    if form.ok:
        try:
            found = find(**form.values)
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            del form.typed["value"]  # from here on masked
            return _page(form, found=found, asked=True)
    return _page(form), status


@residents.post("/<uuid:resident>")
def reveal(resident: UUID) -> Any:
    """Some fields in clear, this once."""
    form, status = forms.read(RevealForm, lists=frozenset({"fields"})), 422
    shown: dict[Field, str] = {}
    if form.ok:
        try:
            shown = dict(
                service.reveal(
                    core(),
                    actor=actor(),
                    desk=desk(),
                    resident=ResidentId(resident),
                    fields=[Field(one) for one in form.values["fields_"]],
                    reason=Reason(form.values["reason"]),
                    note=form.values["note"],
                )
            )
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            status = 200
    return (
        render_template(
            "admin/resident_revealed.html",
            form=form,
            resident=resident,
            shown=shown,
            fields=FIELDS,
            reasons=REASONS,
        ),
        status,
    )


@residents.post("/<uuid:resident>/forget")
def forget(resident: UUID) -> Any:
    """Propose to forget the resident; a second person decides."""
    form, status, proposed = forms.read(ForgetForm), 422, None
    if form.ok:
        try:
            proposed = forgetting.propose(
                core(), actor=actor(), resident=ResidentId(resident), **form.values
            )
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            status = 200
    page = render_template(
        "admin/resident_forget.html", form=form, resident=resident, proposed=proposed
    )
    return page, status


def _reading(approval: Approval) -> Mapping[str, Any]:
    """What is shown of a proposal to forget somebody."""
    return {"told": approval.payload}


readings.register("resident", template="admin/reading_resident.html", load=_reading)


def _page(form: forms.Form, *, found: Any = None, asked: bool = False) -> str:
    return render_template(
        "admin/residents.html",
        form=form,
        found=found,
        asked=asked,
        fields=FIELDS,
        reasons=REASONS,
        documents=document_choices(),
        limit=core().settings.desk.personal_reads_per_hour,
    )
