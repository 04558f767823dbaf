"""Files that channels, tills and the bank are to send of every day, at the desk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template
from marshmallow import fields, validate

from admin import staff
from admin.forms import NumberField, refuse
from admin.schemas import one_of
from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.reconciliation.differences import expecting, formats, scopes
from voucher_service.reconciliation.differences.expected import ExpectedId
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import DayField, NameField
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core, today

expected = Blueprint("expected_file_pages", __name__, url_prefix="/channel-files/expected")
setting = Blueprint("expected_file_setting_pages", __name__, url_prefix="/channel-files/expected")

HOUR = mark("要在 0 到 23 之间。")


class ExpectedForm(Schema):
    """A file to expect of every day."""

    format = fields.String(required=True, validate=one_of(*formats.shelf()))
    uscc = NameField(load_default="", maximum=18)
    shop = NameField(load_default="", maximum=80)
    hour = NumberField(required=True, validate=validate.Range(0, 23, error=HOUR))
    first_day = DayField(required=True)


class EndForm(Schema):
    """The last day of which a file is to come."""

    last_day = DayField(load_default=None)


@expected.get("")
def show_all() -> str:
    """Every expected file, and the form for another."""
    return _all(forms.Form())


@setting.post("")
def expect() -> Any:
    """Expect a file of every day."""
    form = forms.read(ExpectedForm)
    if not form.ok:
        return _all(form), 422
    told = form.values
    try:
        scope = scopes.named(core(), format=told["format"], uscc=told["uscc"], shop=told["shop"])
        expecting.expect(
            core(),
            actor=actor(),
            format=told["format"],
            hour=told["hour"],
            first=told["first_day"],
            merchant=scope.merchant,
            shop=scope.shop,
        )
    except DomainError as error:
        return _all(refuse(form, error)), status_of(error)
    return redirect("/channel-files/expected", 303)


@expected.get("/<uuid:id>")
def show(id: UUID) -> str:
    """One expected file: every day of which it is missing."""
    return _one(id, forms.Form())


@setting.post("/<uuid:id>/end")
def end(id: UUID) -> Any:
    """Expect it no more."""
    form = forms.read(EndForm)
    if not form.ok:
        return _one(id, form), 422
    last = form.values["last_day"]
    try:
        expecting.expect_no_more(core(), actor=actor(), expected=ExpectedId(id), last=last)
    except NoSuchThing:
        raise
    except DomainError as error:
        return _one(id, refuse(form, error)), status_of(error)
    return redirect("/channel-files/expected", 303)


def _all(form: forms.Form) -> str:
    return render_template(
        "admin/expected_files.html",
        standings=expecting.standings(core(), actor=actor()),
        form=form,
        formats={id: formats.title(id, locale()) for id in formats.shelf()},
        title=lambda channel: formats.title(channel, locale()),
        may_set=actor().has(Role.FINANCE),
        first=today(),
    )


def _one(id: UUID, form: forms.Form) -> str:
    found = expecting.standing(core(), actor=actor(), expected=ExpectedId(id))
    return render_template(
        "admin/expected_file.html",
        found=found,
        form=form,
        title=formats.title(found.expected.channel, locale()),
        names=staff.names([found.expected.made_by]),
        may_set=actor().has(Role.FINANCE) and found.expected.last is None,
    )
