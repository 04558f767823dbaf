"""The caller's own account: sessions, second factors, password."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from admin.api.people_schemas import (
    FactorsSchema,
    OtpSchema,
    OtpSecretSchema,
    OwnSessionSchema,
    PasswordSchema,
    RecoveryCodesSchema,
)
from admin.staff import me, uri, work
from voucher_service.identity import service
from voucher_service.identity.model import Factor
from voucher_service.kernel.page import Page
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core

account = ApiBlueprint("account", __name__, url_prefix="/api/v1")


@account.route("/sessions", methods=["GET"])
@account.response(200, page_of(OwnSessionSchema))
def list_sessions() -> Any:
    """The caller's sessions that still count, newest first."""
    found = service.staff_account(core(), actor=actor(), staff=me().id)[1]
    return Page([{**asdict(one), "current": one.id == work().session} for one in found])


@account.route("/sessions", methods=["DELETE"])
@account.response(204)
def end_others() -> None:
    """End all the caller's sessions but this one."""
    service.end_sessions(core(), actor=actor(), but=work().session)


@account.route("/sessions/<uuid:session>", methods=["DELETE"])
@account.response(204)
def end_session(session: UUID) -> None:
    """End one of the caller's sessions, this one too."""
    service.end_session(core(), actor=actor(), session=session)


@account.route("/me/factors", methods=["GET"])
@account.response(200, FactorsSchema)
def show_factors() -> Any:
    """What the caller enrolled besides the password."""
    found, _, keys = service.staff_account(core(), actor=actor(), staff=me().id)
    with core().transaction() as session:
        left = service.recovery_codes_left(session, staff=found.id)
    return {"otp": Factor.OTP in found.factors, "passkeys": keys, "recovery_codes_left": left}


@account.route("/me/factors/show", methods=["POST"])
@account.arguments(OtpSchema)
@account.response(204)
def show_factor(body: dict[str, Any]) -> None:
    """Show the second factor again, before a call that asks for a fresh one."""
    service.show_factor(core(), actor=actor(), session=work().session, **body)


@account.route("/me/otp", methods=["POST"])
@account.response(200, OtpSecretSchema)
def begin_otp() -> Any:
    """Begin to enrol an authenticator."""
    secret = service.begin_otp(core(), actor=actor())
    return {"secret": secret, "uri": uri(secret)}


@account.route("/me/otp/confirm", methods=["POST"])
@account.arguments(OtpSchema)
@account.response(200, RecoveryCodesSchema)
def confirm_otp(body: dict[str, Any]) -> Any:
    """Enrol it by its first code; other sessions end."""
    codes = service.confirm_otp(core(), actor=actor(), code=body["otp"], session=work().session)
    return {"recovery_codes": codes}


@account.route("/me/otp", methods=["DELETE"])
@account.response(204)
def remove_otp() -> None:
    """Forget the authenticator; other sessions end."""
    service.remove_otp(core(), actor=actor(), session=work().session)


@account.route("/me/recovery-codes", methods=["POST"])
@account.response(200, RecoveryCodesSchema)
def renew_recovery_codes() -> Any:
    """Ten recovery codes in place of the old ones."""
    return {"recovery_codes": service.renew_recovery_codes(core(), actor=actor())}


@account.route("/me/passkeys/<uuid:passkey>", methods=["DELETE"])
@account.response(204)
def remove_passkey(passkey: UUID) -> None:
    """Forget a passkey; other sessions end."""
    service.remove_passkey(core(), actor=actor(), passkey=passkey, session=work().session)


@account.route("/me/password", methods=["POST"])
@account.arguments(PasswordSchema)
@account.response(204)
def change_password(body: dict[str, Any]) -> None:
    """Choose another password; other sessions end."""
    service.change_password(core(), actor=actor(), session=work().session, **body)
