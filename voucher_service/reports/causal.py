"""The causal part of the leverage report: what estimates say, or what to ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from voucher_service.causal import words
from voucher_service.causal.model import Interval
from voucher_service.causal.service import Estimate, headline
from voucher_service.i18n import formats, gettext, mark

NET_LEVERAGE = mark("净拉动")
# Headings, and what stands below them.
COLUMNS = (
    (mark("券"), "text"),
    (mark("比的是"), "text"),
    (mark("哪几周"), "text"),
    (mark("哪个金额"), "text"),
    (mark("每核销 1 元多出的元数"), "ratio"),
    (mark("95% 区间下端"), "ratio"),
    (mark("95% 区间上端"), "ratio"),
    (mark("对比的一边"), "count"),
    (mark("另一边"), "count"),
    (mark("意思"), "prose"),
    (mark("假设"), "prose"),
    (mark("数据文件 SHA-256"), "code"),
    (mark("方法与种子"), "text"),
)
# So many of them a page is wide enough for.
SHORT = 9


def as_json(estimates: Sequence[Estimate], locale: str) -> dict[str, Any]:
    """The block `causal`: measurable or not, what to ask for, and every newest estimate."""
    return {
        "measurable": headline(estimates) is not None,
        "sentence": sentence(estimates, locale),
        "ask_for": [gettext(one, locale) for one in words.ASK_FOR] if not estimates else [],
        "cost_per_extra_yuan": _interval(cost(estimates)),
        "estimates": [_estimate(one, locale) for one in estimates],
    }


def sentence(estimates: Sequence[Estimate], locale: str) -> str:
    """The headline in words; that nothing can be measured, where there is none."""
    best = headline(estimates)
    if best is not None:
        return words.sentence(best, locale)
    if estimates:
        return words.sentence(estimates[0], locale)
    return gettext(words.NOT_MEASURABLE, locale)


def cost(estimates: Sequence[Estimate]) -> Interval | None:
    """Redeemed yuan for each extra yuan of spending; None where the extra may be nothing."""
    best = headline(estimates)
    if best is None or best.effect is None or best.effect.low <= 0:
        return None
    effect = best.effect
    return Interval(1 / effect.point, 1 / effect.high, 1 / effect.low)


def cost_in_words(estimates: Sequence[Estimate], locale: str) -> str:
    """The cost with its interval; a dash and the reason where there is none."""
    found = cost(estimates)
    if found is None:
        return gettext(mark("–（{why}）"), locale, why=no_cost(estimates, locale))
    return gettext(
        mark("{point} 元（95% 区间 {low} 到 {high}）"),
        locale,
        point=f"{found.point:.2f}",
        low=f"{found.low:.2f}",
        high=f"{found.high:.2f}",
    )


def no_cost(estimates: Sequence[Estimate], locale: str) -> str:
    """Why there is no cost."""
    if headline(estimates):
        return gettext(mark("多出来的消费可能是 0"), locale)
    return gettext(mark("数据太少") if estimates else mark("还不能估计：没有结果数据"), locale)


def none(locale: str) -> list[str]:
    """That nothing can be measured, and what to ask for."""
    return [gettext(one, locale) for one in (words.NOT_MEASURABLE, *words.ASK_FOR)]


def interval(one: Interval) -> str:
    """An effect with its interval: 3.10 [2.20, 4.00]."""
    return f"{one.point:.2f} [{one.low:.2f}, {one.high:.2f}]"


def written(one: Estimate, locale: str) -> list[str]:
    """The first SHORT cells of a line as a paper prints them."""
    return [
        _written(cell, kind)
        for cell, (_, kind) in zip(cells_of(one, locale)[:SHORT], COLUMNS, strict=False)
    ]


def explained(one: Estimate, locale: str) -> str:
    """What an estimate says in a sentence, and what it takes for granted."""
    assumptions = gettext(words.ASSUMPTIONS[one.design], locale)
    return f"{one.offer.title} · {words.sentence(one, locale)} {assumptions}"


def _written(cell: str | float | None, kind: str) -> str:
    if cell is None or isinstance(cell, str):
        return cell or formats.NOTHING
    return formats.count(int(cell)) if kind == "count" else formats.ratio(str(cell))


def cells_of(one: Estimate, locale: str) -> tuple[str | float | None, ...]:
    """A line under the headings of COLUMNS."""
    effect = one.effect
    return (
        one.offer.title,
        gettext(words.DESIGNS[one.design], locale),
        gettext(words.WINDOWS[one.window], locale),
        gettext(words.AMOUNTS[one.amounts], locale),
        round(effect.point, 4) if effect else None,
        round(effect.low, 4) if effect else None,
        round(effect.high, 4) if effect else None,
        one.treated,
        one.control,
        words.sentence(one, locale),
        gettext(words.ASSUMPTIONS[one.design], locale),
        one.file_sha256,
        f"{one.method} {one.seed}",
    )


def _estimate(one: Estimate, locale: str) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "offer": str(one.offer.id),
        "design": str(one.design),
        "window": str(one.window),
        "amounts": str(one.amounts),
        "verdict": str(one.verdict),
        "effect": _interval(one.effect),
        "offered_yuan": _interval(one.offered),
        "redeemed_yuan": one.redeemed,
        "treated": one.treated,
        "control": one.control,
        "have": one.have,
        "needed": one.needed,
        "unit": None if one.unit is None else str(one.unit),
        "checks": [
            {"name": str(check.name), "figure": check.figure, "stands": check.stands}
            for check in one.checks
        ],
        "sentence": words.sentence(one, locale),
        "assumptions": gettext(words.ASSUMPTIONS[one.design], locale),
        "file_sha256": one.file_sha256,
        "inputs_sha256": one.inputs_sha256,
        "method": one.method,
        "seed": one.seed,
        "made_at": formats.iso(one.made_at),
    }


def _interval(one: Interval | None) -> dict[str, float] | None:
    if one is None:
        return None
    return {"point": one.point, "low": one.low, "high": one.high}
