"""Merchants: who takes vouchers, where their money goes, and what holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from admin import readings, staff
from voucher_service.approvals.model import Approval
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError, NoSuchThing, NotAllowed
from voucher_service.kernel.ids import MerchantId
from voucher_service.merchants.accounts import AccountId, HoldId
from voucher_service.merchants.service import banking, holding, listing
from voucher_service.stops import service as stops
from voucher_service.stops.model import Scope, What
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import TextField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core, now

merchants = Blueprint("merchant_pages", __name__, url_prefix="/merchants")
suspending = Blueprint("suspending_pages", __name__, url_prefix="/merchants")
holding_back = Blueprint("holding_pages", __name__, url_prefix="/merchants")

PAGE = 50


class WhyForm(Schema):
    """A reason that is kept on record."""

    reason = TextField(required=True, minimum=2, maximum=200)


@merchants.get("")
def show_all() -> str:
    """Merchants of the reader's area by name; `?q=` a part of it, or the credit code."""
    text = request.args.get("q", "")[:80]
    page = listing.merchants(
        core(), actor=actor(), text=text, cursor=request.args.get("cursor"), limit=PAGE
    )
    return render_template("admin/merchants.html", page=page, text=text)


@merchants.get("/<uuid:merchant>")
def show(merchant: UUID) -> str:
    """One merchant."""
    return _page(merchant, forms.Form())


@suspending.post("/<uuid:merchant>/suspend")
def suspend(merchant: UUID) -> Any:
    """Stop its shops from taking vouchers, and its payments with them, at once."""
    form = forms.read(WhyForm)
    if not form.ok:
        return _page(merchant, form), 422
    try:
        campaigns.stop(
            core(),
            actor=actor(),
            scope=Scope.MERCHANT,
            subject=merchant,
            what=[What.REDEMPTIONS],
            reason=form.values["reason"],
        )
    except DomainError as error:
        return _refused(merchant, form, error)
    return _back(merchant)


@suspending.post("/<uuid:merchant>/reinstate")
def reinstate(merchant: UUID) -> Response:
    """Ask a second person to let it go on; for staff of the whole city, as to suspend."""
    if actor().area:
        raise NotAllowed
    with core().transaction() as session:
        found = stops.about(session, subjects=[merchant], what=What.REDEMPTIONS)
    if not found:
        raise NoSuchThing
    proposal = campaigns.ask_to_lift(core(), actor=actor(), stop=found[0].id)
    return redirect(f"/approvals/{proposal}", 303)


@suspending.post("/accounts/<uuid:account>/propose")
def propose_account(account: UUID) -> Response:
    """The merchant was called back: ask a second person to approve its new account."""
    form = forms.read(WhyForm)
    note = form.values["reason"] if form.ok else ""
    proposal = banking.propose_change(core(), actor=actor(), account=AccountId(account), note=note)
    return redirect(f"/approvals/{proposal}", 303)


@suspending.post("/accounts/<uuid:account>/refuse")
def refuse_account(account: UUID) -> Response:
    """Refuse a new account."""
    form = forms.read(WhyForm)
    note = form.values["reason"] if form.ok else ""
    merchant = banking.refuse_change(core(), actor=actor(), account=AccountId(account), note=note)
    return _back(merchant)


@suspending.post("/accounts/<uuid:account>/stop")
def stop_account(account: UUID) -> Response:
    """Call a new account off while it cools."""
    form = forms.read(WhyForm)
    note = form.values["reason"] if form.ok else ""
    merchant = banking.stop_change(core(), actor=actor(), account=AccountId(account), note=note)
    return _back(merchant)


@holding_back.post("/<uuid:merchant>/holds")
def hold(merchant: UUID) -> Any:
    """Hold its payments while its shops go on."""
    form = forms.read(WhyForm)
    if not form.ok:
        return _page(merchant, form), 422
    try:
        holding.hold_payments(
            core(),
            actor=actor(),
            merchant=MerchantId(merchant),
            reason=form.values["reason"],
        )
    except DomainError as error:
        return _refused(merchant, form, error)
    return _back(merchant)


@holding_back.post("/holds/<uuid:hold>/lift")
def lift(hold: UUID) -> Response:
    """Ask a second person to let the payments go on."""
    proposal = holding.ask_to_lift(core(), actor=actor(), hold=HoldId(hold))
    return redirect(f"/approvals/{proposal}", 303)


def _page(merchant: UUID, form: forms.Form) -> str:
    reader = actor()
    found = listing.merchant_file(core(), actor=reader, merchant=MerchantId(merchant))
    people = {one.placed_by for one in found.holds} | {one.checked_by for one in found.accounts}
    whole = not reader.area
    return render_template(
        "admin/merchant.html",
        found=found,
        form=form,
        at=now(),
        in_force=banking.in_force(found.accounts, now()),
        names=staff.names([one for one in people if one is not None]),
        may_review=whole and reader.has(Role.REVIEWER),
        may_hold=whole and reader.has(*holding.HOLDS),
    )


def _refused(merchant: UUID, form: forms.Form, error: DomainError) -> Any:
    form.refuse(error)
    return _page(merchant, form), status_of(error)


def _back(merchant: UUID) -> Response:
    return redirect(f"/merchants/{merchant}", 303)


def _account(approval: Approval) -> Mapping[str, Any]:
    """What is shown of a proposal to change a settlement account, which counts hours later."""
    hours = core().settings.onboarding.account_cooling_hours
    return {"told": approval.payload, "hours": hours}


def _hold(approval: Approval) -> Mapping[str, Any]:
    """What is shown of a proposal to let payments go on."""
    return {"told": approval.payload}


readings.register("settlement_account", template="admin/reading_account.html", load=_account)
readings.register("payment_hold", template="admin/reading_hold.html", load=_hold)
