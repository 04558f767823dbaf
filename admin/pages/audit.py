"""The audit trail at the desk: events by who, what, which and when; and who saw a number."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, render_template, request
from marshmallow import fields, post_load, validate

from admin import staff
from admin.api.audit import download
from admin.api.people_schemas import DocumentSchema
from admin.colleagues import document_choices
from voucher_service.audit import search
from voucher_service.audit.model import Act, Criteria
from voucher_service.identity import service as identity
from voucher_service.identity.documents import Document
from voucher_service.kernel.clock import end_of, start_of
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.page import Page
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import CodeField, DayField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

audit = Blueprint("audit_pages", __name__, url_prefix="/audit")

PAGE = 50
_STAFF = "staff:"


class SearchForm(Schema):
    """What to search for; `actor` is a login or a kind with an id."""

    actor = CodeField(maximum=100, load_default=None)
    action = CodeField(maximum=100, load_default=None)
    object_type = CodeField(maximum=60, load_default=None)
    object_id = CodeField(maximum=100, load_default=None)
    first = DayField(load_default=None)
    last = DayField(load_default=None)
    cursor = CodeField(maximum=512, load_default=None)

    @post_load
    def _criteria(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        first, last, cursor = data.pop("first"), data.pop("last"), data.pop("cursor")
        since: datetime | None = start_of(first) if first else None
        until: datetime | None = end_of(last) if last else None
        return {"criteria": Criteria(**data, since=since, until=until), "cursor": cursor}


class WhoSawForm(DocumentSchema):
    """Whose readers to list."""

    id_number = fields.String(required=True, validate=validate.Length(max=64))


@audit.get("")
def show() -> Any:
    """Events that fit, newest first."""
    form = _asked()
    if not form.ok:
        return _page(form), 422
    page = search.page(core(), actor=actor(), limit=PAGE, **form.values)
    return _page(form, page=page)


@audit.get("/events.csv")
def events_csv() -> Any:
    """The same as a file."""
    form = _asked()
    return download(form.values["criteria"]) if form.ok else (_page(form), 422)


@audit.post("/readers")
def who_saw() -> Any:
    """Who looked up or revealed the person with this number."""
    form, status = forms.read(WhoSawForm), 422
    if form.ok:
        try:
            page = identity.seen_by(
                core(),
                actor=actor(),
                id_number=form.values["id_number"],
                document=Document(form.values["document"]),
                cursor=None,
                limit=200,
            )
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            form.typed.clear()
            return _page(forms.Form(), page=page, of_person=True)
    form.typed.clear()
    return _page(forms.Form(), saw=form), status


def _asked() -> forms.Form:
    """The form in the address, a login read as the person it belongs to."""
    form = forms.read(SearchForm, sent=request.args)
    criteria = form.values.get("criteria")
    if criteria is not None and criteria.actor and ":" not in criteria.actor:
        with core().transaction() as session:
            known = identity.staff_called(session, username=criteria.actor)
        form.values["criteria"] = replace(criteria, actor=f"{_STAFF}{known}")
    return form


def _page(
    form: forms.Form,
    *,
    page: Page[Act] | None = None,
    of_person: bool = False,
    saw: forms.Form | None = None,
) -> str:
    items = page.items if page else []
    people = [one.actor.removeprefix(_STAFF) for one in items if one.actor.startswith(_STAFF)]
    asked = {name: value for name, value in form.typed.items() if value and name != "cursor"}
    return render_template(
        "admin/audit.html",
        form=form,
        saw=saw or forms.Form(),
        page=page,
        of_person=of_person,
        names=staff.names([UUID(one) for one in people]),
        query=urlencode(asked),
        documents=document_choices(),
    )
