"""Differences that buyers give back before their units are refunded: looked up, then recorded."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from marshmallow import fields

from admin import readings
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import RedemptionId
from voucher_service.tradein.revisions import service
from voucher_service.tradein.revisions.model import Line, RevisionId
from voucher_service.tradein.revisions.service.returning import OBJECT
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import TextField, YuanField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

returns = Blueprint("return_pages", __name__, url_prefix="/policies/returns")
returning = Blueprint("returning_pages", __name__, url_prefix="/policies/returns")

readings.register(
    OBJECT,
    template="admin/reading_plain.html",
    load=lambda approval: {"facts": list(readings.facts(approval.payload))},
)


class FindForm(Schema):
    """The redemption that a till would refund."""

    sale = fields.UUID(required=True)


class ReturnForm(Schema):
    """What came back, and the bank's reference."""

    amount = YuanField(required=True, minimum=1)
    reference = TextField(required=True, maximum=64)


@returns.get("")
def show() -> str | tuple[str, int]:
    """Look a unit's differences up by its redemption."""
    if "sale" not in request.args:
        return _page(None, forms.Form())
    form = forms.read(FindForm, sent=request.args)
    if not form.ok:
        return _page(None, form), 422
    return _page(form.values["sale"], forms.Form())


@returning.post("/<uuid:revision>/<uuid:sale>")
def give_back(revision: UUID, sale: UUID) -> Any:
    """Say that a difference came back; another person agrees."""
    form = forms.read(ReturnForm)
    if not form.ok:
        return _page(sale, form), 422
    try:
        proposal = service.propose_return(
            core(),
            actor=actor(),
            revision=RevisionId(revision),
            sale=RedemptionId(sale),
            amount=form.values["amount"],
            reference=form.values["reference"],
        )
    except NoSuchThing:
        raise
    except DomainError as error:
        form.refuse(error)
        return _page(sale, form), status_of(error)
    return redirect(f"/approvals/{proposal}", 303)


def _page(sale: UUID | None, form: forms.Form) -> str:
    return render_template("admin/returns.html", sale=sale, found=_found(sale), form=form)


def _found(sale: UUID | None) -> list[Line]:
    if sale is None:
        return []
    try:
        return service.differences_of(core(), actor=actor(), sale=RedemptionId(sale))
    except NoSuchThing:
        return []
