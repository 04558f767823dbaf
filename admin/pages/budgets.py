"""Budgets at the desk: the tree of a programme, where each fen stands, money given and taken back,
caps, and the statement of a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from marshmallow import fields

from admin import places, readings, standing
from admin.api.budget_schemas import STATEMENTS
from admin.api.budgets import lines_of
from admin.forms import refuse
from admin.pages.funds import MOST_MOVES, instant, table_of
from admin.schemas import SLUG, AreaField, one_of
from voucher_service.approvals.model import Approval
from voucher_service.budgets import service
from voucher_service.budgets.model import Action, Budget, BudgetId, Span
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ApprovalId, BudgetLineId, CampaignId
from voucher_service.kernel.money import Money
from voucher_service.ledger.model import Stage
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import CodeField, NameField, YuanField
from voucher_service.web.idempotency import idempotency_key
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

budgets = Blueprint("budget_pages", __name__, url_prefix="/budgets")
planning = Blueprint("budget_planning_pages", __name__, url_prefix="/budgets")

PAGE = 50
Amounts = Mapping[Span, Money | None]


class BudgetForm(Schema):
    """A budget to open: a programme's frame, or a part of a budget."""

    programme = CodeField(required=True, pattern=SLUG)
    parent = fields.UUID(load_default=None)
    name = NameField(required=True, maximum=60)
    area = AreaField(required=True)


class MoneyForm(Schema):
    """Money to give the budget, or to hand back."""

    direction = fields.String(required=True, validate=one_of("give", "back"))
    fund = fields.UUID(required=True)
    amount = YuanField(required=True, minimum=1)


class CapsForm(Schema):
    """The most that may be issued; an empty box is no cap."""

    campaign = YuanField(load_default=None, minimum=1)
    day = YuanField(load_default=None, minimum=1)
    month = YuanField(load_default=None, minimum=1)


@budgets.get("")
def show_all() -> str:
    """The budgets of every programme, and the form that opens one."""
    return _list(forms.Form())


@planning.post("")
def open_budget() -> Any:
    """Open a budget."""
    form = forms.read(BudgetForm)
    if form.ok:
        try:
            made = _open(form.values)
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect(f"/budgets/{made.id}", 303)
    return _list(form), 422


@budgets.get("/<uuid:id>")
def show(id: UUID) -> str:
    """Where the money of a budget and its parts stands, now or at a past instant."""
    return _page(BudgetId(id), forms.Form(), forms.Form())


@planning.post("/<uuid:id>/money")
def move(id: UUID) -> Any:
    """Propose to give the budget money, or to hand it back."""
    form = forms.read(MoneyForm)
    if form.ok:
        command = service.allot if form.values["direction"] == "give" else service.hand_back
        try:
            made = command(
                core(),
                actor=actor(),
                budget=BudgetId(id),
                fund=form.values["fund"],
                amount=form.values["amount"],
                key=idempotency_key(),
            )
        except DomainError as error:
            return _page(BudgetId(id), refuse(form, error), forms.Form()), status_of(error)
        return redirect(f"/approvals/{made.value.approval_id}", 303)
    return _page(BudgetId(id), form, forms.Form()), 422


@planning.post("/<uuid:id>/caps")
def cap(id: UUID) -> Any:
    """Propose what the budget with its parts may issue at most."""
    return _cap(
        lambda amounts: campaigns.cap_budget(
            core(), actor=actor(), budget=BudgetId(id), amounts=amounts
        ),
        lambda form: _page(BudgetId(id), forms.Form(), form),
    )


@budgets.get("/campaigns/<uuid:id>")
def show_campaign(id: UUID) -> str:
    """Where the money of a campaign stands, now or at a past instant, and its caps."""
    return _campaign_page(CampaignId(id), forms.Form())


@planning.post("/campaigns/<uuid:id>/caps")
def cap_campaign(id: UUID) -> Any:
    """Propose what one campaign may issue at most."""
    return _cap(
        lambda amounts: campaigns.cap_campaign(
            core(), actor=actor(), campaign=CampaignId(id), amounts=amounts
        ),
        lambda form: _campaign_page(CampaignId(id), form),
    )


@budgets.get("/lines/<uuid:id>")
def statement(id: UUID) -> str:
    """What moved on one account of a line."""
    asked = request.args.get("stage", "")
    stage = Stage(asked) if asked in STATEMENTS else Stage.AVAILABLE
    page = lines_of(BudgetLineId(id), stage, None, request.args.get("cursor"), PAGE)
    with core().transaction() as session:
        line = service.line_of(session, line=BudgetLineId(id))
    campaign, _, _ = campaigns.campaign(
        core(), actor=actor(), campaign=CampaignId(line.campaign_id)
    )
    return render_template(
        "admin/statement.html",
        line=line,
        campaign=campaign,
        spot=service.line_standing(core(), line=line.id),
        stage=stage,
        stages=STATEMENTS,
        page=page,
    )


def _cap(propose: Callable[[Amounts], ApprovalId], page: Callable[[forms.Form], str]) -> Any:
    form = forms.read(CapsForm)
    if not form.ok:
        return page(form), 422
    try:
        approval = propose({span: form.values[str(span)] for span in Span})
    except DomainError as error:
        return page(refuse(form, error)), status_of(error)
    return redirect(f"/approvals/{approval}", 303)


def _campaign_page(id: CampaignId, caps: forms.Form) -> str:
    campaign, _, _ = campaigns.campaign(core(), actor=actor(), campaign=id)
    asked, at = instant()
    found = service.campaign_standing(core(), campaign=id, at=at)
    return render_template(
        "admin/campaign_money.html",
        campaign=campaign,
        asked=asked,
        at=at,
        table=table_of(found),
        caps=campaigns.campaign_caps(core(), actor=actor(), campaign=id),
        caps_at=f"/budgets/campaigns/{id}/caps",
        spans=list(Span),
        caps_form=caps,
    )


def _list(form: forms.Form) -> str:
    found = service.budgets(core(), actor=actor())
    programmes = campaigns.programmes(core())
    groups = [(one, [each for each in found if each.programme_id == one.id]) for one in programmes]
    low = core().settings.budgets.low_bps
    sums = service.budgets_standing(core(), actor=actor(), budgets=[one.id for one in found])
    return render_template(
        "admin/budgets.html",
        groups=[(programme, members) for programme, members in groups if members],
        sums=sums,
        bars={id: standing.bar(total) for id, total in sums.items()},
        low={id for id, total in sums.items() if standing.is_low(total, low)},
        form=form,
        programmes=[one for one in programmes if not one.synthetic],
        parents=found,
        areas=places.choices(actor()),
    )


def _page(id: BudgetId, form: forms.Form, caps: forms.Form) -> str:
    budget = service.budget(core(), actor=actor(), budget=id)
    asked, at = instant()
    found = service.budget_standing(core(), actor=actor(), budget=id, at=at)
    everything = service.budgets(core(), actor=actor())
    return render_template(
        "admin/budget.html",
        budget=budget,
        programme=next(
            one for one in campaigns.programmes(core()) if one.id == budget.programme_id
        ),
        parts=[one for one in everything if one.parent_id == id],
        asked=asked,
        at=at,
        table=table_of(found),
        is_low=standing.is_low(found.total, core().settings.budgets.low_bps),
        allotments=service.allotments(core(), actor=actor(), budget=id),
        funds=service.sources(core(), actor=actor(), budget=id),
        moves=service.moves(core(), actor=actor(), budget=id)[:MOST_MOVES],
        caps=campaigns.budget_caps(core(), actor=actor(), budget=id),
        caps_at=f"/budgets/{id}/caps",
        spans=list(Span),
        form=form,
        caps_form=caps,
    )


def _open(values: Mapping[str, Any]) -> Budget:
    with core().transaction() as session:
        programme = campaigns.programme(session, slug=values["programme"])
    return service.create_budget(
        core(),
        actor=actor(),
        programme=programme.id,
        name=values["name"],
        area=values["area"],
        parent=values["parent"] and BudgetId(values["parent"]),
    )


def _move_reading(approval: Approval) -> Mapping[str, Any]:
    """A movement as its second person reads it: from where to where."""
    payload = approval.payload
    action = Action(payload["action"])
    names = {one.code: one.name for one in service.funders(core())}
    funder = names.get(payload["funder"], payload["funder"])
    return {"payload": payload, "action": action, "funder": funder, "title": approval.title}


def _caps_reading(approval: Approval) -> Mapping[str, Any]:
    """Caps as their second person reads them: what stands, and what would."""
    caps = approval.payload["caps"]
    with core().transaction() as session:
        if approval.object_type == "budget":
            stands = service.caps(session, budget=BudgetId(approval.object_id))
        else:
            stands = service.caps(session, campaign=CampaignId(approval.object_id))
    return {
        "spans": [one for one in Span if f"{one}_fen" in caps],
        "wanted": {span: Money(caps.get(f"{span}_fen") or 0) for span in Span},
        "stands": {one.span: one.amount for one in stands},
        "whole": approval.object_type == "budget",
    }


readings.register("budget_move", template="admin/reading_move.html", load=_move_reading)
readings.register("budget", template="admin/reading_caps.html", load=_caps_reading)
readings.register("campaign_cap", template="admin/reading_caps.html", load=_caps_reading)
