"""A policy in words: each rule a sentence of whom it pays how much, and what it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from voucher_service.i18n import formats, gettext, mark
from voucher_service.infra import areas

from .policy import Amount, Category, Energy, Flat, OldRule, Policy, Round, Rule, Share
from .words import label

_GRADES = mark("能效（水效）{grades} 级")
_ENERGIES = mark("新车{energies}")
_OLD_ENERGIES = mark("旧车{energies}")
_ENGINE = mark("排量 {litres} 升及以下")
_CEILING = mark("单价不超过 {price}")
_FLAT = mark("补 {amount}")
_SHARE = mark("补成交价的 {percent}，最多 {cap}")
_TIER = mark("{price} 起补 {amount}")
_REGISTERED = mark("旧{energy}车 {day} 及以前注册登记")
_OWNED = mark("旧车 {day} 及以前登记到本人名下")
_UNITS = mark("{category}每人 {n} 件")
_COUNTS_WITH = mark("和{schemes}合起来算件数")
_SEATS = mark("新车最多 {n} 座")
_CATALOGUE = mark("新能源新车在减免购置税的车型目录里")
_SAME_PROVINCE = mark("发票和登记在同一个省")
_ROUND_UP = mark("补贴有零头的，向上取整到元")
_EVERYWHERE = mark("全国")


def rules(policy: Policy, locale: str) -> list[tuple[str, str]]:
    """What each rule is about, and what it pays on which conditions."""
    return [(_goods(one.categories, locale), _pays(one, locale)) for one in policy.rules]


def conditions(policy: Policy, locale: str) -> list[str]:
    """What a policy asks of every purchase beyond its rules."""
    return [*_conditions(policy, locale)]


def places(policy: Policy, locale: str) -> str:
    """Where a policy is in force."""
    named = [areas.name(one, locale) for one in policy.areas]
    return formats.listed(named, locale) if named else gettext(_EVERYWHERE, locale)


def _goods(categories: Iterable[Category], locale: str) -> str:
    return formats.listed(
        [label(one, locale) for one in Category if one in set(categories)], locale
    )


def _pays(rule: Rule, locale: str) -> str:
    parts = [*_asks(rule, locale), *_amount(rule.amount, locale)]
    return formats.clauses(parts, locale)


def _asks(rule: Rule, locale: str) -> Iterator[str]:
    if rule.grades:
        grades = formats.listed([str(one) for one in sorted(rule.grades)], locale)
        yield gettext(_GRADES, locale, grades=grades)
    if rule.energies:
        yield gettext(_ENERGIES, locale, energies=_energies(rule.energies, locale))
    if rule.old_energies:
        yield gettext(_OLD_ENERGIES, locale, energies=_energies(rule.old_energies, locale))
    if rule.engine_most_ml is not None:
        yield gettext(_ENGINE, locale, litres=f"{rule.engine_most_ml / 1000:g}")
    if rule.price_most is not None:
        yield gettext(_CEILING, locale, price=formats.face(rule.price_most))


def _amount(amount: Amount, locale: str) -> Iterator[str]:
    if isinstance(amount, Flat):
        yield gettext(_FLAT, locale, amount=formats.face(amount.amount))
    elif isinstance(amount, Share):
        rate = f"{amount.rate.value / 100:g}%"
        yield gettext(_SHARE, locale, percent=rate, cap=formats.face(amount.cap))
    else:
        for start, paid in amount.starts:
            yield gettext(_TIER, locale, price=formats.face(start), amount=formats.face(paid))


def _conditions(policy: Policy, locale: str) -> Iterator[str]:
    if policy.old is not None:
        yield from _old(policy.old, locale)
    for category, units in (policy.units or {}).items():
        yield gettext(_UNITS, locale, category=label(category, locale), n=units)
    if policy.counts_with:
        named = formats.listed([label(one, locale) for one in sorted(policy.counts_with)], locale)
        yield gettext(_COUNTS_WITH, locale, schemes=named)
    if policy.car is not None:
        yield gettext(_SEATS, locale, n=policy.car.seats_most)
        if policy.car.catalogue:
            yield gettext(_CATALOGUE, locale)
        if policy.car.same_province:
            yield gettext(_SAME_PROVINCE, locale)
    if policy.rounding is Round.YUAN_UP and any(
        isinstance(one.amount, Share) for one in policy.rules
    ):
        yield gettext(_ROUND_UP, locale)
    if policy.assumed is not None:
        yield policy.assumed.spelt(locale)


def _old(rule: OldRule, locale: str) -> Iterator[str]:
    for energy, day in rule.registered_by.items():
        facts = {"energy": label(energy, locale), "day": day.isoformat()}
        yield gettext(_REGISTERED, locale, **facts)
    if rule.owned_by is not None:
        yield gettext(_OWNED, locale, day=rule.owned_by.isoformat())


def _energies(energies: Iterable[Energy], locale: str) -> str:
    return formats.listed([label(one, locale) for one in Energy if one in set(energies)], locale)
