"""A campaign: its draft with offers and money, then what runs, and the buttons that move it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from admin import car_pools, places, pools, review
from admin.forms import LineForm, PauseForm, refuse
from admin.offer_form import LISTS, OfferForm
from admin.planning import offer_plan
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval, Status
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service
from voucher_service.campaigns.canary import Canary
from voucher_service.campaigns.model import (
    Campaign,
    CampaignKind,
    CampaignStatus,
    GoodsClass,
    Offer,
    OfferKind,
    PartialRefund,
    RefundRule,
)
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import CampaignId
from voucher_service.merchants.model import Trade
from voucher_service.reports import board
from voucher_service.reports.board import OfferNow
from voucher_service.stops import service as stops
from voucher_service.stops.model import EVERYTHING, Stop
from voucher_service.tradein import service as tradein
from voucher_service.tradein.applications import service as applications
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.idempotency import idempotency_key
from voucher_service.web.site import core, now

campaigns = Blueprint("campaign_pages", __name__, url_prefix="/campaigns/<uuid:campaign>")
planning = Blueprint("planning_pages", __name__, url_prefix="/campaigns/<uuid:campaign>")
running = Blueprint("running_pages", __name__, url_prefix="/campaigns/<uuid:campaign>")

ROWS = 3


@campaigns.get("")
def show(campaign: UUID) -> str:
    """The campaign."""
    return _page(campaign, forms.Form())


@planning.get("/offers/new")
def ask_offer(campaign: UUID) -> str:
    """The form of an offer."""
    return _offer_form(campaign, forms.Form())


@planning.post("/offers/new")
def add_offer(campaign: UUID) -> Any:
    """Add an offer to the draft, or give the form more rows for releases."""
    form = forms.read(OfferForm, lists=LISTS)
    if "more" in request.form:
        form.errors.clear()
        return _offer_form(campaign, form)
    if form.ok:
        try:
            service.create_offer(
                core(),
                actor=actor(),
                campaign=CampaignId(campaign),
                plan=offer_plan(form.values, core().settings.canary),
                key=idempotency_key(),
            )
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect(f"/campaigns/{campaign}", 303)
    return _offer_form(campaign, form), 422


@planning.post("/lines")
def add_line(campaign: UUID) -> Any:
    """Add a funder's money to the draft."""
    form = forms.read(LineForm)
    if form.ok:
        values = form.values
        try:
            service.add_budget_line(
                core(),
                actor=actor(),
                campaign=CampaignId(campaign),
                funder=values["funder"],
                amount=values["amount"],
                share_bps=values["share"],
                purpose_code=values["purpose_code"],
                fallback=values["fallback"],
                shop_area=values["shop_area"],
                key=idempotency_key(),
            )
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect(f"/campaigns/{campaign}", 303)
    return _page(campaign, form), 422


@planning.post("/submit")
def submit(campaign: UUID) -> Any:
    """Freeze the plan and go to the proposal."""
    try:
        proposal = service.submit(core(), actor=actor(), campaign=CampaignId(campaign))
    except DomainError as error:
        return _page(campaign, refuse(forms.Form(), error)), status_of(error)
    return redirect(f"/approvals/{proposal}", 303)


@running.post("/pause")
def pause(campaign: UUID) -> Any:
    """Stop claims at once."""
    form = forms.read(PauseForm)
    if not form.ok:
        return _page(campaign, form), 422
    service.pause(core(), actor=actor(), campaign=CampaignId(campaign), **form.values)
    return redirect(f"/campaigns/{campaign}", 303)


@running.post("/resume")
def resume(campaign: UUID) -> Response:
    """Propose to go on."""
    proposal = service.resume(core(), actor=actor(), campaign=CampaignId(campaign))
    return redirect(f"/approvals/{proposal}", 303)


@running.post("/close")
def close(campaign: UUID) -> Response:
    """Propose to end it."""
    proposal = service.close(core(), actor=actor(), campaign=CampaignId(campaign))
    return redirect(f"/approvals/{proposal}", 303)


def _page(campaign: UUID, form: forms.Form) -> str:
    id = CampaignId(campaign)
    found, offers, lines = service.campaign(core(), actor=actor(), campaign=id)
    plan = review.draft_of(found, offers, lines)
    draft = found.status is CampaignStatus.DRAFT
    trade_in = found.kind is CampaignKind.TRADE_IN
    pooled = pools.views_of(plan) if trade_in else []
    cars = car_pools.views_of(plan) if trade_in else []
    return render_template(
        "admin/campaign.html",
        campaign=found,
        plan=plan,
        pools=pooled,
        cars=cars,
        rest=car_pools.beside(pools.beside(plan, pooled), cars),
        car_standings=applications.pool_standings(core(), actor=actor(), campaign=id)
        if cars and not draft
        else [],
        standings=tradein.standings(core(), actor=actor(), campaign=id)
        if pooled and not draft
        else [],
        checks=review.checks(plan, now(), service.open_offers(core())) if draft else [],
        ready=review.ready,
        foreseen=service.simulation(core(), actor=actor(), campaign=id)
        if draft and offers
        else None,
        form=form,
        funders=budgets.funders(core()) if draft else [],
        lines=lines,
        shop_areas=[pair for pair in places.below(found.area) if pair[0] != found.area],
        runs=[] if draft else _runs(found),
        waiting=_proposal(campaign, Status.WAITING),
        sent_back=_sent_back(campaign) if draft else None,
        stopped=_stopped(found),
        canaries=_canaries(id, offers),
    )


def _proposal(campaign: UUID, status: Status) -> Approval | None:
    return approvals.latest(core(), actor=actor(), about=campaign, status=status)


def _stopped(found: Campaign) -> list[Stop]:
    """What is stopped of the campaign, by itself or with more than it."""
    with core().transaction() as session:
        return stops.about(session, subjects=[found.id, found.programme.id, EVERYTHING])


def _canaries(campaign: CampaignId, offers: Sequence[Offer]) -> list[tuple[Canary, str]]:
    """The campaign's canaries, each with the title of its offer."""
    titles = {one.id: one.title for one in offers}
    found = service.canaries(core(), actor=actor(), campaign=campaign)
    return [(one, titles[one.offer_id]) for one in found]


def _sent_back(campaign: UUID) -> Approval | None:
    """The last proposal that came to nothing: sent back, withdrawn or lapsed."""
    ends = (Status.REJECTED, Status.WITHDRAWN, Status.LAPSED)
    found = [one for one in (_proposal(campaign, end) for end in ends) if one is not None]
    return max(found, key=lambda one: one.proposed_at, default=None)


def _runs(found: Campaign) -> list[OfferNow]:
    everything = board.board(core(), programme=found.programme.slug).offers
    return [one for one in everything if one.offer.campaign_id == found.id]


def _offer_form(campaign: UUID, form: forms.Form) -> str:
    found, _, _ = service.campaign(core(), actor=actor(), campaign=CampaignId(campaign))
    openings, quotas = form.typed.get("opening", []), form.typed.get("quota", [])
    rows = list(zip(openings, quotas, strict=False))
    blank = ROWS if "more" in form.typed or not rows else 0
    return render_template(
        "admin/offer_new.html",
        campaign=found,
        form=form,
        rows=rows + [("", "")] * blank,
        areas=[pair for pair in places.below(found.area) if pair[0] != found.area],
        trades=list(Trade),
        offer_kinds=list(OfferKind),
        goods_classes=list(GoodsClass),
        refund_rules=list(RefundRule),
        partial_refunds=list(PartialRefund),
    )
