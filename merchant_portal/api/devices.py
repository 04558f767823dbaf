"""`/api/v1/devices`: enrolled devices of a merchant, and enrolling one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request, url_for

from merchant_portal.desk_schemas import (
    AtShopSchema,
    DevicesArgs,
    DeviceSchema,
    EnrolledSchema,
    EnrolmentCodeSchema,
    EnrolSchema,
    RequiredSchema,
)
from voucher_service.kernel.ids import DeviceId, ShopId
from voucher_service.kernel.page import Page
from voucher_service.merchants import service as merchants
from voucher_service.merchants.stands import Device, Enrolled
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.evidence import browser, evidence
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core

blueprint = ApiBlueprint("device_calls", __name__, url_prefix="/api/v1/devices")
enrolment = ApiBlueprint("enrolment_calls", __name__, url_prefix="/api/v1/enrolments")


@blueprint.route("", methods=["GET"])
@blueprint.arguments(DevicesArgs, location="query")
@blueprint.response(200, page_of(DeviceSchema))
def devices(args: dict[str, Any]) -> Page[Device]:
    """The merchant's devices in force, newest first."""
    return merchants.devices(core(), actor=actor(), **args)


@blueprint.route("/codes", methods=["POST"])
@blueprint.arguments(AtShopSchema)
@blueprint.response(201, EnrolmentCodeSchema)
def make_code(body: dict[str, Any]) -> dict[str, Any]:
    """A code that enrols one device within ten minutes; told this once."""
    made = merchants.make_enrolment_code(core(), actor=actor(), shop=ShopId(body["shop"]))
    address = url_for("enrolment.ask", code=made.code, _external=True)
    return {"code": made.code, "url": address, "expires_at": made.expires_at}


@blueprint.route("/rule", methods=["PUT"])
@blueprint.arguments(RequiredSchema)
@blueprint.response(200, RequiredSchema)
def require(body: dict[str, Any]) -> dict[str, Any]:
    """Whether only enrolled devices may redeem at the merchant's shops."""
    merchants.require_devices(core(), actor=actor(), **body)
    return body


@blueprint.route("/<uuid:device>", methods=["DELETE"])
@blueprint.response(204)
def revoke(device: UUID) -> None:
    """Take a device out of use at once: the sessions on it end."""
    merchants.revoke_device(core(), actor=actor(), device=DeviceId(device))


@enrolment.route("", methods=["POST"])
@enrolment.arguments(EnrolSchema)
@enrolment.response(201, EnrolledSchema)
def enrol(body: dict[str, Any]) -> Enrolled:
    """Enrol this device with the code on the manager's screen.

    Send the token as `X-Device-Token` when signing in from now on.
    """
    return merchants.enrol(
        core(),
        agent=browser(request.headers.get("User-Agent", "")),
        address_prefix=evidence().address_prefix,
        **body,
    )
