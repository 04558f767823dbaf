"""Proposals: the list, one proposal as its second person sees it, and the decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from admin import review, staff
from admin.forms import ReasonForm
from voucher_service.approvals import service
from voucher_service.approvals.model import Approval, Status
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ApprovalId, CampaignId
from voucher_service.pushes import service as pushes
from voucher_service.pushes.model import PushId
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.site import core, now

approvals = Blueprint("approval_pages", __name__, url_prefix="/approvals")
rejecting = Blueprint("rejecting_pages", __name__, url_prefix="/approvals")

PAGE = 50


@approvals.get("")
def show_all() -> str:
    """Proposals of the reader's area by their state."""
    asked = request.args.get("state", "")
    state = Status(asked) if asked in set(Status) else Status.WAITING
    page = service.page(
        core(), actor=actor(), status=state, cursor=request.args.get("cursor"), limit=PAGE
    )
    known = budgets.funders(core())
    return render_template(
        "admin/approvals.html",
        state=state,
        states=list(Status),
        page=page,
        sums={one.id: review.cost_of(one.payload, known) for one in page.items},
        names=staff.names([one.maker_id for one in page.items]),
    )


@approvals.get("/<uuid:approval>")
def show(approval: UUID) -> str:
    """One proposal."""
    return _page(approval, forms.Form())


@approvals.post("/<uuid:approval>/approve")
def approve(approval: UUID) -> Any:
    """Sign it."""
    try:
        service.approve(core(), actor=actor(), approval=ApprovalId(approval))
    except DomainError as error:
        form = forms.Form()
        form.refuse(error)
        return _page(approval, form), status_of(error)
    return _back(approval)


@rejecting.post("/<uuid:approval>/reject")
def reject(approval: UUID) -> Any:
    """Send it back with a reason."""
    form = forms.read(ReasonForm)
    if form.ok:
        try:
            service.reject(core(), actor=actor(), approval=ApprovalId(approval), **form.values)
        except DomainError as error:
            form.refuse(error)
            return _page(approval, form), status_of(error)
        return _back(approval)
    return _page(approval, form), 422


def _page(approval: UUID, form: forms.Form) -> str:
    reader = actor()
    found = service.get(core(), actor=reader, approval=ApprovalId(approval))
    signing = {
        "approval": found,
        "names": staff.names(_people(found)),
        "may_sign": found.may_sign(reader) and reader.has(Role.APPROVER),
        "is_maker": reader.id == found.maker_id,
        "has_signed": any(one.staff_id == reader.id for one in found.signatures),
        "form": form,
    }
    if found.object_type == "push":
        push = pushes.push(core(), actor=reader, push=PushId(found.object_id))
        return render_template("admin/push_approval.html", push=push, **signing)
    campaign, _, _ = campaigns.campaign(core(), actor=reader, campaign=CampaignId(found.object_id))
    plan = review.plan_of(found.payload, budgets.funders(core()))
    waits = found.status is Status.WAITING
    return render_template(
        "admin/approval.html",
        campaign=campaign,
        plan=plan,
        checks=review.checks(plan, now(), campaigns.open_offers(core())) if waits else [],
        **signing,
    )


def _people(found: Approval) -> list[UUID]:
    return [found.maker_id, *(one.staff_id for one in found.signatures)]


def _back(approval: UUID) -> Response:
    return redirect(f"/approvals/{approval}", 303)
