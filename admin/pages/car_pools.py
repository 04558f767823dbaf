"""The form that adds a pool of places for applications to the draft of a trade-in campaign."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template

from admin.car_pools import CarPoolForm, choices, planned
from admin.forms import refuse
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import CampaignId
from voucher_service.tradein.applications import service
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import idempotency_key
from voucher_service.web.language import locale
from voucher_service.web.site import core

planning = Blueprint(
    "car_pool_pages", __name__, url_prefix="/campaigns/<uuid:campaign>/application-pools"
)


@planning.get("/new")
def ask(campaign: UUID) -> str:
    """The form of a pool."""
    return _page(campaign, forms.Form())


@planning.post("/new")
def add(campaign: UUID) -> Any:
    """Add a pool to the draft."""
    form = forms.read(CarPoolForm)
    if form.ok:
        try:
            service.create_pool(
                core(),
                actor=actor(),
                campaign=CampaignId(campaign),
                plan=planned(form.values),
                key=idempotency_key(),
            )
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect(f"/campaigns/{campaign}", 303)
    return _page(campaign, form), 422


def _page(campaign: UUID, form: forms.Form) -> str:
    found, _, _ = campaigns.campaign(core(), actor=actor(), campaign=CampaignId(campaign))
    policies = service.pool_policies(first=found.opens_on, last=found.closes_on)
    return render_template(
        "admin/car_pool_new.html",
        campaign=found,
        form=form,
        policies=[(one.id, one.name.spelt(locale()), one.most()) for one in policies],
        every=choices(),
    )
