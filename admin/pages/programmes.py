"""Programmes, their campaigns, and funders: lists, and the forms that begin them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request

from admin import places
from admin.forms import CampaignForm, FunderForm, ProgrammeForm, refuse
from admin.schemas import BRANDS
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Level
from voucher_service.campaigns import service
from voucher_service.kernel.errors import DomainError
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import idempotency_key
from voucher_service.web.site import core

programmes = Blueprint("programme_pages", __name__)
announcing = Blueprint("announcing_pages", __name__)


@programmes.get("/campaigns")
def show() -> str:
    """Every programme with its campaigns of the reader's area."""
    wanted = request.args.get("programme")
    found = [one for one in service.programmes(core()) if wanted in (None, one.slug)]
    mine = service.campaigns(core(), actor=actor())
    groups = [(one, [each for each in mine if each.programme.id == one.id]) for one in found]
    return render_template("admin/campaigns.html", groups=groups)


@programmes.get("/funders")
def funders() -> str:
    """Who pays."""
    return _funders(forms.Form())


@announcing.post("/funders")
def enter_funder() -> Any:
    """Enter a funder."""
    form = forms.read(FunderForm)
    if not form.ok:
        return _funders(form), 422
    level = Level(form.values.pop("level"))
    budgets.create_funder(core(), actor=actor(), level=level, **form.values)
    return redirect("/funders", 303)


@announcing.get("/programmes/new")
def ask_programme() -> str:
    """The form of a programme."""
    return render_template("admin/programme_new.html", form=forms.Form(), brands=BRANDS)


@announcing.post("/programmes/new")
def announce() -> Any:
    """Announce a programme."""
    form = forms.read(ProgrammeForm)
    if form.ok:
        try:
            made = service.create_programme(core(), actor=actor(), **form.values)
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect(f"/campaigns/new?programme={made.slug}", 303)
    return render_template("admin/programme_new.html", form=form, brands=BRANDS), 422


@announcing.get("/campaigns/new")
def ask_campaign() -> str:
    """The form of a campaign."""
    return _campaign_form(forms.Form(typed={"programme": request.args.get("programme", "")}))


@announcing.post("/campaigns/new")
def begin() -> Any:
    """Begin a campaign as a draft."""
    form = forms.read(CampaignForm)
    if form.ok:
        try:
            made = service.create_campaign(
                core(), actor=actor(), key=idempotency_key(), **form.values
            )
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect(f"/campaigns/{made.value.id}", 303)
    return _campaign_form(form), 422


def _campaign_form(form: forms.Form) -> str:
    return render_template(
        "admin/campaign_new.html",
        form=form,
        programmes=service.programmes(core()),
        areas=places.choices(actor()),
        budgets=budgets.budgets(core(), actor=actor()),
    )


def _funders(form: forms.Form) -> str:
    found = budgets.funders(core())
    choices = places.choices(actor())
    return render_template(
        "admin/funders.html", form=form, funders=found, areas=choices, levels=list(Level)
    )
