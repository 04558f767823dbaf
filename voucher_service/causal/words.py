"""Estimates in plain sentences, for people who are no economists. Chinese texts with English."""

from __future__ import annotations

from voucher_service.i18n import formats, gettext, mark

from .model import Check, CheckName, Counted, Design, Interval, Verdict, Window
from .outcomes import Amounts
from .service.reading import Estimate

DESIGNS = {
    Design.LOTTERY: mark("中签的与没中签的"),
    Design.CUTOFF: mark("刚抢到的与刚没抢到的"),
    Design.AREAS: mark("发券地区与没发券的地区"),
    Design.BUNCHING: mark("门槛附近的订单"),
}
WINDOWS = {
    Window.DURING: mark("券有效的那几周"),
    Window.WITH_AFTER: mark("算上券过期以后的几周"),
}
# The same in a few characters.
SPANS = {Window.DURING: mark("有效期内"), Window.WITH_AFTER: mark("加上过期后几周")}
AMOUNTS = {Amounts.ORDER: mark("订单金额（用券前）"), Amounts.PAID: mark("居民实付")}
ASSUMPTIONS = {
    Design.LOTTERY: mark(
        "只有运气决定谁中签。假设：在不在数据里与中没中签无关；没中签的人不因别人中签而少花；"
        "中签只通过券影响消费。"
    ),
    Design.CUTOFF: mark(
        "只比最后几个抢到的与最先没抢到的。假设：没人能选自己站在哪一边；"
        "没抢到的人不因别人抢到而少花。说的是这些排在边上的人，不是所有人。"
    ),
    Design.AREAS: mark(
        "比各地区前后的变化。假设：没有券，两组地区会一样地变；居民不跨地区消费。地区少，区间就宽。"
    ),
    Design.BUNCHING: mark(
        "看门槛附近比平常多了多少订单。假设：离门槛远的订单不受影响；订单都是真的。"
        "看不见提前消费，也看不见别家店少了的生意。"
    ),
}
CHECKS = {
    CheckName.BALANCE: mark("之前的消费两边一样"),
    CheckName.COVERAGE: mark("在数据里的比例两边一样"),
    CheckName.TRIMMED: mark("最大的那些消费截断以后"),
    CheckName.EARLIER_TREND: mark("之前的走势两边一样"),
    CheckName.OTHER_WINDOW: mark("换一段门槛附近的范围"),
}
UNITS = {
    Counted.ENTRANTS: mark("人"),
    Counted.SHOPS: mark("家店"),
    Counted.AREAS: mark("个地区"),
}
NOT_MEASURABLE = mark("净拉动不能估计：没有结果数据。")
ASK_FOR = (
    mark(
        "向支付机构或银行要：同意参加的报名者（抢到的和没抢到的）每周的消费，代号代替姓名，"
        "从开始前四周到券过期后至少四周。"
    ),
    mark("向参加活动的商户要：收银机的全部订单，不只是用券的，至少 30 家店。"),
    mark("向支付机构要：各地区每周的消费合计，至少 12 个地区，其中没发券的不少于 4 个。"),
)
_OF_OFFER = mark("“{offer}”，{compared}相比：")
_OF_AREAS = mark("{compared}相比：")
_INVENTED = mark("【示例数据，不是真的】")
_EFFECT = mark("每核销 1 元券，{weeks}{amounts}多出 {point} 元，95% 区间 {low} 到 {high} 元。")
_NONE = mark("这个区间含 0：看不出消费因券而变。")
_LESS = mark("意味着：消费不升反降。")
_OVER = mark("意味着：多出来的消费比券本身的钱多，居民自己也多花了。")
_ABOUT = mark("意味着：消费确实多了，但不能肯定比券本身的钱多。")
_UNDER = mark("意味着：消费多了，但不到券的钱，一部分券付的是本来就要花的钱。")
_OWN = mark("意味着：券之外，居民自己也多付了钱。")
_OWN_NONE = mark("这个区间含 0：看不出居民自己付的钱因券而变。")
_OWN_LESS = mark("意味着：居民自己少付了钱，一部分券付的是本来就要花的钱。")
_NO_AFTER = mark("没算券过期以后的几周，其中可能有提前买的。")
_SUSPECT = mark("有一项检验没通过，这个数不能采信。")
_TOO_SMALL = mark("数据太少，不估计：现有 {have} {unit}，要分清 3 元的效果至少要 {needed} {unit}。")
_NO_STAGE = mark("不估计：拿到券的人核销得太少，与别人分不开。")


def headline(estimate: Estimate, locale: str) -> str:
    """What an estimate says, and before it what was compared, and of which offer's vouchers."""
    compared = gettext(DESIGNS[estimate.design], locale)
    if locale == "en":
        compared = compared[0].lower() + compared[1:]
    # Between areas all vouchers of the programme count, in the others those of one offer.
    of = _OF_AREAS if estimate.design is Design.AREAS else _OF_OFFER
    said = gettext(of, locale, offer=estimate.offer.title, compared=compared)
    return formats.sentences((*_invented(estimate, locale), said, *_said(estimate, locale)), locale)


def sentence(estimate: Estimate, locale: str) -> str:
    """What an estimate says, and what it means."""
    return formats.sentences((*_invented(estimate, locale), *_said(estimate, locale)), locale)


def briefly(estimate: Estimate, locale: str) -> str:
    """An estimate in a cell of a table: what was compared, and the figure or why there is none."""
    said = _refused(estimate, locale)
    if estimate.effect is not None:
        said = interval(estimate.effect)
        if estimate.suspect:
            said = formats.sentences((said, gettext(_SUSPECT, locale)), locale)
    about = (gettext(DESIGNS[estimate.design], locale), gettext(SPANS[estimate.window], locale))
    headed = formats.headed(" · ".join(about), said, locale)
    return formats.sentences((*_invented(estimate, locale), headed), locale)


def check(one: Check, locale: str) -> tuple[str, str]:
    """What a check is called, and its figure, with whether it stands."""
    name, figure = gettext(CHECKS[one.name], locale), f"{one.figure:.2f}"
    if one.stands is None:
        return name, figure
    return name, f"{figure} {gettext(mark('通过') if one.stands else mark('没通过'), locale)}"


def figures(effect: Interval) -> tuple[str, str, str]:
    """Point, low and high with one decimal, two where an end would else be written as 0."""
    places = 1 if min(abs(effect.low), abs(effect.high)) >= 0.05 else 2
    point, low, high = (f"{one:.{places}f}" for one in (effect.point, effect.low, effect.high))
    return point, low, high


def interval(effect: Interval) -> str:
    """An effect with its interval: 3.1 [2.2, 4.0]."""
    point, low, high = figures(effect)
    return f"{point} [{low}, {high}]"


def _invented(estimate: Estimate, locale: str) -> tuple[str, ...]:
    return (gettext(_INVENTED, locale),) if estimate.invented else ()


def _said(estimate: Estimate, locale: str) -> list[str]:
    effect = estimate.effect
    if effect is None:
        return [_refused(estimate, locale)]
    point, low, high = figures(effect)
    said = [
        gettext(
            _EFFECT,
            locale,
            weeks=gettext(WINDOWS[estimate.window], locale),
            amounts=gettext(AMOUNTS[estimate.amounts], locale),
            point=point,
            low=low,
            high=high,
        ),
        gettext(_meaning(effect.low, effect.high, estimate.amounts), locale),
    ]
    if estimate.window is Window.DURING:
        said.append(gettext(_NO_AFTER, locale))
    if estimate.suspect:
        said.append(gettext(_SUSPECT, locale))
    return said


def _meaning(low: float, high: float, amounts: Amounts) -> str:
    if amounts is Amounts.PAID:
        return _OWN if low > 0 else _OWN_LESS if high < 0 else _OWN_NONE
    if low <= 0 <= high:
        return _NONE
    if high < 0:
        return _LESS
    if low > 1:
        return _OVER
    return _UNDER if high < 1 else _ABOUT


def _refused(estimate: Estimate, locale: str) -> str:
    if estimate.verdict is Verdict.TOO_SMALL and estimate.unit is not None:
        return gettext(
            _TOO_SMALL,
            locale,
            have=f"{estimate.have:,}",
            needed=f"{estimate.needed:,}",
            unit=gettext(UNITS[estimate.unit], locale),
        )
    return gettext(_NO_STAGE, locale)
