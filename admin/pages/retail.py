"""Retail sales that were published: finance enters them, the report compares with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Blueprint, redirect, render_template, request
from marshmallow import fields, validate

from admin import staff
from admin.forms import refuse
from admin.pages.home import chosen_of
from admin.schemas import SLUG
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.errors import InvalidInput
from voucher_service.kernel.money import Money
from voucher_service.reports import retail as service
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.fields import CodeField, DayField, NameField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

retail = Blueprint("retail_pages", __name__, url_prefix="/reports/retail-sales")
entering = Blueprint("retail_entering_pages", __name__, url_prefix="/reports/retail-sales")

_SHOWN = 20


class RetailForm(Schema):
    """What statisticians published: sales in 亿元, growth in percent."""

    programme = CodeField(required=True, pattern=SLUG)
    first = DayField(required=True)
    last = DayField(required=True)
    sales = fields.Decimal(required=True, places=4, validate=validate.Range(0, 100_000))
    growth = fields.Decimal(required=True, places=2, validate=validate.Range(-99, 999))
    source = NameField(required=True, maximum=100)
    published_on = DayField(required=True)


@retail.get("")
def show() -> Any:
    """What was entered for a programme, and the form."""
    return _page(forms.Form())


@entering.post("")
def enter() -> Any:
    """Enter a published figure."""
    form = forms.read(RetailForm)
    if not form.ok:
        return _page(form), 422
    typed = dict(form.values)
    growth: Decimal = typed.pop("growth")
    sales: Decimal = typed.pop("sales")
    try:
        service.enter(
            core(),
            actor=actor(),
            sales=Money(int(sales * service.FEN_OF_YI)),
            growth_bps=int(growth * 100),
            **typed,
        )
    except InvalidInput as error:
        refuse(form, error)
        return _page(form), 422
    return redirect(f"/reports/retail-sales?programme={typed['programme']}", 303)


def _page(form: forms.Form) -> str:
    known = campaigns.programmes(core())
    asked = request.form.get("programme")
    chosen = next((one for one in known if one.slug == asked), None) or chosen_of(known)
    if chosen is None:
        return render_template("admin/leverage_none.html")
    found = service.entered(core(), programme=chosen.slug, limit=_SHOWN)
    if not form.typed:
        form.typed = {"first": chosen.opens_on, "last": chosen.closes_on}
    return render_template(
        "admin/retail.html",
        programmes=known,
        programme=chosen,
        entered=found,
        form=form,
        names=staff.names([one.entered_by for one in found]),
        may_enter=actor().has(service.MAY_ENTER) and not actor().area,
    )
