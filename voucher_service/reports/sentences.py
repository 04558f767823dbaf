"""The year-end sentences, in the words of bureaus, and where each of their figures comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.causal import words
from voucher_service.causal.service import headline
from voucher_service.i18n import formats, gettext, mark
from voucher_service.kernel.ids import ProgrammeId
from voucher_service.kernel.money import Money

from . import causal
from .trade_in import Subsidies

if TYPE_CHECKING:
    from .leverage import LeverageReport

HEADING = mark("年终表述")
# A figure of a sentence, its place in the answer to the query, and its definition.
SOURCES = (mark("数字"), mark("在查询结果里的位置"), mark("定义"))
EXACT = mark("精确值（金额以分计）")
QUERY = "/api/v1/reports/leverage"
REPLAYED = mark("【合成回放，不是真实数据】")
_VOUCHERS = mark("{issuers}发放消费券{issued}，拉动消费{leveraged}。")
_RATIOS = mark(
    "拉动比{on_issued}（÷发放；机械下限{floor_on_issued}），÷核销为{on_redeemed}"
    "（机械下限{floor_on_redeemed}）。"
)
_UNITS = mark("开展以旧换新活动，销售 {units} 台，直接拉动交易额{turnover}。")
_CARS = mark("发放{subsidy}购车补贴，惠及 {applications} 个消费者。")
_LEVELS = {
    "central": mark("中央"),
    "province": mark("省"),
    "city": mark("市"),
    "county": mark("县"),
    "town": mark("镇"),
}
_ALONE = mark("{level}级")
_TOGETHER = {
    2: mark("{levels}两级共同"),
    3: mark("{levels}三级共同"),
    4: mark("{levels}四级共同"),
    5: mark("{levels}五级共同"),
}
# Below this a figure in 万元 with one decimal says too little.
_SMALL = Money.of_yuan(100_000)
_FUNDED = text("""
SELECT DISTINCT f.level FROM campaign c JOIN budget_line b ON b.campaign_id = c.id
JOIN funder f ON f.id = b.funder_id WHERE c.programme_id = :programme
""")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a sentence: as it is written, where it stands in the report's JSON, in fen or as
    a number, and which definition says what it means.
    """

    written: str
    field: str
    value: int | str
    definition: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in one language, with its figures in their order."""

    text: str
    figures: Sequence[Figure]


def levels(session: Session, programme: ProgrammeId) -> frozenset[str]:
    """Which levels of treasuries fund a programme; merchants and banks are none."""
    return frozenset(session.execute(_FUNDED, {"programme": programme}).scalars()) & _LEVELS.keys()


def sentences(report: LeverageReport, locale: str) -> list[Sentence]:
    """What can be said of the report; nothing where nothing was issued, sold or granted."""
    found = [*_of_vouchers(report, locale), *_of_trade_in(report, locale)]
    if found and report.synthetic:
        found.insert(0, Sentence(gettext(REPLAYED, locale), ()))
    return found


def paragraph(report: LeverageReport, locale: str) -> str:
    """All of them, one behind the other; a dash for none."""
    texts = (one.text for one in sentences(report, locale))
    return formats.sentences(texts, locale) or formats.NOTHING


def query(report: LeverageReport) -> str:
    """What is asked of the admin face for the figures again."""
    days = {"from": report.first, "to": report.last}
    asked = {
        "programme": report.programme.slug,
        "group_by": str(report.group_by),
        "basis": str(report.basis),
        **{name: day.isoformat() for name, day in days.items() if day},
    }
    return f"{QUERY}?{urlencode(asked)}"


def amount(value: Money, locale: str) -> str:
    """A sum in 万元 (CNY million), or to the fen where that says too little."""
    if abs(value.fen) < _SMALL.fen:
        return formats.money(value)
    return formats.wan(value, locale)


def as_json(report: LeverageReport, locale: str) -> list[dict[str, Any]]:
    """Each sentence with its figures; the query and the log's head stand with the report."""
    return [
        {
            "text": one.text,
            "query": query(report),
            "figures": [
                {
                    "written": figure.written,
                    "field": figure.field,
                    "value": figure.value,
                    "definition": figure.definition,
                }
                for figure in one.figures
            ],
        }
        for one in sentences(report, locale)
    ]


def _of_vouchers(report: LeverageReport, locale: str) -> list[Sentence]:
    figures, ratios = report.totals.figures, report.totals.ratios
    if not figures.issued:
        return []
    issuers = _issuers(report.levels, locale)
    amounts = {
        name: Figure(amount(sum_, locale), f"totals.{name}_fen", sum_.fen, name)
        for name, sum_ in (("issued", figures.issued), ("leveraged", figures.leveraged))
    }
    quotients = {
        name: Figure(formats.ratio(value), f"totals.{field}", str(value), definition)
        for name, field, definition, value in (
            ("on_issued", "ratio_on_issued", "ratio", ratios.on_issued),
            ("floor_on_issued", "floor_on_issued", "floor", ratios.floor_on_issued),
            ("on_redeemed", "ratio_on_redeemed", "ratio", ratios.on_redeemed),
            ("floor_on_redeemed", "floor_on_redeemed", "floor", ratios.floor_on_redeemed),
        )
    }
    return [
        _sentence(_VOUCHERS, amounts, locale, issuers=issuers),
        _sentence(_RATIOS, quotients, locale),
        _of_estimate(report, locale),
    ]


def _of_estimate(report: LeverageReport, locale: str) -> Sentence:
    """What vouchers changed, or why that can't be said."""
    said, best = causal.sentence(report.causal, locale), headline(report.causal)
    if best is None or best.effect is None:
        return Sentence(said, ())
    place = report.causal.index(best)
    values = (("point", best.effect.point), ("low", best.effect.low), ("high", best.effect.high))
    return Sentence(
        said,
        [
            Figure(written, f"causal.estimates[{place}].effect.{end}", str(value), "net_leverage")
            for written, (end, value) in zip(words.figures(best.effect), values, strict=True)
        ],
    )


def _of_trade_in(report: LeverageReport, locale: str) -> list[Sentence]:
    """Units and cars apart, as bureaus tell them; only where categories can be told."""
    every = [(place, one.figures) for place, one in enumerate(report.trade_in.categories)]
    cars = [(place, one) for place, one in every if one.applications]
    units = [(place, one) for place, one in every if one.units]
    found = []
    if cars:
        subsidy = Money.total(one.subsidy for _, one in cars)
        told = {
            "subsidy": _summed("subsidy", cars, amount(subsidy, locale), subsidy.fen),
            "applications": _counted("applications", cars),
        }
        found.append(_sentence(_CARS, told, locale))
    if units:
        turnover = Money.total(one.turnover for _, one in units)
        told = {
            "units": _counted("units", units),
            "turnover": _summed("turnover", units, amount(turnover, locale), turnover.fen),
        }
        found.append(_sentence(_UNITS, told, locale))
    return found


def _summed(name: str, parts: Sequence[tuple[int, Subsidies]], written: str, value: int) -> Figure:
    """A figure that is the sum of the same field of some categories."""
    suffix = name if name in ("units", "applications") else f"{name}_fen"
    field = " + ".join(f"trade_in.categories[{place}].{suffix}" for place, _ in parts)
    return Figure(written, field, value, "trade_in")


def _counted(name: str, parts: Sequence[tuple[int, Subsidies]]) -> Figure:
    count = sum(getattr(one, name) or 0 for _, one in parts)
    return _summed(name, parts, formats.count(count), count)


def _sentence(template: str, figures: Mapping[str, Figure], locale: str, **facts: str) -> Sentence:
    written = {name: one.written for name, one in figures.items()}
    return Sentence(gettext(template, locale, **written, **facts), list(figures.values()))


def _issuers(found: frozenset[str], locale: str) -> str:
    named = [gettext(words, locale) for level, words in _LEVELS.items() if level in found]
    if len(named) > 1:
        *others, last = named
        joined = f"{', '.join(others)} and {last}" if locale == "en" else "".join(named)
        return gettext(_TOGETHER[len(named)], locale, levels=joined)
    return gettext(_ALONE, locale, level=named[0]) if named else ""
