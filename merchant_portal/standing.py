"""What a till stands at: its enrolled device and its point, and what is refused elsewhere."""

from __future__ import annotations

from flask import Response, g, request

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Cashier
from voucher_service.merchants.stands import AtTill, Device, DeviceNotEnrolled, Enrolled
from voucher_service.web.auth import Token, actor_or_none, claims, claims_of, is_api, issue
from voucher_service.web.face import Face
from voucher_service.web.site import Claims, core, site

COOKIE = "voucher_device"
HEADER = "X-Device-Token"
_LASTS_SECONDS = 400 * 24 * 3600  # as long as browsers keep a cookie
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_DESK = frozenset({Role.MANAGER})


def at_till(core: Core, claims: Claims) -> Actor | None:
    """The cashier or manager of a token, at the device and the point of the session; or whoever
    applies to become a merchant, who has no role.
    """
    found = merchants.cashier_at_till(core, subject=claims.subject, session=claims.session)
    g.at_till = found
    if found is not None:
        return found.actor
    applies = merchants.applicant_at_desk(core, subject=claims.subject, session=claims.session)
    g.applies = applies is not None
    return applies


def enrolled_here() -> str | None:
    """The id of the enrolled device at which the reader's session stands."""
    found: AtTill | None = g.get("at_till")
    return found.actor.evidence.device_id if found else None


def may_redeem() -> bool:
    """Whether the reader may redeem at this device, as far as the merchant's rule goes."""
    found: AtTill | None = g.get("at_till")
    return found is None or found.may_redeem


def refuse_other_devices() -> None:
    """Before a request that changes something: it comes from an enrolled device where the merchant
    asks for one. A manager's desk is open from everywhere, so that a first device can be enrolled.

    Raises DeviceNotEnrolled.
    """
    guard = site().guards.get(request.blueprint or "")
    if request.method in _SAFE or guard is None or guard.roles == _DESK:
        return
    if guard.signed_in and not may_redeem():
        raise DeviceNotEnrolled


def open_session(cashier: Cashier) -> Token:
    """A token of somebody whose password was right, in a session that stands at this device.

    Raises DeviceNotEnrolled on a page, for a cashier whose merchant asks for enrolled devices; who
    calls the API learns it with the first redemption.
    """
    device = merchants.proven_device(core(), cashier=cashier, token=_token(), strict=not is_api())
    token = issue(core(), Face.MERCHANT, cashier.id)
    if device is not None:
        session = claims_of(core(), Face.MERCHANT, token.access_token).session
        merchants.stand_at_device(core(), session=session, device=device)
    return token


def stand_here(device: Device) -> None:
    """Let the reader's session stand at a device that was just enrolled, if one is signed in."""
    if actor_or_none() is not None:
        merchants.stand_at_device(core(), session=claims().session, device=device.id)


def remember(response: Response, enrolled: Enrolled) -> Response:
    """Let this browser prove from now on that it is the enrolled device."""
    response.set_cookie(
        COOKIE,
        enrolled.token,
        max_age=_LASTS_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=core().settings.production,
    )
    return response


def _token() -> str | None:
    return request.headers.get(HEADER) if is_api() else request.cookies.get(COOKIE)
