"""Where the merchant's money goes: the account in force, and another one asked for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template
from werkzeug.wrappers import Response

from merchant_portal import apply_schemas as schemas
from voucher_service.kernel.errors import DomainError
from voucher_service.merchants.accounts import AccountId, AccountKind
from voucher_service.merchants.service import banking
from voucher_service.redemption import service as redemption
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.site import core, now

blueprint = Blueprint("settlement_account", __name__, url_prefix="/account")


@blueprint.get("")
def show() -> str:
    """Every account that was named, masked, and the form for another."""
    return _page(forms.Form())


@blueprint.post("")
def ask() -> Any:
    """Ask for another account; the one in force stays until it counts."""
    form = forms.read(schemas.AccountForm)
    if not form.ok:
        return _page(form), 422
    try:
        banking.request_change(core(), actor=actor(), **form.values)
    except DomainError as error:
        return _page(schemas.refuse(form, error)), status_of(error)
    return redirect("/account", 303)


@blueprint.post("/<uuid:account>/stop")
def stop(account: UUID) -> Response:
    """Call a change off while it does not count."""
    banking.stop_change(core(), actor=actor(), account=AccountId(account))
    return redirect("/account", 303)


def _page(form: forms.Form) -> str:
    form.typed.pop("number", None)
    found = banking.own_accounts(core(), actor=actor())
    return render_template(
        "merchant/account.html",
        form=form,
        accounts=found,
        in_force=banking.in_force(found, now()),
        waiting=any(one.status in ("requested", "proposed") for one in found),
        at=now(),
        owed=redemption.owed_here(core(), actor=actor()),
        kinds=list(AccountKind),
        hours=core().settings.onboarding.account_cooling_hours,
    )
