"""Words about staff, their factors, and why they read personal data; and where passkeys belong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import request
from markupsafe import Markup

from voucher_service.i18n import formats, gettext, mark
from voucher_service.identity.desk import Answer, Field, Origin, Reason
from voucher_service.identity.documents import Document
from voucher_service.identity.model import STAFF_PUBLIC, Factor, PasskeysUnavailable, StaffStatus
from voucher_service.kernel.actor import Role
from voucher_service.web.language import locale
from voucher_service.web.site import core

ROLES: Mapping[str, str] = {
    Role.PLANNER: mark("策划"),
    Role.APPROVER: mark("审批"),
    Role.REVIEWER: mark("审核"),
    Role.FINANCE: mark("财务"),
    Role.AUDITOR: mark("审计"),
    Role.ADMINISTRATOR: mark("系统管理"),
}
FACTORS: Mapping[str, str] = {
    Factor.OTP: mark("动态码"),
    Factor.PASSKEY: mark("通行密钥"),
}
FIELDS: Mapping[str, str] = {
    Field.NAME: mark("姓名"),
    Field.MOBILE: mark("手机号"),
    Field.ID_NUMBER: mark("证件号码"),
}
REASONS: Mapping[str, str] = {
    Reason.COMPLAINT: mark("处理投诉"),
    Reason.SUPPORT: mark("帮居民办事"),
    Reason.REVIEW: mark("审核材料"),
    Reason.FRAUD: mark("核查异常"),
    Reason.AUDIT: mark("审计"),
    Reason.LEGAL: mark("配合执法"),
}
KINDS: Mapping[str, str] = {
    "staff": mark("工作人员"),
    "cashier": mark("收银员"),
    "resident": mark("居民"),
    "system": mark("系统"),
}
ACTS: Mapping[str, str] = {
    "staff.created": mark("开了账号"),
    "staff.proposed": mark("提案开账号"),
    "staff.approved": mark("账号批准"),
    "staff.refused": mark("账号没有批准"),
    "staff.closed": mark("账号注销"),
    "staff.granted": mark("换了岗位或地区"),
    "staff.reset": mark("重设了密码和验证"),
    "staff.signed_in": mark("登录"),
    "staff.sign_in_refused": mark("登录没有成功"),
    "staff.session_ended": mark("退出了一处登录"),
    "staff.sessions_ended": mark("退出了全部登录"),
    "staff.password_changed": mark("换了密码"),
    "staff.otp_enrolled": mark("登记了动态码"),
    "staff.otp_removed": mark("停用了动态码"),
    "staff.recovery_codes_made": mark("换了备用码"),
    "staff.factor_shown": mark("再次验证身份"),
    "staff.passkey_added": mark("登记了通行密钥"),
    "staff.passkey_removed": mark("删了通行密钥"),
    "staff.passkey_copied": mark("通行密钥疑被复制"),
    "resident.looked_up": mark("查找居民"),
    "resident.revealed": mark("看了居民的个人信息"),
    "merchant_application.begun": mark("开始申请入驻"),
    "merchant_application.submitted": mark("提交入驻申请"),
    "merchant_application.prechecked": mark("入驻初审通过"),
    "merchant_application.returned": mark("入驻退回初审"),
    "merchant_application.sent_back": mark("入驻退回补正"),
    "merchant_application.admitted": mark("商户入驻"),
    "merchant_application.rejected": mark("入驻没有通过"),
    "merchant_document.read": mark("看了入驻材料"),
    "merchant.revealed": mark("看了商户的个人信息"),
    "merchant.suspended": mark("暂停商户收券"),
    "merchant.reinstated": mark("恢复商户收券"),
    "settlement_account.requested": mark("申请换收款账户"),
    "settlement_account.proposed": mark("收款账户报批"),
    "settlement_account.returned": mark("收款账户退回核实"),
    "settlement_account.approved": mark("收款账户批准"),
    "settlement_account.refused": mark("收款账户没有通过"),
    "settlement_account.stopped": mark("换收款账户叫停"),
    "payment_hold.placed": mark("暂缓付款"),
    "payment_hold.lifted": mark("恢复付款"),
    "audit.searched": mark("查审计记录"),
    "audit.exported": mark("下载审计记录"),
    "audit.asked_who_saw": mark("查谁看过一个号码"),
    "approval.proposed": mark("提案"),
    "approval.signed": mark("盖章"),
    "approval.executed": mark("提案生效"),
    "approval.rejected": mark("提案退回"),
    "approval.withdrawn": mark("提案撤回"),
    "approval.lapsed": mark("提案过期"),
    "budget.created": mark("建了预算"),
    "budget_line.planned": mark("加了出资额度"),
    "funder.created": mark("登记了出资方"),
    "programme.created": mark("建了活动方案"),
    "campaign.created": mark("建了活动"),
    "campaign.submitted": mark("提交了活动"),
    "campaign.sent_back": mark("活动退回修改"),
    "campaign.published": mark("活动开始发放"),
    "campaign.paused": mark("暂停了活动"),
    "campaign.resumed": mark("恢复了活动"),
    "campaign.closed": mark("结束了活动"),
    "offer.planned": mark("加了一种券"),
    "offer.opened": mark("券开放领取"),
    "offer.closed": mark("券停止领取"),
    "canary.passed": mark("试发通过"),
    "canary.stopped": mark("试发停下"),
    "canary.overruled": mark("试发停下后放行"),
    "stop.ordered": mark("紧急停止了发放或使用"),
    "stop.lifted": mark("紧急停止解除"),
    "alarm.raised": mark("发出告警"),
    "alarm.acknowledged": mark("有人处理告警"),
    "alarm.cleared": mark("告警解除"),
    "voucher.claimed": mark("领了券"),
    "voucher.redeemed": mark("用了券"),
    "voucher.printed": mark("打印了纸质券"),
    "till_file.compared": mark("门店传了对账文件"),
    "dispute.opened": mark("门店提了异议"),
    "dispute.answered": mark("答复了异议"),
    "dispute.replied": mark("门店回复了异议"),
    "dispute.accepted": mark("认可了异议"),
    "dispute.rejected": mark("没有认可异议"),
    "dispute.withdrawn": mark("门店撤回了异议"),
    "dispute.closed": mark("异议结案"),
    "voucher.expired": mark("券过期"),
    "redemption.committed": mark("核销入账"),
    "resident.registered": mark("居民开户"),
    "cashier.signed_in": mark("收银员登录"),
}
DOCUMENTS: Mapping[Document, str] = {
    Document.RESIDENT_ID: mark("居民身份证"),
    Document.HK_MACAO_PERMIT: mark("港澳居民来往内地通行证"),
    Document.TAIWAN_PERMIT: mark("台湾居民来往大陆通行证"),
    Document.FOREIGN_PERMANENT: mark("外国人永久居留身份证"),
    Document.PASSPORT: mark("护照"),
}
_KINDS: Mapping[StaffStatus, str] = {
    StaffStatus.PROPOSED: "wait",
    StaffStatus.ACTIVE: "ok",
    StaffStatus.CLOSED: "",
}


def staff_state(status: StaffStatus) -> tuple[str, str]:
    """The state of an account as a word and the kind of its badge."""
    return gettext(STAFF_PUBLIC[status], locale()), _KINDS[status]


def document_choices() -> list[tuple[str, str]]:
    """The kinds of documents, for a list to choose from."""
    return [(kind.value, gettext(words, locale())) for kind, words in DOCUMENTS.items()]


def named(words: Mapping[str, str], values: Iterable[str]) -> str:
    """Several values of a list as one text, in the list's order."""
    there = set(values)
    names = (gettext(text, locale()) for value, text in words.items() if value in there)
    return formats.listed(names, locale())


def act_name(action: str) -> Markup:
    """What was done, in words where there are any, and as the records name it."""
    words = ACTS.get(action)
    code = Markup('<span class="mono">{}</span>').format(action)
    return Markup("{}<br>{}").format(gettext(words, locale()), code) if words else code


def who(actor: str, names: Mapping[UUID, str]) -> Markup:
    """Who did it: a colleague by name, others by kind, and the id."""
    kind, _, id = actor.partition(":")
    name = names.get(UUID(id)) if kind == "staff" else None
    shown = name or gettext(KINDS.get(kind, kind), locale())
    return Markup('{}<br><span class="note mono id">{}</span>').format(shown, id or kind)


def globals_() -> dict[str, Any]:
    """What the templates say about colleagues."""
    return {
        "staff_state": staff_state,
        "act_name": act_name,
        "who": who,
        "role_names": lambda roles: named(ROLES, roles),
        "factor_names": lambda factors: named(FACTORS, factors),
        "field_name": lambda field: named(FIELDS, [field]),
        "reason_name": lambda reason: named(REASONS, [reason]),
    }


def origin() -> Origin:
    """Where passkeys of this face belong. Raises PasskeysUnavailable when production wasn't told.

    A passkey is made for a domain: in development "localhost" has them, an address in figures not.
    """
    settings = core().settings
    address = settings.desk.origin
    if not address and settings.production:
        raise PasskeysUnavailable
    address = (address or request.host_url).rstrip("/")
    return Origin(urlsplit(address).hostname or "", address)


def answer(text: str) -> Answer:
    """What a browser's passkey answered here."""
    return Answer(text, origin())
