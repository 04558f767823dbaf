"""What the pages say of alarms: a title for each, and the banner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from flask import g

from admin.staff import reader
from voucher_service.alarms import service
from voucher_service.alarms.model import Alarm, Kind, Standing
from voucher_service.campaigns.canary import SIGNALS, Signal
from voucher_service.i18n import gettext, mark
from voucher_service.i18n.errors import written
from voucher_service.i18n.formats import money
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import Money
from voucher_service.reconciliation.differences import formats
from voucher_service.reports.invariant_words import words
from voucher_service.stops.model import SCOPES, WHATS
from voucher_service.web.language import locale
from voucher_service.web.site import core

_COPIED = mark("{name}：签名次数倒退，钥匙已停用")
_READS = mark("{name}：一小时里查了 {reads} 次居民资料")
_SEALED = {
    "sealing": mark("封存慢了：最早的一条等了 {minutes} 分钟"),
    "witness": mark("见证方拒绝签名：它手里的账和这本不是同一本"),
    "silence": mark("见证方 {hours} 小时没有签名"),
}
_OVERDUE = mark("{late} 笔对账差异过了期限还没查清")
_FILE_MISSING = mark("{file}：{days} 天的账单没有到，最早的是 {first}")
_RETURNED = mark("批次 {number}：{count} 笔到账后被银行退回，还没有重付，共 {sum}")
_BACKED_UP = {
    "never": mark("还没有做过备份"),
    "old": mark("备份旧了：最近一次在 {hours} 小时以前"),
    "away": mark("备份接收端不在：新写的账只在这一台机器上"),
    "behind": mark("备份接收端落后 {mebibytes} MB"),
    "lost": mark("备份接收断过，中间缺一段：请马上做一次全备份"),
}
_STOPPED = mark("{what}停了：{where}")
_LATE = mark("没能按时判断，其余的名额没有开。")


def standing() -> Standing | None:
    """How the reader's alarms stand; None for who has none to see and where it can't be asked."""
    caller = reader()
    if caller is None or caller.roles <= {Role.ADMINISTRATOR}:
        return None
    if "alarms" not in g:
        try:
            g.alarms = service.standing(core(), actor=caller)
        except DomainError:
            g.alarms = None
    found: Standing | None = g.alarms
    return found


def person(alarm: Alarm) -> UUID | None:
    """The member of staff an alarm is about."""
    return UUID(alarm.subject.removeprefix("staff:")) if alarm.by_hand else None


def title(alarm: Alarm, names: Mapping[UUID, str]) -> str:
    """What is wrong, in a line."""
    if alarm.kind in (Kind.LEDGER, Kind.BOOKS):
        known = words(alarm.subject)
        number = alarm.subject.split()[0]
        return f"{number} {gettext(known, locale())}" if known else alarm.subject
    if alarm.kind is Kind.LOG:
        return gettext(_SEALED[alarm.subject], locale(), **alarm.detail)
    if alarm.kind is Kind.DIFFERENCE:
        return gettext(_OVERDUE, locale(), late=alarm.detail["late"])
    if alarm.kind in _OF_FILES:
        said, facts = _OF_FILES[alarm.kind]
        return gettext(said, locale(), **facts(alarm.detail))
    if alarm.kind is Kind.BACKUP:
        return gettext(_BACKED_UP[alarm.subject], locale(), **alarm.detail)
    if alarm.subject.startswith("staff:"):
        name = names.get(UUID(alarm.subject.removeprefix("staff:")), "–")
        text = _COPIED if alarm.kind is Kind.SIGN_IN else _READS
        return gettext(text, locale(), name=name, reads=alarm.detail.get("reads", "–"))
    title = str(alarm.detail.get("title") or alarm.subject)
    if alarm.kind is Kind.STOP and "what" in alarm.detail:
        where = gettext(title, locale()) if title in SCOPES.values() else title
        what = gettext(WHATS[alarm.detail["what"]], locale())
        return gettext(_STOPPED, locale(), what=what, where=where)
    return title


def _missing(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    title = formats.title(detail["channel"], locale())
    return {
        "file": f"{title} {detail['whose']}".strip(),
        "days": detail["days"],
        "first": written(date.fromisoformat(detail["first"]), locale()),
    }


def _returned(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**detail, "sum": money(Money(detail["amount_fen"]))}


# What a file of the bank or of a channel says, or would have said.
_OF_FILES: Mapping[Kind, tuple[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]] = {
    Kind.FILE: (_FILE_MISSING, _missing),
    Kind.RETURNED: (_RETURNED, _returned),
}


def notes(alarm: Alarm) -> list[str]:
    """What the title does not say: what looked wrong, or why something was stopped."""
    if alarm.kind is Kind.STOP:
        return [str(alarm.detail.get("reason", ""))]
    if alarm.kind is not Kind.CANARY:
        return []
    found = alarm.detail.get("findings")
    texts = [SIGNALS[Signal(one["signal"])] for one in found] if found else [_LATE]
    return [gettext(one, locale()) for one in texts]
