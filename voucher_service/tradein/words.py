"""How a quote is told to people: names, each step and each reason as a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from voucher_service.goods.categories import CATEGORIES
from voucher_service.i18n import gettext, mark
from voucher_service.i18n.formats import money
from voucher_service.kernel.money import Money

from .policy import Case, Category, Energy, Policy, Scheme
from .quote import Line, Quote, Reason, Step

SCHEMES: Mapping[Scheme, str] = {
    Scheme.APPLIANCE: mark("家电以旧换新"),
    Scheme.DIGITAL: mark("数码产品购新"),
    Scheme.CAR_SCRAP: mark("汽车报废更新"),
    Scheme.CAR_REPLACE: mark("汽车置换更新"),
    Scheme.CAR_PURCHASE: mark("购车补贴"),
}
ENERGIES: Mapping[Energy, str] = {
    Energy.NEV: mark("新能源"),
    Energy.PETROL: mark("汽油"),
    Energy.DIESEL: mark("柴油和其他"),
}
_NAMES: Mapping[str, str] = {
    str(word): name for names in (SCHEMES, CATEGORIES, ENERGIES) for word, name in names.items()
}
_STEPS: Mapping[Step, str] = {
    Step.PRICE: mark("成交价"),
    Step.RATE: mark("补 {percent}%"),
    Step.FLAT: mark("定额补"),
    Step.TIER: mark("成交价 {from_price} 起的一档，补"),
    Step.CAPPED: mark("超过了最多能补的，补"),
    Step.NOT_ABOVE_PRICE: mark("不超过成交价，补"),
    Step.NOT_PUBLISHED: mark("金额未公布，按方案假定，补"),
}
_REASONS: Mapping[Reason, str] = {
    Reason.NO_POLICY: mark("这一天、这个地方没有公布这项补贴。"),
    Reason.CATEGORY_NOT_LISTED: mark("{year} 年这一类不在补贴范围里。"),
    Reason.GRADE_NEEDED: mark("请看能效（水效）标识是几级再算。"),
    Reason.GRADE_NOT_COVERED: mark("这一级能效（水效）不补，请看 {grades} 级的。"),
    Reason.PRICE_OVER_CEILING: mark("单价超过 {ceiling} 的不补。"),
    Reason.PRICE_BELOW_FIRST_TIER: mark("成交价不到 {floor} 的不补。"),
    Reason.NEW_CAR_NEEDED: mark("请说明新车是新能源还是燃油。"),
    Reason.ENERGY_NOT_COVERED: mark("这种能源的新车不补。"),
    Reason.OLD_ENERGY_NOT_COVERED: mark("报废新能源车、换购燃油车不补。"),
    Reason.ENGINE_NEEDED: mark("请填燃油新车的排量。"),
    Reason.ENGINE_TOO_LARGE: mark("燃油新车的排量要在 {litres} 升及以下。"),
    Reason.OLD_CAR_NEEDED: mark("请填旧车的情况。"),
    Reason.OLD_REGISTERED_TOO_LATE: mark("旧车要在 {registered_by} 及以前注册登记。"),
    Reason.OLD_OWNED_SINCE_NEEDED: mark("请填旧车是哪天登记到您名下的。"),
    Reason.OLD_OWNED_TOO_LATE: mark("旧车要在 {owned_by} 及以前登记到您名下。"),
}


def label(word: Scheme | Category | Energy, locale: str) -> str:
    """The name of a scheme, a category or a kind of energy."""
    return gettext(_NAMES[word], locale)


def step(line: Line, locale: str) -> str:
    """What one line of how the subsidy comes about is; its sum stands beside it."""
    return gettext(
        _STEPS[line.step],
        locale,
        percent=f"{line.fact / 100:g}",
        from_price=money(Money(line.fact)),
    )


def reasons(case: Case, quote: Quote, locale: str) -> list[str]:
    """Why a case gets nothing, a sentence each."""
    facts = _facts(case, quote.policy) if quote.policy else {}
    return [
        gettext(_REASONS[one], locale, **{"year": case.on.year, **facts}) for one in quote.reasons
    ]


def _facts(case: Case, policy: Policy) -> dict[str, str]:
    listed = [rule for rule in policy.rules if case.category in rule.categories]
    grades = sorted({grade for rule in listed for grade in rule.grades})
    facts = {"grades": "、".join(str(one) for one in grades)}
    for rule in listed:
        if rule.price_most is not None:
            facts["ceiling"] = money(rule.price_most)
        if rule.engine_most_ml is not None:
            facts["litres"] = f"{rule.engine_most_ml / 1000:.1f}"
        starts = getattr(rule.amount, "starts", ())
        if starts:
            facts["floor"] = money(starts[0][0])
    if policy.old is not None and case.old is not None:
        days = {
            "registered_by": policy.old.registered_by.get(case.old.energy),
            "owned_by": policy.old.owned_by,
        }
        facts |= {name: day.isoformat() for name, day in days.items() if day is not None}
    return facts
