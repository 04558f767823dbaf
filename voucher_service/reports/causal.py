"""The causal part of the leverage report: what estimates say, or what to ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voucher_service.causal import words
from voucher_service.causal.model import Interval
from voucher_service.causal.outcomes import Amounts
from voucher_service.causal.service import Estimate, headline
from voucher_service.i18n import formats, gettext, mark

from .figures import Ratios

NET_LEVERAGE = mark("净拉动")
# Of the headline alone, as columns of a spreadsheet.
FIGURES = (mark("净拉动 ÷ 核销"), mark("95% 区间下端"), mark("95% 区间上端"))
_RATIOS = (
    (mark("拉动比"), mark("订单合计 ÷ 核销"), "on_redeemed"),
    (mark("机械下限"), mark("满减门槛自带"), "floor_on_redeemed"),
    (mark("扣券后"), mark("居民自己付的 ÷ 核销"), "net_on_redeemed"),
)
# Headings, and what stands below them.
COLUMNS = (
    (mark("券"), "text"),
    (mark("比的是"), "text"),
    (mark("哪几周"), "text"),
    (mark("哪个金额"), "text"),
    (mark("每核销 1 元多出的元数"), "ratio"),
    (mark("95% 区间下端"), "ratio"),
    (mark("95% 区间上端"), "ratio"),
    (mark("有券的"), "count"),
    (mark("没券的"), "count"),
    (mark("平均到每个拿到券的人（或每个地区的人）"), "ratio"),
    (mark("95% 区间下端"), "ratio"),
    (mark("95% 区间上端"), "ratio"),
    (mark("平均多核销"), "ratio"),
    (mark("意思"), "prose"),
    (mark("检验"), "prose"),
    (mark("假设"), "prose"),
    (mark("数据文件 SHA-256"), "code"),
    (mark("方法与种子"), "text"),
)
# So many of them a page is wide enough for.
SHORT = 9


@dataclass(frozen=True, slots=True)
class Line:
    """One of the figures that stand side by side, in yuan per redeemed yuan. `name` and `about` are
    texts of the locale; a ratio has no interval, and None stands for what can't be said.
    """

    name: str
    about: str
    figure: float | None
    effect: Interval | None = None

    def written(self) -> tuple[str, str, str, str]:
        """The cells of a table: a ratio with two decimals, an estimate as it is said."""
        if self.effect is None:
            figure = None if self.figure is None else str(self.figure)
            return self.name, self.about, formats.ratio(figure), formats.NOTHING
        point, low, high = words.figures(self.effect)
        return self.name, self.about, point, f"[{low}, {high}]"


def gross_to_net(ratios: Ratios, locale: str) -> list[Line]:
    """Gross, floor and net."""
    return [
        Line(gettext(name, locale), gettext(about, locale), None if of is None else float(of))
        for name, about, of in ((name, about, getattr(ratios, of)) for name, about, of in _RATIOS)
    ]


def side_by_side(ratios: Ratios, estimates: Sequence[Estimate], locale: str) -> list[Line]:
    """Gross, floor and net, and below them every estimate, or why there is none."""
    lines = gross_to_net(ratios, locale)
    offers = {one.offer.id for one in estimates}
    for one in estimates:
        if one.effect is not None:
            told = [one.offer.title] if len(offers) > 1 else []
            told += [gettext(mark("示例数据"), locale)] if one.invented else []
            told += [gettext(mark("检验没通过"), locale)] if one.suspect else []
            if one.amounts is Amounts.PAID:
                told.append(gettext(words.AMOUNTS[one.amounts], locale))
            about = " · ".join((*told, gettext(words.SPANS[one.window], locale)))
            name = gettext(words.DESIGNS[one.design], locale)
            lines.append(Line(name, about, one.effect.point, one.effect))
    if headline(estimates) is None:
        lines.append(Line(gettext(NET_LEVERAGE, locale), why_none(estimates, locale), None))
    return lines


def figures(estimates: Sequence[Estimate]) -> tuple[float | None, float | None, float | None]:
    """The headline's point and interval, of order amounts and unrounded."""
    best = headline(estimates)
    extra = best.spending if best else None
    return (None, None, None) if extra is None else (extra.point, extra.low, extra.high)


def as_json(estimates: Sequence[Estimate], locale: str) -> dict[str, Any]:
    """The block `causal`: measurable or not, what to ask for, and every newest estimate."""
    best = headline(estimates)
    return {
        "measurable": best is not None,
        "sentence": sentence(estimates, locale),
        "ask_for": [gettext(one, locale) for one in words.ASK_FOR] if best is None else [],
        "headline": best and str(best.id),
        "cost_per_extra_yuan": _interval(cost(estimates)),
        "estimates": [_estimate(one, locale) for one in estimates],
    }


def sentence(estimates: Sequence[Estimate], locale: str) -> str:
    """The headline in words; why there is none, and no figure, where there is none."""
    best, real = headline(estimates), _of_real(estimates)
    if best is None and any(one.suspect for one in real):
        return gettext(mark("净拉动不给数：有一项检验没通过。"), locale)
    told = best or next(iter(real), None)
    return gettext(words.NOT_MEASURABLE, locale) if told is None else words.headline(told, locale)


def cost(estimates: Sequence[Estimate]) -> Interval | None:
    """Redeemed yuan for each extra yuan of spending; None where the extra may be nothing."""
    best = headline(estimates)
    extra = best.spending if best else None
    if extra is None or extra.low <= 0:
        return None
    return Interval(1 / extra.point, 1 / extra.high, 1 / extra.low)


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
    best = headline(estimates)
    if best is None or best.spending is None:
        return why_none(estimates, locale)
    fell = best.spending.high < 0
    return gettext(mark("消费不升反降") if fell else mark("多出来的消费可能是 0"), locale)


def why_none(estimates: Sequence[Estimate], locale: str) -> str:
    """Why there is no headline."""
    real = _of_real(estimates)
    if any(one.suspect for one in real):
        return gettext(mark("检验没通过"), locale)
    return gettext(mark("数据太少") if real else mark("还不能估计：没有结果数据"), locale)


def _of_real(estimates: Sequence[Estimate]) -> list[Estimate]:
    return [one for one in estimates if not one.invented]


def none(locale: str) -> list[str]:
    """That nothing can be measured, and what to ask for."""
    return [gettext(one, locale) for one in (words.NOT_MEASURABLE, *words.ASK_FOR)]


def written(one: Estimate, locale: str) -> list[str]:
    """The first SHORT cells of a line as a paper prints them."""
    return [
        _written(cell, kind)
        for cell, (_, kind) in zip(cells_of(one, locale)[:SHORT], COLUMNS, strict=False)
    ]


def explained(one: Estimate, locale: str) -> str:
    """What an estimate says in a sentence, and what it takes for granted."""
    assumptions = gettext(words.ASSUMPTIONS[one.design], locale)
    return f"{words.headline(one, locale)} {assumptions}"


def _written(cell: str | float | None, kind: str) -> str:
    if cell is None or isinstance(cell, str):
        return cell or formats.NOTHING
    return formats.count(int(cell)) if kind == "count" else formats.ratio(str(cell))


def cells_of(one: Estimate, locale: str) -> tuple[str | float | None, ...]:
    """A line under the headings of COLUMNS."""
    return (
        one.offer.title,
        gettext(words.DESIGNS[one.design], locale),
        gettext(words.WINDOWS[one.window], locale),
        gettext(words.AMOUNTS[one.amounts], locale),
        *_rounded(one.effect),
        one.treated,
        one.control,
        *_rounded(one.offered),
        None if one.redeemed is None else round(one.redeemed, 4),
        words.sentence(one, locale),
        formats.clauses((" ".join(words.check(check, locale)) for check in one.checks), locale),
        gettext(words.ASSUMPTIONS[one.design], locale),
        one.file_sha256,
        f"{one.method} {one.seed}",
    )


def _rounded(one: Interval | None) -> tuple[float | None, ...]:
    ends = (one.point, one.low, one.high) if one else (None, None, None)
    return tuple(None if end is None else round(end, 4) for end in ends)


def _estimate(one: Estimate, locale: str) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "offer": str(one.offer.id),
        "design": str(one.design),
        "window": str(one.window),
        "amounts": str(one.amounts),
        "verdict": str(one.verdict),
        "invented": one.invented,
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
