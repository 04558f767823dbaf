"""Words of proposals and simulations: who must sign and why, payloads, terms, days and months."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval, Reason, Rule
from voucher_service.campaigns.wording import GOODS
from voucher_service.i18n import formats, gettext, mark
from voucher_service.i18n.errors import written
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.money import Money
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.site import core, now

from .offer_words import PARTIAL_REFUNDS_IN_SHORT, REFUNDS_IN_SHORT, shop_list, weekdays
from .words import KINDS, area, lines, say, scope, trade

WHY: Mapping[str, str] = {
    Rule.AMOUNT: mark("最多动用 {judged}，提案之外要 {n} 个人批准。"),
    Rule.SPLIT: mark("连同最近同类的提案一共 {judged}，合起来算，提案之外要 {n} 个人批准。"),
    Rule.LIVE: mark("要改正在发放的券，提案之外要 {n} 个人批准。"),
    Rule.STEEP: mark("优惠比例超过规定，提案之外要 {n} 个人批准。"),
}
TERMS: Mapping[str, str] = {
    "face_value_fen": mark("面额"),
    "threshold_fen": mark("门槛"),
    "discount_bps": mark("优惠最多占订单"),
    "quota": mark("张数"),
    "per_resident_limit": mark("每人限领"),
    "valid_days": mark("有效天数"),
    "areas": mark("地区"),
    "trades": mark("行业"),
    "kind": mark("用法"),
    "rate_bps": mark("打折比例（减 %）"),
    "pieces": mark("一套几张"),
    "shops": mark("指定门店"),
    "hours": mark("时段"),
    "weekdays": mark("星期"),
    "excluded_items": mark("不算的商品"),
    "stack_limit": mark("一单最多用几张"),
    "refund_rule": mark("整单退货"),
    "partial_refund": mark("部分退货"),
    "paper": mark("可印纸质券"),
}
_WORDS: Mapping[str, Callable[[Any], str | None]] = {
    "areas": lambda value: scope(value, area, gettext(mark("全市"), locale())),
    "trades": lambda value: scope(value, trade, gettext(mark("所有行业"), locale())),
    "kind": say(KINDS),
    "shops": lambda value: shop_list(value) or gettext(mark("所有门店"), locale()),
    "hours": lambda value: scope(value, str, gettext(mark("全天"), locale())),
    "weekdays": weekdays,
    "excluded_items": lambda value: scope(value, say(GOODS), formats.NOTHING),
    "refund_rule": say(REFUNDS_IN_SHORT),
    "partial_refund": say(PARTIAL_REFUNDS_IN_SHORT),
    "paper": lambda value: payload_value(bool(value)),
}
_SOON = timedelta(days=2)


def why(reason: Reason) -> str:
    """Why a proposal needs more than one signature."""
    facts = {"judged": formats.money(reason.judged), "n": reason.signatures}
    return gettext(WHY[reason.rule], locale(), **facts)


def waits_for(approval: Approval) -> str:
    """How far a waiting proposal is, and until when it waits."""
    facts = {
        "at": written(approval.expires_at, locale()),
        "n": len(approval.signatures),
        "needed": approval.signatures_needed,
        "judged": formats.money(approval.amount),
    }
    text = mark("最多动用 {judged}，已盖 {n} / {needed} 个章，{at} 前有效")
    if not approval.amount.fen:
        text = mark("已盖 {n} / {needed} 个章，{at} 前有效")
    return gettext(text, locale(), **facts)


def signed(approval: Approval, names: Mapping[UUID, str]) -> Markup:
    """How many of the signatures are there, and whose."""
    count = escape(f"{len(approval.signatures)} / {approval.signatures_needed}")
    people = [names.get(one.staff_id, "–") for one in approval.signatures]
    return lines(count, scope(people, str, "")) if people else count


def payload_label(labels: tuple[str, ...]) -> str:
    """The name of a line of a payload."""
    return " · ".join(gettext(one, locale()) for one in labels)


def payload_value(value: Any) -> str:
    """A value of a payload, as people write it."""
    if isinstance(value, bool):
        return gettext(mark("是") if value else mark("否"), locale())
    if isinstance(value, list):
        return scope(value, payload_value, formats.NOTHING)
    if isinstance(value, Money):
        return formats.money(value)
    return formats.NOTHING if value in (None, "") else written(value, locale())


def term_value(term: str, value: Any) -> str:
    """A term of an offer as a simulation has it, as people write it."""
    if term in _WORDS:
        return str(_WORDS[term](value))
    if term.endswith("_fen"):
        return formats.face(Money(value))
    return formats.percent(value, 10_000) if term.endswith("_bps") else formats.count(value)


def days(first: str, last: str) -> str:
    """A day, or days in a row, of a simulation."""
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    if begin == end:
        return written(begin, locale())
    facts = {"first": written(begin, locale()), "last": written(end, locale())}
    return gettext(mark("{first} 到 {last} 的每一天"), locale(), **facts)


def month(text: str) -> str:
    """A month of a simulation: 2026年11月."""
    year, number = text.split("-")
    return f"{number}/{year}" if locale() == "en" else f"{year}年{int(number)}月"


def soon(instant: datetime) -> bool:
    """Whether that instant is within two days."""
    return instant - now() <= _SOON


def sees_proposal(approval: ApprovalId) -> bool:
    """Whether a proposal can be opened: staff of a county don't see those of the city."""
    if not actor().area:
        return True
    try:
        approvals.get(core(), actor=actor(), approval=approval)
    except NoSuchThing:
        return False
    return True


def globals_() -> dict[str, Any]:
    """What the templates of proposals can say."""
    return {
        "why": why,
        "waits_for": waits_for,
        "signed": signed,
        "soon": soon,
        "sees_proposal": sees_proposal,
        "fen": Money,
        "days": days,
        "month": month,
        "term": say(TERMS),
        "term_value": term_value,
        "payload_label": payload_label,
        "payload_value": payload_value,
    }
