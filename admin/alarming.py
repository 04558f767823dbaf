"""What the pages say of alarms: the invariants in words, a title for each, and the banner."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import g

from admin.staff import reader
from voucher_service.alarms import service
from voucher_service.alarms.model import Alarm, Kind, Standing
from voucher_service.campaigns.canary import SIGNALS, Signal
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.stops.model import SCOPES, WHATS
from voucher_service.web.language import locale
from voucher_service.web.site import core

# By the names that `voucher verify` prints.
INVARIANTS: Mapping[str, str] = {
    "L1": mark("全部分录加起来是零"),
    "L2": mark("每笔转账借贷相等，没有被改过"),
    "L3": mark("除拨款外没有账户透支"),
    "L4": mark("已领未用的钱等于还有效的券"),
    "L5": mark("锁住的钱等于锁住的核销"),
    "L6": mark("每个活动的钱来去相等"),
    "L7": mark("分摊给出资方的钱等于核销的钱"),
    "L8": mark("程序没有权限改账，触发器都在"),
    "L9": mark("发出去的等于用掉、过期和有效的"),
    "L10": mark("拉动消费等于核销订单减去退款"),
    "I1": mark("没有一个场次超发，没有一个名额发两次"),
    "I2": mark("没有人超过限领"),
    "I5": mark("没有人在场次之外领到"),
    "I8": mark("领出去的钱等于写下的券"),
    "I9": mark("没有券比它的券种还新"),
    "R1": mark("一张券只核销一次"),
    "R2": mark("每笔核销都满门槛、在有效期内"),
    "A1": mark("每张券的领取都有记录"),
    "A2": mark("每张券的核销都有记录"),
    "A3": mark("执行过的提案签名都够"),
    "A4": mark("发放的活动都有批准"),
    "A5": mark("提案的内容和冻结时一样"),
    "A6": mark("提案和审计记录一样"),
    "B1": mark("账退回到了较早的时刻，之后付的款要先核对"),
    "T1": mark("业务时间就是服务器时间"),
    "D1": mark("每次摇号都能重算"),
    "D2": mark("中签的人都有券"),
    "D3": mark("摇号的券只在中签的人手里"),
    "P1": mark("名单的券只在名单上的人手里"),
    "P2": mark("名单上发过的人都有券"),
    "G1": mark("闸口和账本的名额一致"),
    "G2": mark("券种的钱和券一致"),
}
_COPIED = mark("{name}：签名次数倒退，钥匙已停用")
_READS = mark("{name}：一小时里查了 {reads} 次居民资料")
_SEALED = {
    "sealing": mark("封存慢了：最早的一条等了 {minutes} 分钟"),
    "witness": mark("见证方拒绝签名：它手里的账和这本不是同一本"),
    "silence": mark("见证方 {hours} 小时没有签名"),
}
_OVERDUE = mark("{late} 笔对账差异过了期限还没查清")
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
        name = alarm.subject.split()[0]
        known = INVARIANTS.get(name)
        return f"{name} {gettext(known, locale())}" if known else alarm.subject
    if alarm.kind is Kind.LOG:
        return gettext(_SEALED[alarm.subject], locale(), **alarm.detail)
    if alarm.kind is Kind.DIFFERENCE:
        return gettext(_OVERDUE, locale(), late=alarm.detail["late"])
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


def notes(alarm: Alarm) -> list[str]:
    """What the title does not say: what looked wrong, or why something was stopped."""
    if alarm.kind is Kind.STOP:
        return [str(alarm.detail.get("reason", ""))]
    if alarm.kind is not Kind.CANARY:
        return []
    found = alarm.detail.get("findings")
    texts = [SIGNALS[Signal(one["signal"])] for one in found] if found else [_LATE]
    return [gettext(one, locale()) for one in texts]
