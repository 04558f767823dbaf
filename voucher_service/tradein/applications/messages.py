"""What an applicant is told by short message, in both languages. Pure.

No message holds an address to open: nobody should learn to trust one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from voucher_service.i18n import LOCALES, gettext, mark
from voucher_service.i18n.formats import money
from voucher_service.kernel.money import Money


class Message(StrEnum):
    """What happened to the application."""

    SUBMITTED = "application_submitted"
    SENT_BACK = "application_sent_back"
    REJECTED = "application_rejected"
    APPROVED = "application_approved"
    CORRECTION_ENDS = "application_correction_ends"
    LAPSED = "application_lapsed"
    PAYOUT_REFUSED = "application_payout_refused"
    PAYOUT_CAME_BACK = "application_payout_came_back"
    CARD_RETURNED = "application_card_returned"
    CARD_ACCEPTED = "application_card_accepted"
    PAID = "application_paid"


TEXT: Mapping[Message, str] = {
    Message.SUBMITTED: mark("您的汽车补贴申请已经收到，按规则可补 {amount}，审核结果会再发短信。"),
    Message.SENT_BACK: mark(
        "您的汽车补贴申请要补正。请登录以旧换新，照每一项的原因改好，{last} 前再交，过期作废。"
    ),
    Message.REJECTED: mark("您的汽车补贴申请没有通过，原因写在以旧换新里。有疑问请打 12345。"),
    Message.APPROVED: mark("您的汽车补贴申请已通过，{amount}，公示后付到您本人的银行卡。"),
    Message.CORRECTION_ENDS: mark(
        "您的汽车补贴申请还没有补正，{last} 是最后一天，过期作废，名额和钱会退回去。"
    ),
    Message.LAPSED: mark("您的汽车补贴申请过了补正的最后一天，已经作废。有疑问请打 12345。"),
    Message.PAYOUT_REFUSED: mark(
        "银行没有付成您的汽车补贴。请登录以旧换新看原因、改收款卡；不会有人打电话问您的卡号。"
    ),
    Message.PAYOUT_CAME_BACK: mark(
        "付给您的汽车补贴 {amount} 被银行退了回来。请登录以旧换新看原因、改收款卡；"
        "不会有人打电话问您的卡号。"
    ),
    Message.CARD_RETURNED: mark("您新填的收款卡没有核对上，原因写在以旧换新里，请再改。"),
    Message.CARD_ACCEPTED: mark("您新填的收款卡核对好了，{amount} 会付到尾号 {last4} 的卡。"),
    Message.PAID: mark("您的汽车补贴 {amount} 已经付到尾号 {last4} 的卡。"),
}
_SENDER = mark("【消费券】")


def text(message: Message, *, amount: Money, last4: str, last: date | None) -> str:
    """A message in Chinese and then in English. `last4`: of the card; `last`: the last day of the
    correction.
    """
    facts = {
        "amount": money(amount),
        "last4": last4,
        "last": last.isoformat() if last else "",
    }
    return "\n".join(
        gettext(_SENDER, locale) + gettext(TEXT[message], locale, **facts) for locale in LOCALES
    )
