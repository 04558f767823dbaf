"""Subsidies for cars: what waits, the papers beside what was typed and found, and the decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request
from marshmallow import post_load

from admin import cars as words
from admin import readings, staff
from voucher_service.approvals.model import Approval
from voucher_service.infra import files
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.money import Money
from voucher_service.tradein import shelf
from voucher_service.tradein.applications import recording, service
from voucher_service.tradein.applications.model import (
    EVIDENCE,
    ApplicationId,
    ApplicationStatus,
    EvidenceKind,
    Part,
)
from voucher_service.tradein.risk import service as risk
from voucher_service.tradein.risk.facts import Subject
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import TextField
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

applications = Blueprint("car_pages", __name__, url_prefix="/trade-in/applications")
checking = Blueprint("car_checking_pages", __name__, url_prefix="/trade-in/applications")

PAGE = 50
_SHOWN = tuple(one for one in ApplicationStatus if one is not ApplicationStatus.DRAFT)
_TYPED = (Part.NEW_CAR, Part.OLD_CAR, Part.CARD)


def _reason() -> TextField:
    return TextField(maximum=200)


class CarBackForm(Schema):
    """A word about all of it, and a reason for each thing to correct."""

    reason = TextField(required=True, maximum=200)
    new_car, old_car, card = _reason(), _reason(), _reason()
    id_front, id_back, new_invoice = _reason(), _reason(), _reason()
    new_registration, recycling, cancellation = _reason(), _reason(), _reason()
    sale_invoice, transfer = _reason(), _reason()

    @post_load
    def _split(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        reason = data.pop("reason")
        return {"corrections": data, "reason": reason}


class CarRejectForm(Schema):
    """Why it is refused for good."""

    refusal = TextField(required=True, maximum=200)


class CarCardForm(Schema):
    """Why another card is asked for."""

    again = TextField(required=True, maximum=200)


@applications.get("")
def show_all() -> str:
    """Applications of the reader's area by how they stand, longest waiting first."""
    asked = request.args.get("state", "")
    state = ApplicationStatus(asked) if asked in _SHOWN else ApplicationStatus.SUBMITTED
    page = service.page(
        core(), actor=actor(), status=state, cursor=request.args.get("cursor"), limit=PAGE
    )
    return render_template("admin/cars.html", page=page, state=state, states=_SHOWN)


@applications.get("/<uuid:application>")
def show(application: UUID) -> str:
    """One application."""
    return _page(application, forms.Form())


@applications.get("/<uuid:application>/evidence/<name>")
def evidence(application: UUID, name: str) -> Response:
    """A paper; the record says who looked."""
    if name not in words.NAMES:
        raise NoSuchThing
    content = service.document(
        core(),
        actor=actor(),
        application=ApplicationId(application),
        kind=EvidenceKind(name),
    )
    response = Response(content.data, mimetype=content.media_type)
    # A PDF may hold a script: it is only ever saved.
    pdf = content.media_type == files.PDF
    how = f'attachment; filename="{name}.pdf"' if pdf else f'inline; filename="{name}.jpg"'
    response.headers["Content-Disposition"] = how
    return response


@checking.post("/<uuid:application>/precheck")
def precheck(application: UUID) -> Any:
    """The papers bear it out: ask the city, whose proposals a county does not see."""
    return _decided(application, forms.Form(), service.precheck, {})


@checking.post("/<uuid:application>/send-back")
def send_back(application: UUID) -> Any:
    """Give it back with a reason for each thing."""
    form = forms.read(CarBackForm)
    if not form.ok:
        return _page(application, form), 422
    return _decided(application, form, service.send_back, form.values)


@checking.post("/<uuid:application>/reject")
def reject(application: UUID) -> Any:
    """Refuse it for good."""
    form = forms.read(CarRejectForm)
    if not form.ok:
        return _page(application, form), 422
    return _decided(application, form, service.reject, {"reason": form.values["refusal"]})


@checking.post("/<uuid:application>/card/accept")
def accept_card(application: UUID) -> Any:
    """The card named after the bank refused one is the applicant's own."""
    return _decided(application, forms.Form(), service.accept_card, {})


@checking.post("/<uuid:application>/card/return")
def return_card(application: UUID) -> Any:
    """Ask for yet another card."""
    form = forms.read(CarCardForm)
    if not form.ok:
        return _page(application, form), 422
    return _decided(application, form, service.return_card, {"reason": form.values["again"]})


def _decided(application: UUID, form: forms.Form, decide: Any, told: Mapping[str, Any]) -> Any:
    try:
        decide(core(), actor=actor(), application=ApplicationId(application), **told)
    except DomainError as error:
        form.refuse(error)
        return _page(application, form), status_of(error)
    return redirect(f"/trade-in/applications/{application}", 303)


def _page(application: UUID, form: forms.Form) -> str:
    reader = actor()
    found = service.read(core(), actor=reader, application=ApplicationId(application))
    one = found.application
    with core().transaction() as session:
        look = risk.findings(session, kind=Subject.APPLICATION, id=one.id)
    return render_template(
        "admin/car.html",
        application=one,
        judged=found.judged,
        look=look,
        form=form,
        things=(*_TYPED, *EVIDENCE[one.scheme]),
        names=staff.names([one.prechecked_by] if one.prechecked_by else []),
        opinion=service.opinion(core(), application=one),
        may_check_card=reader.has(Role.REVIEWER) and one.status is ApplicationStatus.CARD_GIVEN,
        may_check=reader.has(Role.REVIEWER) and one.status is ApplicationStatus.SUBMITTED,
    )


def _reading(approval: Approval) -> Mapping[str, Any]:
    """What is shown of a proposal to pay for a car."""
    told = approval.payload
    return {
        "told": told,
        "policy": shelf.policy(told["policy"]).name.spelt(locale()),
        "case": recording.case_from(told["decision"]),
        "subsidy": Money(told["subsidy_fen"]),
        "lines": recording.lines_from(told["decision"]),
    }


readings.register("application", template="admin/reading_car.html", load=_reading)
