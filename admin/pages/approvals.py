"""Proposals: the list, one proposal as its second person sees it, and the decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from admin import car_pools, pools, readings, review, staff, words
from admin.api.keys import optional_key
from admin.forms import ReasonForm
from voucher_service.approvals import service
from voucher_service.approvals.model import Approval, Status
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ApprovalId, CampaignId
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.site import core, now

approvals = Blueprint("approval_pages", __name__, url_prefix="/approvals")
rejecting = Blueprint("rejecting_pages", __name__, url_prefix="/approvals")

PAGE = 50


@approvals.get("")
def show_all() -> str:
    """What waits for the reader, and the proposals of the reader's area by their state."""
    asked = request.args.get("state", "")
    state = Status(asked) if asked in set(Status) else Status.WAITING
    page = service.page(
        core(), actor=actor(), status=state, cursor=request.args.get("cursor"), limit=PAGE
    )
    signer = state is Status.WAITING and actor().has(Role.APPROVER)
    return render_template(
        "admin/approvals.html",
        state=state,
        states=list(Status),
        page=page,
        mine=staff.waiting() if signer else None,
        names=staff.names([person for one in page.items for person in _people(one)]),
    )


@approvals.get("/<uuid:approval>")
def show(approval: UUID) -> str:
    """One proposal."""
    return _page(approval, forms.Form())


@approvals.post("/<uuid:approval>/approve")
def approve(approval: UUID) -> Any:
    """Sign it."""
    try:
        service.approve(core(), actor=actor(), approval=ApprovalId(approval), key=optional_key())
    except DomainError as error:
        form = forms.Form()
        form.refuse(error)
        return _page(approval, form), status_of(error)
    return _back(approval)


@rejecting.post("/<uuid:approval>/reject")
def reject(approval: UUID) -> Any:
    """Send it back with a reason; its maker withdraws it so."""
    form = forms.read(ReasonForm)
    if not form.ok:
        return _page(approval, form), 422
    try:
        service.reject(
            core(),
            actor=actor(),
            approval=ApprovalId(approval),
            key=optional_key(),
            **form.values,
        )
    except DomainError as error:
        form.refuse(error)
        return _page(approval, form), status_of(error)
    return _back(approval)


def _page(approval: UUID, form: forms.Form) -> str:
    reader = actor()
    found = service.get(core(), actor=reader, approval=ApprovalId(approval))
    template, facts = readings.reading(found)
    return render_template(
        "admin/approval.html",
        approval=found,
        names=staff.names(_people(found)),
        form=form,
        reading=template,
        **_standing(found, reader),
        **{"trail": [], **facts},
    )


def _standing(found: Approval, reader: Actor) -> dict[str, bool]:
    """What the reader has to do with it."""
    return {
        "may_sign": found.may_sign(reader) and reader.has(Role.APPROVER),
        "is_maker": reader.id == found.maker_id,
        "is_author": reader.id in found.authors,
        "has_signed": any(one.staff_id == reader.id for one in found.signatures),
    }


def _people(found: Approval) -> list[UUID]:
    return [found.maker_id, *(one.staff_id for one in found.signatures)]


def _back(approval: UUID) -> Response:
    return redirect(f"/approvals/{approval}", 303)


def _campaign(found: Approval) -> Mapping[str, Any]:
    """A campaign reads as its frozen plan; what waits is checked against what runs beside it."""
    campaign, _, _ = campaigns.campaign(core(), actor=actor(), campaign=CampaignId(found.object_id))
    plan = review.plan_of(found.payload, budgets.funders(core()))
    pooled = pools.views(plan, found.payload.get("qualification_pools", ()))
    cars = car_pools.views(plan, found.payload.get("application_pools", ()))
    waits = found.status is Status.WAITING
    return {
        "campaign": campaign,
        "plan": plan,
        "pools": pooled,
        "cars": cars,
        "rest": car_pools.beside(pools.beside(plan, pooled), cars),
        "checks": review.checks(plan, now(), campaigns.open_offers(core())) if waits else [],
        "trail": [
            (None, words.programme_name(campaign.programme)),
            (f"/campaigns/{campaign.id}", campaign.name),
        ],
    }


readings.register("campaign", template="admin/reading_campaign.html", load=_campaign)
