"""The settlement desk: batches, one batch from draft to the bank's answer, one line, holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import groupby
from operator import attrgetter
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from marshmallow import fields
from werkzeug.wrappers import Response

from admin import readings, staff
from admin import settling as words
from admin.api.settlements import RETURN_LIMIT_BYTES, download, funding_file
from voucher_service.approvals.model import Approval
from voucher_service.i18n import faults, gettext, mark
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import MerchantId, RedemptionId
from voucher_service.kernel.money import Money
from voucher_service.kernel.page import Page
from voucher_service.settlement import service
from voucher_service.settlement.lifecycles import (
    ADVANCE,
    BACK,
    BATCH,
    BatchStatus,
    LineStatus,
)
from voucher_service.settlement.model import (
    BatchId,
    BatchLineId,
    Form,
    HoldReason,
    Payment,
    PaymentId,
    Share,
)
from voucher_service.settlement.standing import NothingDue, Waiting
from voucher_service.web import forms, uploads
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import DayField, TextField, YuanField
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core, now

settlements = Blueprint("settlement_pages", __name__, url_prefix="/settlements")
paying = Blueprint("paying_pages", __name__, url_prefix="/settlements")

PAGE = 50
_BOUNCED = 100


class DayForm(Schema):
    """Until the end of which day."""

    day = DayField(required=True)


class ReasonForm(Schema):
    """Why."""

    reason = TextField(required=True, minimum=2, maximum=200)


class HoldForm(ReasonForm):
    """Why, and whether it is held or let go."""

    event = fields.String(required=True, validate=lambda value: value in ("hold", "release"))


class AdvanceForm(ReasonForm):
    """How much, and why."""

    amount = YuanField(required=True, minimum=1)


class FileForm(Schema):
    """Nothing but the file."""


@settlements.get("")
def show_all() -> str:
    """Batches, newest first."""
    return _batches(forms.Form())


@paying.post("")
def draft() -> Any:
    """Make the batch of a day that the schedule left out."""
    form, status = forms.read(DayForm), 422
    if form.ok:
        try:
            made = service.draft(core(), actor=actor(), day=form.values["day"])
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
            waiting = error.waiting if isinstance(error, NothingDue) else ()
            return _batches(form, waiting), status
        return redirect(f"/settlements/{made.id}", 303)
    return _batches(form), status


@settlements.get("/<uuid:batch>")
def show(batch: UUID) -> str:
    """One batch: sums, who pays, lines, the bank's answers, what can be done next."""
    return _page(batch, forms.Form())


@paying.post("/<uuid:batch>/review")
def review(batch: UUID) -> Any:
    """Freeze it and propose to pay it."""
    return _done(batch, service.review)


@paying.post("/<uuid:batch>/send")
def send(batch: UUID) -> Any:
    """Write the bank file."""
    return _done(batch, service.send)


@paying.post("/<uuid:batch>/drop")
def drop(batch: UUID) -> Any:
    """Give it up."""
    form = forms.read(ReasonForm)
    if not form.ok:
        return _page(batch, form, asked="drop"), 422
    change = partial(service.drop, reason=form.values["reason"])
    return _done(batch, change, form, "drop")


@paying.get("/<uuid:batch>/bank-file.<any(csv, xlsx):form>")
def bank_file(batch: UUID, form: str) -> Response:
    """The bank file, the same bytes every time; the read is recorded."""
    return download(BatchId(batch), Form(form))


@paying.post("/<uuid:batch>/bank-return")
def bank_return(batch: UUID) -> Any:
    """Take the bank's answer, all of it or nothing."""
    form = forms.read(FileForm)
    content = uploads.sent(form, "table", most_bytes=RETURN_LIMIT_BYTES)
    if not form.ok:
        return _page(batch, form, asked="return"), 422
    return _done(batch, partial(service.take_return, content=content), form, "return")


@paying.post("/payments/<uuid:payment>/retry")
def retry(payment: UUID) -> Any:
    """Let the next batch try the same account once more."""
    service.retry(core(), actor=actor(), payment=PaymentId(payment))
    batch = request.args.get("batch", type=UUID)
    return redirect(f"/settlements/{batch}" if batch else "/settlements", 303)


@settlements.get("/lines/<uuid:line>")
def show_line(line: UUID) -> str:
    """One line with what is in it."""
    id = BatchLineId(line)
    return render_template(
        "admin/settlement_line.html",
        line=service.line(core(), actor=actor(), line=id),
        funding=service.line_funding(core(), actor=actor(), line=id),
        page=service.items(
            core(), actor=actor(), line=id, cursor=request.args.get("cursor"), limit=PAGE
        ),
    )


@settlements.get("/<uuid:batch>/funding.<any(csv, xlsx):form>")
def funding(batch: UUID, form: str) -> Response:
    """Whose money each payee of a batch gets."""
    return funding_file(BatchId(batch), form)


@settlements.get("/merchants/<uuid:merchant>")
def show_payee(merchant: UUID) -> str:
    """One merchant: what waits, what it was paid, what it was paid ahead."""
    return _payee(merchant, forms.Form())


@paying.post("/merchants/<uuid:merchant>/advances")
def advance(merchant: UUID) -> Any:
    """Ask a second person to pay it ahead."""
    form, status = forms.read(AdvanceForm), 422
    if form.ok:
        try:
            made = service.propose_advance(
                core(), actor=actor(), merchant=MerchantId(merchant), **form.values
            )
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect(f"/approvals/{made}", 303)
    return _payee(merchant, form), status


@settlements.get("/holds")
def holds() -> str:
    """Redemptions that are kept back, newest first."""
    cursor = request.args.get("cursor")
    page = service.held(core(), actor=actor(), cursor=cursor, limit=PAGE)
    return render_template("admin/settlement_holds.html", page=page)


@settlements.get("/holds/<uuid:redemption>")
def hold(redemption: UUID) -> str:
    """One redemption and what holds it."""
    return _hold(redemption, forms.Form())


@paying.post("/holds/<uuid:redemption>")
def change_hold(redemption: UUID) -> Any:
    """Keep it back, or let it go, with a reason."""
    form = forms.read(HoldForm)
    if not form.ok:
        return _hold(redemption, form), 422
    change = service.hold_back if form.values["event"] == "hold" else service.let_go
    id = RedemptionId(redemption)
    change(core(), actor=actor(), redemption=id, note=form.values["reason"])
    return redirect(f"/settlements/holds/{redemption}", 303)


def _done(
    batch: UUID,
    change: Callable[..., object],
    form: forms.Form | None = None,
    asked: str = "",
) -> Any:
    """Do it and show the batch; a refusal stands on its page."""
    kept = form or forms.Form()
    try:
        change(core(), actor=actor(), batch=BatchId(batch))
    except NoSuchThing:
        raise
    except DomainError as error:
        kept.refuse(error)
        wrong = faults(error, locale())
        return _page(batch, kept, asked=asked, wrong=wrong), status_of(error)
    return redirect(f"/settlements/{batch}", 303)


def _batches(form: forms.Form, waiting: Sequence[Waiting] = ()) -> str:
    cursor = request.args.get("cursor")
    return render_template(
        "admin/settlements.html",
        page=service.batches(core(), actor=actor(), cursor=cursor, limit=PAGE),
        form=form,
        waiting=waiting,
    )


def _page(
    batch: UUID, form: forms.Form, *, asked: str = "", wrong: list[tuple[str, str]] | None = None
) -> str:
    id, state = BatchId(batch), request.args.get("state", "")
    status = LineStatus(state) if state in set(LineStatus) else None
    found = service.batch(core(), actor=actor(), batch=id)
    bounced = service.payments(
        core(),
        actor=actor(),
        batch=id,
        status=BACK,
        cursor=request.args.get("bounced"),
        limit=_BOUNCED,
    )
    people = (found.drafted_by, found.reviewed_by, found.sent_by)
    return render_template(
        "admin/settlement.html",
        batch=found,
        names=staff.names([one for one in people if one]),
        levels=_levels(service.shares(core(), actor=actor(), batch=id)),
        waiting=service.waiting(core(), actor=actor(), batch=id),
        to_retry=service.to_retry(core(), actor=actor(), batch=id),
        page=service.lines(
            core(),
            actor=actor(),
            batch=id,
            status=status,
            cursor=request.args.get("cursor"),
            limit=PAGE,
        ),
        chosen=status,
        bounced=bounced,
        again=_again(id) if found.retried else None,
        over=found.statement_until is None or now() >= found.statement_until,
        form=form,
        asked=asked,
        wrong=wrong or [],
    )


def _again(batch: BatchId) -> Page[Payment]:
    return service.payments(
        core(), actor=actor(), batch=batch, again=True, cursor=None, limit=_BOUNCED
    )


def _levels(shares: list[Share]) -> list[tuple[str, Money, Money]]:
    """What each level of funder bears of a batch, and what of it was paid."""
    level = attrgetter("level")
    return [
        (name, Money.total(one.due for one in some), Money.total(one.settled for one in some))
        for name, group in groupby(sorted(shares, key=level), level)
        for some in [list(group)]
    ]


def _payee(merchant: UUID, form: forms.Form) -> str:
    id = MerchantId(merchant)
    found = service.payee(core(), actor=actor(), merchant=id)
    return render_template(
        "admin/settlement_payee.html",
        payee=found,
        page=service.payee_lines(
            core(), actor=actor(), merchant=id, cursor=request.args.get("cursor"), limit=PAGE
        ),
        names=staff.names([one.proposed_by for one in found.advances]),
        form=form,
    )


def _hold(redemption: UUID, form: forms.Form) -> str:
    bare, reasons = service.order(core(), actor=actor(), redemption=RedemptionId(redemption))
    return render_template(
        "admin/settlement_hold.html",
        order=bare,
        reasons=reasons,
        by_hand=any(one.hold and one.hold.reason is HoldReason.RISK for one in reasons),
        form=form,
    )


def _reading(approval: Approval) -> Mapping[str, Any]:
    """A batch as it was frozen for the signature; who bears it and who gets it, for readers of
    batches.
    """
    told, id = approval.payload, BatchId(approval.object_id)
    sums = {name.removesuffix("_fen"): Money(told[name]) for name in told if name.endswith("_fen")}
    day = date.fromisoformat(told["day"])
    frozen = SimpleNamespace(**{**told, **sums, "day": day}, status=BatchStatus.REVIEWED)
    if not words.sees_settlements():
        return {"told": frozen}
    who = actor()
    found = service.batch(core(), actor=who, batch=id)
    return {
        "told": frozen,
        "batch": found,
        "makers": staff.names([one for one in (found.drafted_by, found.reviewed_by) if one]),
        "levels": _levels(service.shares(core(), actor=who, batch=id)),
        "due": service.lines(
            core(), actor=who, batch=id, status=LineStatus.DUE, cursor=None, limit=PAGE
        ),
        "left_out": service.lines(
            core(), actor=who, batch=id, status=LineStatus.LEFT_OUT, cursor=None, limit=PAGE
        ),
        "again": _again(id) if found.retried else None,
        "trail": [
            ("/settlements", gettext(mark("清算"), locale())),
            (f"/settlements/{found.id}", found.number),
        ],
    }


def _advance(approval: Approval) -> Mapping[str, Any]:
    """Money paid ahead, as the second person reads it."""
    told = approval.payload
    return {"told": told, "amount": Money(told["amount_fen"])}


readings.register(BATCH.name, template="admin/reading_settlement.html", load=_reading)
readings.register(ADVANCE.name, template="admin/reading_advance.html", load=_advance)
