"""A manager's objections: to an order, to a difference, to what is owed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from merchant_portal.books_schemas import DisputeForm, SubjectArgs, WordForm
from voucher_service.disputes import service
from voucher_service.disputes.model import (
    LIFECYCLE,
    PUBLIC,
    REASONS,
    SUBJECTS,
    DisputeId,
    Event,
    Reason,
    Subject,
)
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.language import locale
from voucher_service.web.schemas import PageArgs
from voucher_service.web.site import core

disputes = Blueprint("disputes", __name__, url_prefix="/disputes")

CHOOSE = mark("请选一项")


@disputes.get("")
def show_all() -> str:
    """What was objected to, newest first."""
    try:
        args = PageArgs().load(request.args.to_dict())
    except ValidationError:
        args = PageArgs().load({})
    page = service.of_shop(core(), actor=actor(), **args)
    return render_template("merchant/disputes.html", page=page, subjects=SUBJECTS, states=PUBLIC)


@disputes.get("/new")
def ask() -> str:
    """The form; what it is about comes in the address, else the way there is told."""
    return _form(forms.Form(typed=request.args.to_dict()))


@disputes.post("")
def open_one() -> Response | tuple[str, int]:
    """Object."""
    form, status = forms.read(DisputeForm), 422
    if form.ok:
        values = form.values
        try:
            made = service.open_dispute(
                core(),
                actor=actor(),
                subject=Subject(values["subject"]),
                subject_id=values["subject_id"],
                reason=Reason(values["reason"]),
                text=values["text"],
                wanted=values["wanted"],
            )
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect(f"/disputes/{made}", 303)
    return _form(form), status


@disputes.get("/<uuid:id>")
def show(id: UUID) -> str:
    """One objection with its thread."""
    return _page(id, forms.Form())


@disputes.post("/<uuid:id>")
def say(id: UUID) -> Response | tuple[str, int]:
    """Reply, or withdraw."""
    form, status = forms.read(WordForm), 422
    if form.ok:
        event = Event(form.values["event"])
        try:
            service.say(
                core(), actor=actor(), dispute=DisputeId(id), event=event, text=form.values["text"]
            )
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect(f"/disputes/{id}", 303)
    return _page(id, form), status


def _form(form: forms.Form) -> str:
    reasons = [(str(one), gettext(text, locale())) for one, text in REASONS.items()]
    return render_template(
        "merchant/dispute_new.html",
        form=form,
        subjects=SUBJECTS,
        about=_about(form.typed),
        reasons=[("", gettext(CHOOSE, locale())), *reasons],
    )


def _about(typed: Mapping[str, Any]) -> str | None:
    """What the shop's own thing is called; None when the address names no such one."""
    told = {name: typed[name] for name in ("subject", "subject_id") if typed.get(name)}
    try:
        args = SubjectArgs().load(told)
        subject = Subject(args["subject"])
        return service.about(core(), actor=actor(), subject=subject, subject_id=args["subject_id"])
    except (ValidationError, NoSuchThing):
        return None


def _page(id: UUID, form: forms.Form) -> str:
    found = service.get(core(), actor=actor(), dispute=DisputeId(id))
    return render_template(
        "merchant/dispute.html",
        form=form,
        found=found,
        may={event for event in service.OF_THE_SHOP if LIFECYCLE.allows(found.status, event)},
        subjects=SUBJECTS,
        reasons=REASONS,
        states=PUBLIC,
    )
