"""What merchants, banks and platforms promised a programme: the list, and the form for another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request
from marshmallow import fields

from admin import readings, staff
from admin.forms import refuse
from admin.pages.home import chosen_of
from admin.schemas import SLUG, one_of
from voucher_service.approvals.model import Approval
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.errors import InvalidInput
from voucher_service.kernel.money import Money
from voucher_service.pledges import service
from voucher_service.pledges.model import LIFECYCLE, PUBLIC
from voucher_service.redemption.model import Payer
from voucher_service.reports.trade_in import PAYERS
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import CodeField, DayField, NameField, YuanField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

pledges = Blueprint("pledge_pages", __name__, url_prefix="/reports/pledges")
entering = Blueprint("pledge_entering_pages", __name__, url_prefix="/reports/pledges")

PAGE = 50


class PledgeForm(Schema):
    """Who promised how much, when and where it is written."""

    programme = CodeField(required=True, pattern=SLUG)
    payer = fields.String(required=True, validate=one_of(*Payer))
    name = NameField(required=True, maximum=60)
    amount = YuanField(required=True)
    pledged_on = DayField(required=True)
    document = NameField(required=True, maximum=100)


@pledges.get("")
def show() -> Any:
    """What was promised a programme, and the form."""
    return _page(forms.Form())


@entering.post("")
def enter() -> Any:
    """Ask a second person to enter a pledge."""
    form = forms.read(PledgeForm)
    if not form.ok:
        return _page(form), 422
    told = dict(form.values)
    payer = Payer(told.pop("payer"))
    try:
        made = service.propose(core(), actor=actor(), payer=payer, **told)
    except InvalidInput as error:
        return _page(refuse(form, error)), status_of(error)
    return redirect(f"/approvals/{made}", 303)


def _page(form: forms.Form) -> str:
    known, who = campaigns.programmes(core()), actor()
    asked = request.form.get("programme")
    chosen = next((one for one in known if one.slug == asked), None) or chosen_of(known)
    if chosen is None:
        return render_template("admin/leverage_none.html")
    page = service.pledges(
        core(), actor=who, programme=chosen.slug, cursor=request.args.get("cursor"), limit=PAGE
    )
    return render_template(
        "admin/pledges.html",
        programmes=known,
        programme=chosen,
        page=page,
        form=form,
        states=PUBLIC,
        payers=[one for one in PAYERS if one in set(Payer)],
        names=staff.names([one.proposed_by for one in page.items]),
        may_enter=who.has(*service.MAY_ENTER) and not who.area,
    )


def _reading(approval: Approval) -> Mapping[str, Any]:
    """A pledge, as the second person reads it."""
    told = approval.payload
    return {
        "told": told,
        "amount": Money(told["amount_fen"]),
        "pledged_on": date.fromisoformat(told["pledged_on"]),
    }


readings.register(LIFECYCLE.name, template="admin/reading_pledge.html", load=_reading)
