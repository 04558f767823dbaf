"""What a reader does first: a password of their own, a second factor, the factor once more."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import g, redirect, request
from werkzeug.wrappers import Response

from admin import staff
from voucher_service.identity.desk import AtWork
from voucher_service.identity.model import FreshFactorRequired
from voucher_service.kernel.errors import DomainError
from voucher_service.web.auth import is_api

# What a person may use before they chose a password of their own or enrolled a factor.
OWN_ACCOUNT = frozenset({"front", "door", "me", "account", "account_pages", "preferences"})
# Signing, and whatever would let a passer-by at an open desk sign later.
ACTS = frozenset(
    {
        "approvals.approve",
        "approval_pages.approve",
        "account.begin_otp",
        "account.remove_otp",
        "account.renew_recovery_codes",
        "account.remove_passkey",
        "account.confirm_otp",
        "account_pages.begin_otp",
        "account_pages.show_otp",
        "account_pages.confirm_otp",
        "account_pages.remove_otp",
        "account_pages.renew_recovery_codes",
        "account_pages.passkey_options",
        "account_pages.add_passkey",
        "account_pages.remove_passkey",
    }
)


def check() -> Response | None:
    """Let a request through once its reader did what comes first.

    Calls are refused: PasswordChangeRequired, SecondFactorRequired, FreshFactorRequired. Pages lead
    to where it is done.
    """
    here: AtWork | None = g.get("at_work")
    if here is not None and here.refusal and request.blueprint not in OWN_ACCOUNT:
        return _first(here.refusal, "/account")
    if request.endpoint in ACTS and staff.needs_factor():
        back = urlencode({"next": _path(request.referrer or "")})
        return _first(FreshFactorRequired(), f"/account/confirm?{back}")
    return None


def _first(refusal: DomainError, path: str) -> Response:
    if is_api():
        raise refusal
    return redirect(path, 303)


def _path(address: str) -> str:
    """The page of ours that was open, so that the act can be repeated there."""
    home = request.host_url
    return "/" + address.removeprefix(home) if address.startswith(home) else "/account"
