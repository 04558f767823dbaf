"""Enrolled devices on the manager's desk, and the page on which a device enrols itself."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from merchant_portal.desk_schemas import (
    AtShopSchema,
    DevicesArgs,
    EnrolHereForm,
    EnrolSchema,
    RequiredSchema,
)
from merchant_portal.standing import enrolled_here, remember, stand_here
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import DeviceId, ShopId
from voucher_service.merchants import service as merchants
from voucher_service.web import forms, qr
from voucher_service.web.auth import actor, claims
from voucher_service.web.errors import status_of
from voucher_service.web.evidence import browser, evidence
from voucher_service.web.site import core

from .staff import shop_choices

blueprint = Blueprint("devices", __name__, url_prefix="/devices")
enrolment = Blueprint("enrolment", __name__, url_prefix="/enrol")


@blueprint.get("")
def show_all() -> str:
    """The merchant's devices, this one among them, and whether others may redeem."""
    return _page(forms.Form())


@blueprint.post("/codes")
def make_code() -> str | tuple[str, int]:
    """A code for one device, on a screen of its own."""
    form = forms.read(AtShopSchema)
    if not form.ok:
        return _page(form), 422
    made = merchants.make_enrolment_code(core(), actor=actor(), shop=ShopId(form.values["shop"]))
    address = url_for("enrolment.ask", code=made.code, _external=True)
    return render_template(
        "merchant/desk/device_code.html",
        made=made,
        drawing=qr.draw(address),
        address=url_for("enrolment.ask", _external=True),
    )


@blueprint.post("/here")
def enrol_here() -> Response | tuple[str, int]:
    """Enrol the machine one is signed in at."""
    form, status = forms.read(EnrolHereForm), 422
    if form.ok:
        try:
            enrolled = merchants.enrol_here(
                core(),
                actor=actor(),
                session=claims().session,
                shop=ShopId(form.values["shop"]),
                name=form.values["name"],
                agent=_agent(),
            )
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return remember(make_response(redirect("/devices", 303)), enrolled)
    return _page(form), status


@blueprint.post("/rule")
def require() -> Response | tuple[str, int]:
    """Whether only enrolled devices may redeem."""
    form, status = forms.read(RequiredSchema), 422
    if form.ok:
        try:
            merchants.require_devices(core(), actor=actor(), **form.values)
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect("/devices", 303)
    return _page(form), status


@blueprint.post("/<uuid:device>/revoke")
def revoke(device: UUID) -> Response:
    """Take a device out of use at once."""
    merchants.revoke_device(core(), actor=actor(), device=DeviceId(device))
    return redirect("/devices", 303)


@enrolment.get("")
def ask() -> str:
    """The form for a code; a scanned one (`?code=`) is filled in."""
    return _enrol(forms.Form(typed={"code": request.args.get("code", "")}))


@enrolment.post("")
def enrol() -> Response | tuple[str, int]:
    """Enrol this browser."""
    form, status = forms.read(EnrolSchema), 422
    if form.ok:
        try:
            enrolled = merchants.enrol(
                core(),
                agent=_agent(),
                address_prefix=evidence().address_prefix,
                **form.values,
            )
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            stand_here(enrolled.device)
            return remember(make_response(redirect("/enrol/done", 303)), enrolled)
    return _enrol(form), status


@enrolment.get("/done")
def done() -> str:
    """What to do now that this browser is enrolled."""
    return render_template("merchant/desk/enrolled.html")


def _agent() -> str:
    return browser(request.headers.get("User-Agent", ""))


def _enrol(form: forms.Form) -> str:
    return render_template("merchant/desk/enrol.html", form=form)


def _page(form: forms.Form) -> str:
    try:
        args = DevicesArgs().load(request.args.to_dict())
    except ValidationError:
        args = DevicesArgs().load({})
    reader = actor()
    return render_template(
        "merchant/desk/devices.html",
        page=merchants.devices(core(), actor=reader, **args),
        required=merchants.devices_required(core(), actor=reader),
        here=enrolled_here(),
        shops=shop_choices(),
        shop=merchants.desk(core(), actor=reader).till.shop_id,
        form=form,
    )
