"""What kinds of vouchers and what trade-in moved, side by side: each by its own definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import xlsxwriter
from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.campaigns.model import OfferKind
from voucher_service.campaigns.tables import OfferRow
from voucher_service.causal.service import Estimate
from voucher_service.i18n import LOCALES, formats, gettext, mark
from voucher_service.kernel.money import Money
from voucher_service.tradein.policy import CATEGORIES, Scheme

from . import causal
from .figures import Figures, quotient, ratios
from .groups import Cells, Group, GroupBy
from .trade_in import Subsidies, TradeIn

TITLE = mark("各种工具")
HEADINGS = (
    mark("工具"),
    mark("投放"),
    mark("发放"),
    mark("用掉"),
    mark("用掉 ÷ 发放"),
    mark("对应的消费"),
    mark("消费 ÷ 用掉"),
    mark("机械下限 ÷ 用掉"),
    mark("每多 1 元消费的花费"),
)
NOTE = mark(
    "券的发放是居民领到的，消费是订单金额。以旧换新没有投放，补贴发多少就是用掉多少；"
    "家电、数码的消费是成交额，汽车的是发票金额，没有经过平台。各自的口径不同，不能相加。"
)
_KINDS: Mapping[str, str] = {
    OfferKind.THRESHOLD: mark("满减券"),
    OfferKind.FIXED: mark("定额券"),
    OfferKind.PERCENT_CAPPED: mark("打折券"),
    OfferKind.PACK: mark("套券"),
    OfferKind.BALANCE: mark("余额券"),
}
_SOLD = {
    "appliances": (mark("家电以旧换新"), CATEGORIES[Scheme.APPLIANCE]),
    "digital": (mark("数码产品购新"), CATEGORIES[Scheme.DIGITAL]),
    "cars": (mark("汽车补贴"), CATEGORIES[Scheme.CAR_PURCHASE]),
}


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument. `released`, `issued`, the share used and the floor are None where it has
    none; `estimates` are those of its vouchers.
    """

    key: str
    labels: Mapping[str, str]
    released: Money | None
    issued: Money | None
    used: Money
    spent: Money
    usage: Decimal | None
    ratio: Decimal | None
    floor: Decimal | None
    estimates: tuple[Estimate, ...] = ()

    def cost(self, locale: str) -> str:
        """What each extra yuan costs, or a dash and why."""
        return causal.cost_in_words(self.estimates, locale)


def read(
    session: Session, cells: Cells[Figures], sold: TradeIn, estimates: Sequence[Estimate]
) -> tuple[Instrument, ...]:
    """Kinds of vouchers first, then what trade-in subsidised; those that moved something."""
    by_offer = cells.by(session, GroupBy.OFFER)
    rows = session.execute(select(OfferRow.id, OfferRow.kind).where(OfferRow.id.in_(by_offer)))
    kinds: dict[UUID, OfferKind] = {row[0]: row[1] for row in rows}
    sums: dict[OfferKind, Figures] = {}
    for offer, figures in by_offer.items():
        kind = kinds[offer]
        sums[kind] = sums[kind] + figures if kind in sums else figures
    vouchers = [
        _of_vouchers(kind, sums[kind], [one for one in estimates if one.offer.kind is kind])
        for kind in OfferKind
        if kind in sums
    ]
    return (*vouchers, *_of_trade_in(sold.categories))


def cells_of(one: Instrument, locale: str) -> list[str | Money | Decimal | None]:
    """A line under HEADINGS."""
    return [
        one.labels[locale],
        one.released,
        one.issued,
        one.used,
        one.usage,
        one.spent,
        one.ratio,
        one.floor,
        one.cost(locale),
    ]


def as_json(found: Sequence[Instrument], locale: str) -> list[dict[str, Any]]:
    """The block `instruments`."""
    return [
        {
            "key": one.key,
            "label": one.labels[locale],
            "released_fen": one.released and one.released.fen,
            "issued_fen": one.issued and one.issued.fen,
            "used_fen": one.used.fen,
            "spent_fen": one.spent.fen,
            "used_share": _number(one.usage),
            "ratio_on_used": _number(one.ratio),
            "floor_on_used": _number(one.floor),
            "cost_per_extra_yuan": one.cost(locale),
        }
        for one in found
    ]


def sheet(book: xlsxwriter.Workbook, found: Sequence[Instrument], locale: str) -> None:
    """A sheet with a line for each; amounts in yuan."""
    heading = book.add_format({"bold": True, "text_wrap": True, "bottom": 1, "valign": "top"})
    text, yuan, ratio, share = (
        book.add_format({"num_format": one}) for one in ("@", "#,##0.00", "0.00", "0.0%")
    )
    page = book.add_worksheet(gettext(TITLE, locale))
    page.set_column(0, len(HEADINGS) - 1, 18)
    for column, words in enumerate(HEADINGS):
        page.write_string(0, column, gettext(words, locale), heading)
    page.freeze_panes(1, 1)
    for line, one in enumerate(found, 1):
        for column, cell in enumerate(cells_of(one, locale)):
            if isinstance(cell, Money):
                page.write_number(line, column, Decimal(cell.yuan_text()), yuan)
            elif isinstance(cell, Decimal):
                usage = HEADINGS[column] == "用掉 ÷ 发放"
                page.write_number(line, column, cell, share if usage else ratio)
            elif cell is not None:
                page.write_string(line, column, cell, text)
    page.write_string(len(found) + 2, 0, gettext(NOTE, locale), text)


def written(one: Instrument, locale: str) -> list[str]:
    """The line as a paper prints it, amounts in 万元 (CNY million)."""
    return [
        cell if isinstance(cell, str) else _written(cell, column, locale)
        for column, cell in enumerate(cells_of(one, locale))
    ]


def _written(cell: Money | Decimal | None, column: int, locale: str) -> str:
    if isinstance(cell, Money):
        return formats.wan_parts(cell, locale)[0]
    return formats.percent(cell) if HEADINGS[column] == "用掉 ÷ 发放" else formats.ratio(cell)


def _of_vouchers(kind: OfferKind, figures: Figures, found: list[Estimate]) -> Instrument:
    of = ratios(figures)
    return Instrument(
        str(kind),
        _labels(_KINDS[kind]),
        figures.released,
        figures.issued,
        figures.redeemed,
        figures.leveraged,
        of.redemption_rate,
        of.on_redeemed,
        of.floor_on_redeemed,
        tuple(found),
    )


def _of_trade_in(categories: Sequence[Group[Subsidies]]) -> list[Instrument]:
    made = []
    for key, (name, within) in _SOLD.items():
        sums = sum((one.figures for one in categories if one.key in within), Subsidies())
        spent = sums.invoiced if key == "cars" else sums.turnover
        if sums.subsidy or spent:
            ratio = quotient(spent, sums.subsidy)
            used = sums.subsidy
            made.append(Instrument(key, _labels(name), None, None, used, spent, None, ratio, None))
    return made


def _labels(name: str) -> Mapping[str, str]:
    return {locale: gettext(name, locale) for locale in LOCALES}


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
