"""Funds at the desk: what funders appropriated, where it stands, and what becomes of the rest."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from marshmallow import fields, validate

from admin import standing
from admin.forms import MomentField, NumberField, refuse
from admin.schemas import one_of
from voucher_service.budgets import service
from voucher_service.budgets.model import Action, FundId
from voucher_service.campaigns import service as campaigns
from voucher_service.i18n import mark
from voucher_service.infra import areas
from voucher_service.kernel.errors import DomainError
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import CodeField, NameField, YuanField
from voucher_service.web.idempotency import idempotency_key
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core, today

funds = Blueprint("fund_pages", __name__, url_prefix="/funds")
planning = Blueprint("fund_planning_pages", __name__, url_prefix="/funds")

MOST_MOVES = 20
_YEARS = validate.Range(2000, 2100, error=mark("年度要在 2000 到 2100 之间。"))


class FundForm(Schema):
    """Money to book."""

    funder = CodeField(required=True, maximum=64)
    year = NumberField(required=True, validate=_YEARS)
    purpose_code = CodeField(load_default="", maximum=64)
    document = NameField(required=True, maximum=60)
    amount = YuanField(required=True, minimum=1)


class MoveForm(Schema):
    """Money to return or to carry over."""

    action = fields.String(required=True, validate=one_of(Action.RETURN, Action.CARRY_OVER))
    amount = YuanField(required=True, minimum=1)


class AtForm(Schema):
    """At which instant; an empty box is now."""

    at = MomentField(load_default=None)


@funds.get("")
def show_all() -> str:
    """Every fund of the reader's area, and the form that books one."""
    return _list(forms.Form())


@funds.get("/<uuid:id>")
def show(id: UUID) -> str:
    """Where the money of one fund stands, now or at a past instant."""
    return _page(id, forms.Form())


@planning.post("")
def appropriate() -> Any:
    """Propose to book what a funder appropriated."""
    form = forms.read(FundForm)
    if form.ok:
        try:
            made = service.appropriate(core(), actor=actor(), key=idempotency_key(), **form.values)
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect(f"/approvals/{made.value.approval_id}", 303)
    return _list(form), 422


@planning.post("/<uuid:id>/rest")
def move(id: UUID) -> Any:
    """Propose to return money, or to carry it into the next year."""
    form = forms.read(MoveForm)
    if form.ok:
        back = form.values["action"] == Action.RETURN
        command = service.return_to_treasury if back else service.carry_over
        try:
            made = command(
                core(),
                actor=actor(),
                fund=FundId(id),
                amount=form.values["amount"],
                key=idempotency_key(),
            )
        except DomainError as error:
            return _page(id, refuse(form, error)), status_of(error)
        return redirect(f"/approvals/{made.value.approval_id}", 303)
    return _page(id, form), 422


def _list(form: forms.Form) -> str:
    mine = actor()
    return render_template(
        "admin/funds.html",
        form=form,
        funds=service.funds(core(), actor=mine),
        sums=service.funds_standing(core(), actor=mine),
        funders=[one for one in service.funders(core()) if areas.within(one.area, mine.area)],
        year=today().year,
    )


def _page(id: UUID, form: forms.Form) -> str:
    fund = service.fund(core(), actor=actor(), fund=FundId(id))
    asked, at = instant()
    found = service.fund_standing(core(), actor=actor(), fund=fund.id, at=at)
    return render_template(
        "admin/fund.html",
        fund=fund,
        form=form,
        asked=asked,
        at=at,
        table=table_of(found),
        moves=service.moves(core(), actor=actor(), fund=fund.id)[:MOST_MOVES],
        actions=(Action.RETURN, Action.CARRY_OVER),
    )


def instant() -> tuple[forms.Form, Any]:
    """The instant that the page's address asks for, and its form; None is now."""
    form = forms.Form(typed={"at": request.args.get("at", "")})
    if form.typed["at"]:
        loaded = AtForm().validate({"at": form.typed["at"]})
        if loaded:
            form.errors["at"] = loaded["at"][0]
            return form, None
        return form, AtForm().load({"at": form.typed["at"]})["at"]
    return form, None


def table_of(found: service.Standing) -> standing.Table:
    """A standing with the names that the reader may know."""
    mine = campaigns.campaigns(core(), actor=actor())
    names: dict[UUID, str] = {one.id: one.name for one in mine}
    return standing.table(found, service.budgets(core(), actor=actor()), names)
