"""How a refusal looks at the till: a word readable from three steps away, then the next step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flask import Response, g, render_template, request, url_for

from merchant_portal.bills import BillForm
from voucher_service.i18n import mark, sentence
from voucher_service.infra.idempotency import InProgress
from voucher_service.kernel.errors import DomainError, Unavailable
from voucher_service.kernel.money import Money
from voucher_service.tradein import words
from voucher_service.tradein.sales.model import UnitNotCovered
from voucher_service.web import forms
from voucher_service.web.errors import status_of
from voucher_service.web.language import locale

from .screens import new_reference


class Next(StrEnum):
    """What the cashier most likely does now."""

    AMOUNT = "amount"
    SCAN = "scan"
    FOUR = "four"
    LOOK = "look"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Screen:
    """The short word of a refusal, and the next step.

    `afresh`: the order reference is used up, so the next attempt gets another one.
    """

    say: str
    next: Next
    afresh: bool = False


SCREENS = {
    "below_threshold": Screen("", Next.AMOUNT),  # says how much is missing instead
    "order_amount_invalid": Screen(mark("金额不对"), Next.AMOUNT),
    "spend_not_possible": Screen(mark("用多少不对"), Next.AMOUNT),
    "discounts_exceed_order": Screen(mark("减得太多"), Next.AMOUNT),
    "order_reference_reused": Screen(mark("订单号用过"), Next.AMOUNT),
    "order_refused": Screen(mark("这一单作废了"), Next.SCAN, afresh=True),
    "code_expired": Screen(mark("码过时了"), Next.SCAN),
    "code_used": Screen(mark("码扫过了"), Next.SCAN),
    "code_invalid": Screen(mark("不是券码"), Next.SCAN),
    "id_last_four_needed": Screen(mark("要证件后四位"), Next.FOUR),
    "id_last_four_wrong": Screen(mark("后四位不对"), Next.FOUR),
    "already_redeemed": Screen(mark("用过了"), Next.SCAN),
    "voucher_frozen": Screen(mark("别处正在用"), Next.SCAN),
    "voucher_expired": Screen(mark("券过期了"), Next.SCAN),
    "voucher_not_usable": Screen(mark("券不能用"), Next.SCAN),
    "redemption_stopped": Screen(mark("暂停使用"), Next.SCAN),
    "shop_not_in_scope": Screen(mark("本店不能用"), Next.SCAN),
    "stack_limit_reached": Screen(mark("小票上的券满了"), Next.SCAN),
    "own_voucher": Screen(mark("是自己的券"), Next.LEAVE),
    "qualification_used": Screen(mark("用过了"), Next.SCAN),
    "qualification_frozen": Screen(mark("别处正在用"), Next.SCAN),
    "qualification_over": Screen(mark("资格失效了"), Next.SCAN),
    "own_qualification": Screen(mark("是自己的资格"), Next.LEAVE),
    "one_unit_per_sale": Screen(mark("一次只卖一件"), Next.AMOUNT),
    "item_incomplete": Screen(mark("商品没填全"), Next.AMOUNT),
    "gtin_invalid": Screen(mark("条码不对"), Next.AMOUNT),
    "serial_invalid": Screen(mark("序列号不对"), Next.AMOUNT),
    "imei_invalid": Screen(mark("串号不对"), Next.AMOUNT),
    "imei_needed": Screen(mark("要填串号"), Next.AMOUNT),
    "price_not_order_amount": Screen(mark("价格不对"), Next.AMOUNT),
    "goods_unlisted": Screen(mark("库里没有这件"), Next.AMOUNT),
    "goods_of_another_category": Screen(mark("品类不对"), Next.AMOUNT),
    "grade_differs": Screen(mark("能效等级不对"), Next.AMOUNT),
    "above_filed_price": Screen(mark("高过报备价"), Next.AMOUNT),
    "unit_sold_before": Screen(mark("这件补贴过了"), Next.AMOUNT),
    "payer_not_holder": Screen(mark("不是本人"), Next.LEAVE),
    "unit_not_covered": Screen(mark("这件不补"), Next.AMOUNT),
    "subsidy_short": Screen(mark("补贴暂时没钱"), Next.LEAVE),
    "merchant_suspended": Screen(mark("本店已暂停"), Next.LEAVE),
    "device_not_enrolled": Screen(mark("这台机器没登记"), Next.LEAVE),
    "till_locked": Screen(mark("先停一下"), Next.LEAVE),
    "freeze_lapsed": Screen(mark("锁券超时"), Next.SCAN, afresh=True),
    "redemption_over": Screen(mark("这一单结束了"), Next.LOOK),
    "already_committed": Screen(mark("已经核销了"), Next.LOOK),
    "reversal_too_late": Screen(mark("不能撤销了"), Next.LOOK),
}
# Where a voucher's scope ends, the part that it ends at says more than the code; so does the paper
# that a newer print took the place of.
PARTS = {
    "hours": mark("现在不能用"),
    "weekday": mark("今天不能用"),
    "trade": mark("这个行业不能用"),
    "area": mark("这个地区不能用"),
    "paper": mark("这张纸作废了"),
}
OTHER = Screen("", Next.LEAVE)


def refused(refusal: DomainError) -> Response:
    """The screen of a refusal, or of an outcome that is not known, with what was typed."""
    g.code = refusal.code
    form = forms.read(BillForm)
    unknown = isinstance(refusal, Unavailable | InProgress)
    screen = SCREENS.get(refusal.code, OTHER)
    seconds = refusal.retry_after_seconds
    if seconds is not None:
        refusal.params.setdefault("seconds", seconds)
    order = (request.view_args or {}).get("redemption_id")
    made = "" if screen.afresh else form.typed.get("made_reference")
    page = render_template(
        "merchant/unknown.html" if unknown else "merchant/refused.html",
        refusal=refusal,
        screen=screen,
        say=PARTS.get(str(refusal.extra.get("part")), screen.say),
        sentence=sentence(refusal, locale()),
        missing=_missing(refusal, form),
        reasons=_reasons(refusal),
        form=form,
        ending=order is not None,
        looking=order and url_for("till.receipt", redemption_id=order),
        without=("order_reference",) if screen.afresh else (),
        made_reference=made or new_reference(),
    )
    response = Response(page, status_of(refusal), mimetype="text/html")
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def _reasons(refusal: DomainError) -> list[str]:
    """Why a policy pays nothing for a unit, a sentence each."""
    if not isinstance(refusal, UnitNotCovered):
        return []
    return words.reasons(refusal.params["case"], refusal.params["quote"], locale())


def _missing(refusal: DomainError, form: forms.Form) -> Money | None:
    """What the order lacks to reach the voucher's threshold."""
    if "threshold_fen" not in refusal.extra or "amount" not in form.values:
        return None
    amount: Money = form.values["amount"]
    counts = refusal.extra.get("eligible_fen", amount.fen)
    return Money(refusal.extra["threshold_fen"] - counts)
