"""How a refusal looks at the till: a word readable from three steps away, then the next step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flask import Response, g, render_template

from merchant_portal.schemas import OrderForm
from voucher_service.i18n import mark, sentence
from voucher_service.infra.idempotency import InProgress
from voucher_service.kernel.errors import DomainError, Unavailable
from voucher_service.kernel.money import Money
from voucher_service.web import forms
from voucher_service.web.errors import status_of
from voucher_service.web.language import locale

from .screens import new_reference


class Next(StrEnum):
    """What the cashier most likely does now."""

    AMOUNT = "amount"
    SCAN = "scan"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Screen:
    """The short word of a refusal, and the next step."""

    say: str
    next: Next


SCREENS = {
    "below_threshold": Screen("", Next.AMOUNT),  # says how much is missing instead
    "order_amount_invalid": Screen(mark("金额不对"), Next.AMOUNT),
    "order_reference_reused": Screen(mark("订单号用过"), Next.AMOUNT),
    "code_expired": Screen(mark("码过时了"), Next.SCAN),
    "code_used": Screen(mark("码扫过了"), Next.SCAN),
    "code_invalid": Screen(mark("不是券码"), Next.SCAN),
    "already_redeemed": Screen(mark("用过了"), Next.SCAN),
    "voucher_expired": Screen(mark("券过期了"), Next.SCAN),
    "voucher_not_usable": Screen(mark("券不能用"), Next.SCAN),
    "redemption_stopped": Screen(mark("暂停使用"), Next.SCAN),
    "shop_not_in_scope": Screen(mark("本店不能用"), Next.SCAN),
    "own_voucher": Screen(mark("是自己的券"), Next.LEAVE),
    "merchant_suspended": Screen(mark("本店已暂停"), Next.LEAVE),
    "till_locked": Screen(mark("先停一下"), Next.LEAVE),
}
OTHER = Screen("", Next.LEAVE)


def refused(refusal: DomainError) -> Response:
    """The screen of a refusal, or of an outcome that is not known, with what was typed."""
    g.code = refusal.code
    form = forms.read(OrderForm)
    unknown = isinstance(refusal, Unavailable | InProgress)
    seconds = refusal.retry_after_seconds
    if seconds is not None:
        refusal.params.setdefault("seconds", seconds)
    page = render_template(
        "merchant/unknown.html" if unknown else "merchant/refused.html",
        refusal=refusal,
        screen=SCREENS.get(refusal.code, OTHER),
        sentence=sentence(refusal, locale()),
        missing=_missing(refusal, form),
        form=form,
        made_reference=form.typed.get("made_reference") or new_reference(),
    )
    response = Response(page, status_of(refusal), mimetype="text/html")
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def _missing(refusal: DomainError, form: forms.Form) -> Money | None:
    """What the order lacks to reach the voucher's threshold."""
    if "threshold_fen" not in refusal.extra or "amount" not in form.values:
        return None
    amount: Money = form.values["amount"]
    return Money(refusal.extra["threshold_fen"]) - amount
