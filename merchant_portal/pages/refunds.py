"""Give back part or all of an order: how much and why, what that means, done."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from merchant_portal.refund_schemas import REASONS, RefundForm
from voucher_service.kernel.errors import Conflict, Forbidden, Unprocessable
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.refund_words import fate_in_words
from voucher_service.redemption.refunds import Refund, RefundId
from voucher_service.redemption.service import SaleProposal, VoucherProposal
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.idempotency import FIELD, idempotency_key, new_key, well_formed
from voucher_service.web.language import _, locale
from voucher_service.web.site import core, today

blueprint = Blueprint("refunds", __name__)


@blueprint.get("/redemptions/<uuid:redemption_id>/refund")
def ask(redemption_id: UUID) -> str | Response | tuple[str, int]:
    """How much and why; once that is told, what it means, to be confirmed. Changes nothing.

    The address carries the key of the refund: whoever comes back to it, after a lost answer or with
    the back button, has the same refund before them, or its receipt.
    """
    if not set(request.args) - {"after"}:
        return _form(redemption_id, forms.Form())
    form = forms.read(RefundForm, sent=request.args)
    if not form.ok:
        return _form(redemption_id, form), 422
    key = request.args.get(FIELD, "")
    made = redemption.refund_by_key(core(), actor=actor(), key=key)
    if made is not None and _same(made, redemption_id, form):
        return redirect(url_for("refunds.receipt", refund_id=made.id), 303)
    try:
        found = _proposal(redemption_id, form)
    except (Conflict, Forbidden, Unprocessable) as refusal:
        form.refuse(refusal)
        return _form(redemption_id, form), status_of(refusal)
    if made is not None or not well_formed(key):
        told = urlencode({**request.args.to_dict(), FIELD: new_key()})
        return redirect(f"{request.path}?{told}", 303)
    return render_template(
        "merchant/refund_confirm.html",
        redemption_id=redemption_id,
        found=found,
        form=form,
        words=fate_in_words(
            found.fate,
            found.after,
            found.valid_from,
            found.valid_until,
            locale(),
            today(),
        ),
        key=key,
    )


@blueprint.post("/redemptions/<uuid:redemption_id>/refunds")
def refund(redemption_id: UUID) -> Response | tuple[str, int]:
    """Give back, then show the receipt at an address of its own."""
    form = forms.read(RefundForm)
    if not form.ok:
        return _form(redemption_id, form), 422
    try:
        done = redemption.refund(
            core(),
            actor=actor(),
            redemption=RedemptionId(redemption_id),
            amount=_amount(redemption_id, form),
            reason=_reason(form.values),
            key=idempotency_key(),
        )
    except (Conflict, Forbidden, Unprocessable) as refusal:
        form.refuse(refusal)
        return _form(redemption_id, form), status_of(refusal)
    return redirect(url_for("refunds.receipt", refund_id=done.value.id), 303)


@blueprint.get("/refunds/<uuid:refund_id>")
def receipt(refund_id: UUID) -> str:
    """What was given back to whom, and what became of the voucher."""
    done = redemption.get_refund(core(), actor=actor(), refund=RefundId(refund_id))
    return render_template(
        "merchant/refund_receipt.html",
        done=done,
        order=redemption.get(core(), actor=actor(), redemption=done.redemption_id),
        words=fate_in_words(
            done.fate,
            done.after,
            done.valid_from,
            done.valid_until,
            locale(),
            today(),
        ),
        owed=redemption.owed_here(core(), actor=actor()),
    )


def _form(redemption_id: UUID, form: forms.Form) -> str:
    order = redemption.get(core(), actor=actor(), redemption=RedemptionId(redemption_id))
    page = redemption.refunds_of(
        core(), actor=actor(), redemption=order.id, cursor=request.args.get("after"), limit=20
    )
    return render_template(
        "merchant/refund.html",
        order=order,
        left=order.order_amount - order.refunded,
        page=page,
        form=form,
        reasons=[(each, _(words), None) for each, words in REASONS.items()],
    )


def _proposal(redemption_id: UUID, form: forms.Form) -> VoucherProposal | SaleProposal:
    amount = None if "whole" in form.values else form.values["amount"]
    return redemption.propose_refund(
        core(), actor=actor(), redemption=RedemptionId(redemption_id), amount=amount
    )


def _amount(redemption_id: UUID, form: forms.Form) -> Money:
    if "amount" in form.values:
        amount: Money = form.values["amount"]
        return amount
    return _proposal(redemption_id, form).parts.amount


def _same(made: Refund, redemption_id: UUID, form: forms.Form) -> bool:
    """Whether a refund is what the form asks for: a page kept from before may ask for another."""
    asked = form.values.get("amount", made.parts.amount)
    reason = _reason(form.values)
    return (made.redemption_id, made.parts.amount, made.reason) == (redemption_id, asked, reason)


def _reason(values: dict[str, Any]) -> str:
    reason = REASONS[values["reason"]]
    return f"{reason}：{values['note']}" if "note" in values else reason
