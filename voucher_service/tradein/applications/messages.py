"""What an applicant is told by short message, in both languages. Pure.

No message holds an address to open: nobody should learn to trust one.
"""

from __future__ import annotations

from collections.abc import Mapping
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


TEXT: Mapping[Message, str] = {
    Message.SUBMITTED: mark("您的汽车补贴申请已经收到，按规则可补 {amount}，审核结果会再发短信。"),
    Message.SENT_BACK: mark("您的汽车补贴申请要补正。请登录以旧换新，照每一项的原因改好再交。"),
    Message.REJECTED: mark("您的汽车补贴申请没有通过，原因写在以旧换新里。有疑问请打 12345。"),
    Message.APPROVED: mark("您的汽车补贴申请已通过，{amount}，公示后付到您本人的银行卡。"),
}
_SENDER = mark("【消费券】")


def text(message: Message, amount: Money) -> str:
    """A message in Chinese and then in English."""
    return "\n".join(
        gettext(_SENDER, locale) + gettext(TEXT[message], locale, amount=money(amount))
        for locale in LOCALES
    )
