"""Colleagues at the desk: the list, one account with its sessions and history, and proposals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from marshmallow import fields, validate
from werkzeug.wrappers import Response

from admin import readings
from admin.api.people_schemas import CityAreaField
from admin.colleagues import ROLES
from admin.forms import ReasonForm
from admin.places import choices
from admin.schemas import one_of
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval, Status
from voucher_service.audit import search
from voucher_service.identity import service
from voucher_service.identity.model import STAFF_ROLES
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ApprovalId, StaffId
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import NameField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

colleagues = Blueprint("colleague_pages", __name__, url_prefix="/staff")
staffing = Blueprint("staffing_pages", __name__, url_prefix="/staff")

PAGE = 50
_HISTORY = 30
_SEVERAL = frozenset({"roles"})


class RolesForm(Schema):
    """What somebody may do, and where."""

    roles = fields.List(
        fields.String(validate=one_of(*STAFF_ROLES)),
        required=True,
        validate=validate.Length(min=1),
    )
    area = CityAreaField(load_default="")


class NewStaffForm(RolesForm):
    """A colleague's account."""

    username = fields.String(required=True, validate=validate.Length(max=200))
    display_name = NameField(required=True, maximum=60)
    password = fields.String(required=True, validate=validate.Length(max=200))


class FirstPasswordForm(Schema):
    """A first password, once more."""

    password = fields.String(required=True, validate=validate.Length(max=200))


@colleagues.get("")
def show_all() -> str:
    """Colleagues of the reader's area."""
    page = service.staff_page(core(), actor=actor(), cursor=request.args.get("cursor"), limit=PAGE)
    return render_template("admin/staff.html", page=page)


@colleagues.get("/<uuid:staff>")
def show(staff: UUID) -> str:
    """One colleague."""
    return _page(staff, forms.Form())


@staffing.get("/new")
def ask() -> str:
    """The form for an account."""
    return _new(forms.Form())


@staffing.post("/new")
def propose() -> Any:
    """Propose an account."""
    form, status = forms.read(NewStaffForm, lists=_SEVERAL), 422
    if form.ok:
        values = form.values | {"roles": [Role(one) for one in form.values["roles"]]}
        try:
            id, _ = service.propose_account(core(), actor=actor(), **values)
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect(f"/staff/{id}", 303)
    return _new(form), status


@staffing.post("/<uuid:staff>/roles")
def grant(staff: UUID) -> Any:
    """Propose other roles or another area."""
    form = forms.read(RolesForm, lists=_SEVERAL)
    if not form.ok:
        return _page(staff, form, part="roles"), 422
    roles, area = [Role(one) for one in form.values["roles"]], form.values["area"]
    return _proposed(
        staff,
        form,
        "roles",
        lambda: service.propose_grant(
            core(), actor=actor(), staff=StaffId(staff), roles=roles, area=area
        ),
    )


@staffing.post("/<uuid:staff>/reset")
def reset(staff: UUID) -> Any:
    """Propose a first password again."""
    form = forms.read(FirstPasswordForm)
    if not form.ok:
        return _page(staff, form, part="reset"), 422
    return _proposed(
        staff,
        form,
        "reset",
        lambda: service.propose_reset(core(), actor=actor(), staff=StaffId(staff), **form.values),
    )


@staffing.post("/<uuid:staff>/close")
def close(staff: UUID) -> Any:
    """Propose to close the account."""
    return _proposed(
        staff,
        forms.Form(),
        "close",
        lambda: service.propose_closing(core(), actor=actor(), staff=StaffId(staff)),
    )


@staffing.post("/<uuid:staff>/withdraw/<uuid:approval>")
def withdraw(staff: UUID, approval: UUID) -> Any:
    """Take one's own proposal back."""
    form = forms.read(ReasonForm)
    if not form.ok:
        return _page(staff, form, part="withdraw"), 422
    return _proposed(
        staff,
        form,
        "withdraw",
        lambda: approvals.reject(
            core(), actor=actor(), approval=ApprovalId(approval), **form.values
        ),
    )


@staffing.post("/<uuid:staff>/sessions/end")
def end_sessions(staff: UUID) -> Response:
    """End all sessions of a colleague at once."""
    service.end_sessions(core(), actor=actor(), staff=StaffId(staff))
    return redirect(f"/staff/{staff}", 303)


def _proposed(staff: UUID, form: forms.Form, part: str, propose_: Callable[[], object]) -> Any:
    try:
        propose_()
    except DomainError as error:
        form.refuse(error)
        form.typed.pop("password", None)
        return _page(staff, form, part=part), status_of(error)
    return redirect(f"/staff/{staff}", 303)


def _new(form: forms.Form) -> str:
    return render_template("admin/staff_new.html", form=form, roles=ROLES, areas=_areas())


def _page(staff: UUID, form: forms.Form, part: str = "") -> str:
    reader = actor()
    found, living, keys = service.staff_account(core(), actor=reader, staff=StaffId(staff))
    with core().transaction() as session:
        history = search.history(session, object_type="staff", object_id=str(staff), limit=_HISTORY)
    return render_template(
        "admin/staff_one.html",
        colleague=found,
        sessions=living,
        passkeys=keys,
        history=history,
        waiting=approvals.latest(core(), actor=reader, about=staff, status=Status.WAITING),
        manages=reader.has(Role.ADMINISTRATOR) and reader.id != staff,
        form=form,
        part=part,
        roles=ROLES,
        areas=_areas(),
    )


def _areas() -> list[tuple[str, str]]:
    return choices(actor())


def _reading(approval: Approval) -> dict[str, Any]:
    """A proposal about a colleague: who they are, and what they would be."""
    with core().transaction() as session:
        found = service.load_staff(session, staff=StaffId(approval.object_id))
    return {
        "colleague": found,
        "wanted": approval.payload,
        "before": approval.payload.get("before"),
    }


readings.register("staff", template="admin/reading_staff.html", load=_reading)
