"""Reviews: batches by risk, a sale with its papers beside what the machine knows, the decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request
from marshmallow import ValidationError, fields, validates_schema

from admin import readings, staff
from admin.schemas import one_of
from voucher_service.approvals.model import Approval
from voucher_service.i18n import mark
from voucher_service.infra import files
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.money import Money
from voucher_service.tradein.review import service
from voucher_service.tradein.review.model import (
    BATCH_PUBLIC,
    Batch,
    BatchId,
    BatchStatus,
    Line,
    ProofKind,
    Subject,
)
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import TextField
from voucher_service.web.schemas import PageArgs, Schema
from voucher_service.web.site import core

reviews = Blueprint("review_pages", __name__, url_prefix="/review")
judging = Blueprint("review_judging_pages", __name__, url_prefix="/review")

WHY = mark("不行的要写原因，商户会看到。")


class QueueArgs(PageArgs):
    """Which batches."""

    state = fields.String(load_default=BatchStatus.OPEN.value, validate=one_of(*BatchStatus))


class VerdictForm(Schema):
    """Whether one is in order; a reason where it is not."""

    good = fields.Boolean(required=True)
    reason = TextField(maximum=200, load_default="")

    @validates_schema
    def say_why(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raises ValidationError for a refusal without a reason."""
        if data.get("good") is False and not data["reason"]:
            raise ValidationError(WHY, "reason")


@reviews.get("")
def show_all() -> str:
    """Batches that stand so, the riskiest first; how long money took."""
    try:
        args = QueueArgs().load(request.args.to_dict())
    except ValidationError:
        args = QueueArgs().load({})
    state = BatchStatus(args.pop("state"))
    return render_template(
        "admin/reviews.html",
        page=service.queue(core(), actor=actor(), status=state, **args),
        state=state,
        states=BATCH_PUBLIC,
        times=service.cash_times(core(), actor=actor()),
    )


@reviews.get("/cars")
def cars() -> str:
    """Applications that wait, the riskiest first."""
    return _cars(forms.Form())


@judging.post("/cars")
def make() -> Any:
    """Put harmless ones together, to be passed after a sample of them was opened."""
    try:
        made = service.make_car_batch(core(), actor=actor())
    except DomainError as error:
        form = forms.Form()
        form.refuse(error)
        return _cars(form), status_of(error)
    return redirect(f"/review/batches/{made}", 303)


@reviews.get("/batches/<uuid:batch>")
def show(batch: UUID) -> str:
    """One batch: how far it is, what was drawn, by which seed."""
    return _batch(batch, forms.Form())


@reviews.get("/batches/<uuid:batch>/sales/<uuid:sale>")
def sale(batch: UUID, sale: UUID) -> str:
    """One sale with its papers beside what the machine knows of it."""
    return _sale(batch, sale, forms.Form())


@reviews.get("/batches/<uuid:batch>/sales/<uuid:sale>/evidence/<kind>")
def proof(batch: UUID, sale: UUID, kind: str) -> Response:
    """A paper; the record says who looked."""
    return _proof(batch, sale, kind)


@reviews.get("/batches/<uuid:batch>/sales/<uuid:sale>/twins/<kind>")
def twin(batch: UUID, sale: UUID, kind: str) -> Response:
    """The paper of an earlier sale that this one looks like."""
    return _proof(batch, sale, kind, twin=True)


@judging.post("/batches/<uuid:batch>/lines/<uuid:subject>")
def judge(batch: UUID, subject: UUID) -> Any:
    """Say whether one is in order, and go on to the next that is not looked at."""
    form, status = forms.read(VerdictForm), 422
    if form.ok:
        try:
            stands = service.judge(
                core(), actor=actor(), batch=BatchId(batch), subject=subject, **form.values
            )
        except NoSuchThing:
            raise
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect(_onward(stands), 303)
    found = service.batch(core(), actor=actor(), batch=BatchId(batch))
    of_sale = found.subject is Subject.SALE
    return (_sale(batch, subject, form) if of_sale else _batch(batch, form)), status


@judging.post("/batches/<uuid:batch>/propose")
def propose(batch: UUID) -> Any:
    """Ask a second person to release it."""
    return _decided(batch, service.propose)


@judging.post("/batches/<uuid:batch>/pass")
def pass_(batch: UUID) -> Any:
    """Pass what stands of a batch of applications."""
    return _decided(batch, service.pass_car_batch)


def _decided(batch: UUID, decide: Any) -> Any:
    try:
        decide(core(), actor=actor(), batch=BatchId(batch))
    except NoSuchThing:
        raise
    except DomainError as error:
        form = forms.Form()
        form.refuse(error)
        return _batch(batch, form), status_of(error)
    return redirect(f"/review/batches/{batch}", 303)


def _onward(stands: Batch) -> str:
    """The next sale to look at; the batch where none is left, or where applications are opened."""
    here = f"/review/batches/{stands.id}"
    if stands.subject is not Subject.SALE:
        return here
    left = (one for one in stands.sample if one.good is None)
    following = next(left, None)
    return f"{here}/sales/{following.subject_id}" if following else here


def _cars(form: forms.Form) -> str:
    args = request.args.to_dict()
    try:
        args = PageArgs().load({name: args[name] for name in ("cursor", "limit") if name in args})
    except ValidationError:
        args = PageArgs().load({})
    return render_template(
        "admin/review_cars.html",
        page=service.car_queue(core(), actor=actor(), **args),
        form=form,
        may_make=actor().has(Role.REVIEWER),
    )


def _batch(batch: UUID, form: forms.Form) -> str:
    found = service.batch(core(), actor=actor(), batch=BatchId(batch))
    sampled = {one.subject_id for one in found.sample}
    return render_template(
        "admin/review_batch.html",
        batch=found,
        form=form,
        sampled=sampled,
        names=staff.names([one.reviewed_by for one in found.lines if one.reviewed_by]),
        may=actor().has(Role.REVIEWER) and found.status is BatchStatus.OPEN,
    )


def _sale(batch: UUID, sale: UUID, form: forms.Form) -> str:
    found = service.dossier(core(), actor=actor(), batch=BatchId(batch), sale=RedemptionId(sale))
    return render_template(
        "admin/review_sale.html",
        found=found,
        form=form,
        may=actor().has(Role.REVIEWER)
        and found.batch.status is BatchStatus.OPEN
        and _open(found.line),
        names=staff.names([found.line.reviewed_by] if found.line.reviewed_by else []),
    )


def _open(line: Line) -> bool:
    return not line.gone and not line.released


def _proof(batch: UUID, sale: UUID, kind: str, *, twin: bool = False) -> Response:
    """A paper: pictures are shown, a PDF is only ever saved, since it may hold a script."""
    if kind not in set(ProofKind):
        raise NoSuchThing
    content = service.proof(
        core(),
        actor=actor(),
        batch=BatchId(batch),
        sale=RedemptionId(sale),
        kind=ProofKind(kind),
        twin=twin,
    )
    response = Response(content.data, mimetype=content.media_type)
    pdf = content.media_type == files.PDF
    how = f'attachment; filename="{kind}.pdf"' if pdf else f'inline; filename="{kind}.jpg"'
    response.headers["Content-Disposition"] = how
    return response


def _reading(approval: Approval) -> Mapping[str, Any]:
    """What is shown of a proposal to release a merchant's sales."""
    told = approval.payload
    return {"told": told, "subsidy": Money(told["subsidy_fen"])}


readings.register("review_batch", template="admin/reading_review.html", load=_reading)
