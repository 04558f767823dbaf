"""What a merchant is told by short message, in both languages: who knows which its reader speaks.

Pure. No message holds an address to open: nobody should learn to trust one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from voucher_service.i18n import LOCALES, gettext, mark


class Message(StrEnum):
    """What happened."""

    SUBMITTED = "merchant_submitted"
    SENT_BACK = "merchant_sent_back"
    REJECTED = "merchant_rejected"
    ADMITTED = "merchant_admitted"
    ACCOUNT_REQUESTED = "account_requested"
    ACCOUNT_APPROVED = "account_approved"
    ACCOUNT_STOPPED = "account_stopped"
    SUSPENDED = "merchant_suspended"
    REINSTATED = "merchant_reinstated"
    PAYMENT_CAME_BACK = "payment_came_back"


TEXT: Mapping[Message, str] = {
    Message.SUBMITTED: mark("“{name}”的入驻申请已经收到，有结果会再发短信。"),
    Message.SENT_BACK: mark("“{name}”的入驻申请要补正。请登录商户端，照每一项的原因改好再交。"),
    Message.REJECTED: mark("“{name}”的入驻申请没有通过，原因写在商户端里。有疑问请打 12345。"),
    Message.ADMITTED: mark("“{name}”已经入驻，店长现在可以登录收券。"),
    Message.ACCOUNT_REQUESTED: mark(
        "有人申请把“{name}”的收款账户换成尾号 {last4}。不是您办的，请马上打 12345 叫停。"
    ),
    Message.ACCOUNT_APPROVED: mark(
        "“{name}”的新收款账户（尾号 {last4}）{hours} 小时后生效。不是您办的，请马上打 12345 叫停。"
    ),
    Message.ACCOUNT_STOPPED: mark("“{name}”换收款账户（尾号 {last4}）已经叫停，原来的账户不变。"),
    Message.SUSPENDED: mark("“{name}”已暂停收券，货款暂缓支付。请联系审核部门或打 12345。"),
    Message.REINSTATED: mark("“{name}”已恢复收券。"),
    Message.PAYMENT_CAME_BACK: mark(
        "付给“{name}”的货款 {amount} 被银行退了回来：{reason}。请登录商户端核对收款账户，"
        "改对了下一批重付。"
    ),
}
_SENDER = mark("【消费券】")


def text(message: Message, facts: Mapping[str, str]) -> str:
    """A message in Chinese and then in English."""
    return "\n".join(
        gettext(_SENDER, locale) + gettext(TEXT[message], locale, **facts) for locale in LOCALES
    )
