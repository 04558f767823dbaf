"""Merchants' disputes at the office: the queue by age, one with its thread, the answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from marshmallow import ValidationError, fields

from admin.schemas import one_of
from voucher_service.disputes import service
from voucher_service.disputes.model import (
    DECIDERS,
    LIFECYCLE,
    PUBLIC,
    REASONS,
    SUBJECTS,
    DisputeId,
    Event,
    Status,
)
from voucher_service.kernel.errors import DomainError
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import TextField
from voucher_service.web.schemas import PageArgs, Schema
from voucher_service.web.site import core, now

disputes = Blueprint("dispute_pages", __name__, url_prefix="/disputes")
deciding = Blueprint("deciding_pages", __name__, url_prefix="/disputes")


class QueueArgs(PageArgs):
    """Which disputes."""

    state = fields.String(load_default=Status.OPEN.value, validate=one_of(*Status))


class DecisionForm(Schema):
    """What the office says, and what it does."""

    event = fields.String(required=True, validate=one_of(*service.OF_THE_OFFICE))
    text = TextField(required=True, minimum=2, maximum=1000, multiline=True)


@disputes.get("")
def show_all() -> str:
    """The disputes of one state, oldest first."""
    try:
        args = QueueArgs().load(request.args.to_dict())
    except ValidationError:
        args = QueueArgs().load({})
    state = Status(args.pop("state"))
    return render_template(
        "admin/disputes.html",
        page=service.queue(core(), actor=actor(), status=state, **args),
        state=state,
        states=PUBLIC,
        subjects=SUBJECTS,
        reasons=REASONS,
    )


@disputes.get("/<uuid:id>")
def show(id: UUID) -> str:
    """One dispute with its thread."""
    return _page(id, forms.Form())


@deciding.post("/<uuid:id>")
def decide(id: UUID) -> Any:
    """Answer, accept, reject or close. Moves no money."""
    form, status = forms.read(DecisionForm), 422
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


def _page(id: UUID, form: forms.Form) -> str:
    found = service.get(core(), actor=actor(), dispute=DisputeId(id))
    allowed = {one for one in service.OF_THE_OFFICE if LIFECYCLE.allows(found.status, one)}
    return render_template(
        "admin/dispute.html",
        form=form,
        found=found,
        may=allowed if actor().has(*DECIDERS) else set(),
        states=PUBLIC,
        subjects=SUBJECTS,
        reasons=REASONS,
        late=found.late(now()),
    )
