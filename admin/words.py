"""Words of the admin pages: states, places, trades, sums; bound to the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from voucher_service.alarms.model import KINDS as ALARMS
from voucher_service.alarms.model import PUBLIC as ALARM_STATES
from voucher_service.alarms.model import Status as Alarming
from voucher_service.approvals.model import Status
from voucher_service.budgets.model import LEVELS, MoveStatus
from voucher_service.campaigns.canary import SIGNALS
from voucher_service.campaigns.canary import Status as Judged
from voucher_service.campaigns.model import CampaignStatus, OfferKind, OfferStatus, Programme
from voucher_service.i18n import formats, gettext, mark
from voucher_service.i18n.errors import written
from voucher_service.infra import areas
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.money import Money
from voucher_service.merchants.model import Trade
from voucher_service.pushes.model import RESULTS
from voucher_service.pushes.model import Status as Giving
from voucher_service.reports.groups import Basis, GroupBy
from voucher_service.reports.trade_in import PAYERS
from voucher_service.stops.model import SCOPES, WHATS
from voucher_service.web.language import locale

from .review import Check

STATES: Mapping[str, tuple[str, str]] = {
    CampaignStatus.DRAFT: (mark("草稿"), ""),
    CampaignStatus.SUBMITTED: (mark("等待批准"), "wait"),
    CampaignStatus.PUBLISHED: (mark("发放中"), "ok"),
    CampaignStatus.PAUSED: (mark("已暂停"), "warn"),
    CampaignStatus.CLOSED: (mark("已结束"), ""),
    OfferStatus.OPEN: (mark("可领"), "ok"),
    Status.WAITING: (mark("等待批准"), "wait"),
    Status.EXECUTED: (mark("已批准"), "ok"),
    Status.REJECTED: (mark("已退回"), "stop"),
    Status.WITHDRAWN: (mark("已撤回"), ""),
    Status.LAPSED: (mark("已过期"), "warn"),
    Giving.APPROVED: (mark("正在发"), "wait"),
    Giving.DONE: (mark("发完了"), "ok"),
    MoveStatus.MADE: (mark("已入账"), "ok"),
    MoveStatus.REFUSED: (mark("没有批准"), "stop"),
    Alarming.RAISED: (ALARM_STATES[Alarming.RAISED], "stop"),
    Alarming.ACKNOWLEDGED: (ALARM_STATES[Alarming.ACKNOWLEDGED], "wait"),
    Alarming.CLEARED: (ALARM_STATES[Alarming.CLEARED], "ok"),
    Judged.PASSED: (mark("试发通过"), "ok"),
    Judged.STOPPED: (mark("试发叫停"), "stop"),
}
KINDS: Mapping[str, str] = {
    OfferKind.THRESHOLD: mark("满减券：满了门槛减面额"),
    OfferKind.FIXED: mark("定额券：满面额就能用"),
    OfferKind.PERCENT_CAPPED: mark("打折券：按比例减，面额封顶"),
    OfferKind.PACK: mark("套券：一次领几张，每单用一张"),
    OfferKind.BALANCE: mark("余额券：一笔钱，分次用完"),
}
ACTIONS: Mapping[str, str] = {
    "staff.create": mark("开账号"),
    "staff.grant": mark("换岗位或地区"),
    "staff.reset": mark("重设密码和验证"),
    "staff.close": mark("注销账号"),
    "resident.forget": mark("忘记居民"),
    "application.approve": mark("批准汽车补贴"),
    "revision.approve": mark("批准补差"),
    "sale_review.release": mark("放行补贴"),
    "difference.correct": mark("更正对账差异"),
    "difference.accept": mark("认可对账差异"),
    "campaign.publish": mark("发布活动"),
    "campaign.resume": mark("恢复发放"),
    "campaign.close": mark("提前结束"),
    "push.give": mark("按名单发"),
    "fund.appropriate": mark("登记拨款"),
    "fund.return": mark("退回国库"),
    "fund.carry_over": mark("结转下年"),
    "budget.allot": mark("下达预算"),
    "budget.pass_down": mark("下达县区"),
    "budget.hand_back": mark("交回预算"),
    "budget.cap": mark("预算上限"),
    "campaign.cap": mark("活动上限"),
    "stop.lift": mark("恢复"),
    "payouts.resume": mark("恢复付款"),
    "merchant.admit": mark("商户入驻"),
    "merchant.account_change": mark("换收款账户"),
    "merchant.hold_lift": mark("恢复支付货款"),
    "goods.change": mark("改商品库"),
    "settlement.pay": mark("付一批结算款"),
    "settlement.advance": mark("预付商户"),
    "revision.return": mark("登记退回的补差"),
    "pledge.enter": mark("登记约定"),
}
BRANDS: Mapping[str, str] = {
    "jinqiu": mark("惠利金秋：桂花金"),
    "moyang": mark("漠阳品：靛蓝"),
    "night": mark("夜阳江：暮紫"),
    "feast": mark("美食荟：荔枝红"),
    "renew": mark("以旧换新：新叶绿"),
}
GROUPS: Mapping[str, str] = {
    GroupBy.CAMPAIGN: mark("活动"),
    GroupBy.AREA: mark("地区"),
    GroupBy.TRADE: mark("行业"),
    GroupBy.DAY: mark("按日"),
    GroupBy.FUNDER: mark("出资方"),
    GroupBy.MERCHANT_SIZE: mark("商户规模"),
    GroupBy.OFFER: mark("券种"),
    GroupBy.HOUR: mark("按钟点"),
    GroupBy.BRAND: mark("品牌"),
}
BASES: Mapping[str, str] = {
    Basis.PERIOD: mark("按发生日"),
    Basis.COHORT: mark("按领取日"),
}
_SMALL = Money.of_yuan(100_000)


def say(words: Mapping[str, str]) -> Callable[[str], str]:
    """A filter that says a value of a list in the reader's language; an unknown one as it is."""
    return lambda value: gettext(words.get(value, str(value)), locale())


def state(value: str) -> tuple[str, str]:
    """A status as a word and the kind of its badge."""
    word, kind = STATES.get(value, (str(value), ""))
    return gettext(word, locale()), kind


def area(code: str) -> str:
    """A division by name; the empty code is the whole city."""
    return areas.name(code, locale()) if code else gettext("全市", locale())


def scope(codes: list[str], name: Callable[[str], str], everywhere: str) -> str:
    """Several names as one text; none of them means everywhere."""
    return formats.listed(map(name, codes), locale()) or everywhere


def trade(value: str) -> str:
    """A trade by name."""
    return Trade(value).label(locale()) if value in set(Trade) else value


def programme_name(programme: Programme) -> str:
    """A programme by the name of the reader's language."""
    return programme.name_en if locale() == "en" and programme.name_en else programme.name


def is_small(value: Money) -> bool:
    """Whether a sum is too small to be told in 万元 with one decimal: below 100,000 yuan."""
    return abs(value.fen) < _SMALL.fen


def unit(*, small: bool) -> str:
    """The unit of a column of sums."""
    return gettext(mark("元") if small else mark("万元"), locale())


def amount(value: Money, *, small: bool) -> Markup:
    """A sum in the unit of its column, as many decimals as the others; its title is the sum to
    the fen.
    """
    whole = formats.money(value)
    figure = whole.replace("¥", "") if small else formats.wan_parts(value, locale())[0]
    return Markup('<span title="{}">{}</span>').format(whole, figure)


def figure(value: Money) -> tuple[Markup, str]:
    """A sum for a ticket of figures, and its unit; small sums in whole yuan."""
    if not is_small(value):
        return amount(value, small=False), unit(small=False)
    whole = Money.of_yuan((value.fen + 50) // 100)
    shown = Markup('<span title="{}">{}</span>').format(formats.money(value), formats.yuan(whole))
    return shown, unit(small=True)


def lines(*parts: str) -> Markup:
    """The head of a column on several lines."""
    return Markup("<br>").join(escape(part) for part in parts)


def said(check: Check) -> str:
    """The sentence of a check, its sums and instants as people write them."""
    facts = {name: written(value, locale()) for name, value in check.facts.items()}
    return gettext(check.text, locale(), **facts)


def short_day(instant: datetime) -> str:
    """A day as it stands below a seal: 9.23."""
    day = day_of(instant)
    return f"{day.month}.{day.day}"


def moment(text: str) -> str:
    """An instant of a frozen payload, as people write it."""
    return written(datetime.fromisoformat(text), locale())


def globals_() -> dict[str, Any]:
    """What the templates of this face can say besides the kit's words."""
    return {
        "state": state,
        "area_name": area,
        "trade_name": trade,
        "scope": scope,
        "programme_name": programme_name,
        "is_small": is_small,
        "unit": unit,
        "amount": amount,
        "figure": figure,
        "lines": lines,
        "said": said,
        "moment": moment,
        "short_day": short_day,
        "state_word": lambda value: state(value)[0],
        "brand_name": say(BRANDS),
        "group_name": say(GROUPS),
        "basis_name": say(BASES),
        "kind_name": say(KINDS),
        "level_name": say(LEVELS),
        "payer_name": say(PAYERS),
        "action_name": say(ACTIONS),
        "scope_name": say(SCOPES),
        "what_name": say(WHATS),
        "signal_name": say(SIGNALS),
        "alarm_name": say(ALARMS),
        "result_name": say({str(one): words for one, words in RESULTS.items()}),
    }
