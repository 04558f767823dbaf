"""What kinds of vouchers and what trade-in moved, side by side: each by its own definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.campaigns.model import OfferKind
from voucher_service.campaigns.tables import OfferRow
from voucher_service.causal.model import Design
from voucher_service.causal.service import Estimate
from voucher_service.i18n import formats, labels, mark
from voucher_service.kernel.money import Money
from voucher_service.tradein.policy import CATEGORIES, Scheme

from . import causal
from .figures import Figures, number, quotient, ratios, summed
from .groups import Cells, Group, GroupBy
from .trade_in import Subsidies, TradeIn

TITLE = mark("各种工具")
# Headings, and what stands below them.
COLUMNS = (
    (mark("工具"), "text"),
    (mark("投放"), "yuan"),
    (mark("发放"), "yuan"),
    (mark("用掉"), "yuan"),
    (mark("用掉 ÷ 发放"), "share"),
    (mark("对应的消费"), "yuan"),
    (mark("消费 ÷ 用掉"), "ratio"),
    (mark("机械下限 ÷ 用掉"), "ratio"),
    (mark("每多 1 元消费的花费"), "text"),
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
    sums = summed((kinds[offer], figures) for offer, figures in by_offer.items())
    vouchers = [
        _of_vouchers(kind, sums[kind], _about(kind, estimates, alone=len(sums) == 1))
        for kind in OfferKind
        if kind in sums
    ]
    return (*vouchers, *_of_trade_in(sold.categories))


def cells_of(one: Instrument, locale: str) -> list[str | Money | Decimal | None]:
    """A line under the headings of COLUMNS."""
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
            "released_fen": _fen(one.released),
            "issued_fen": _fen(one.issued),
            "used_fen": one.used.fen,
            "spent_fen": one.spent.fen,
            "used_share": number(one.usage),
            "ratio_on_used": number(one.ratio),
            "floor_on_used": number(one.floor),
            "cost_per_extra_yuan": one.cost(locale),
        }
        for one in found
    ]


def written(one: Instrument, locale: str) -> list[str]:
    """The line as a paper prints it, amounts in 万元 (CNY million)."""
    pairs = zip(cells_of(one, locale), COLUMNS, strict=True)
    return [_written(cell, kind, locale) for cell, (_, kind) in pairs]


def _written(cell: str | Money | Decimal | None, kind: str, locale: str) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Money):
        return formats.wan_parts(cell, locale)[0]
    return formats.percent(cell) if kind == "share" else formats.ratio(cell)


def _of_vouchers(kind: OfferKind, figures: Figures, found: list[Estimate]) -> Instrument:
    of = ratios(figures)
    return Instrument(
        str(kind),
        labels(_KINDS[kind]),
        figures.released,
        figures.issued,
        figures.redeemed,
        figures.leveraged,
        of.redemption_rate,
        of.on_redeemed,
        of.floor_on_redeemed,
        tuple(found),
    )


def _about(kind: OfferKind, estimates: Sequence[Estimate], *, alone: bool) -> list[Estimate]:
    """Estimates of vouchers of a kind. Between areas all vouchers of a programme are compared:
    that says something of one kind only where it is `alone`.
    """
    return [
        one
        for one in estimates
        if one.offer.kind is kind and (alone or one.design is not Design.AREAS)
    ]


def _of_trade_in(categories: Sequence[Group[Subsidies]]) -> list[Instrument]:
    made = []
    for key, (name, within) in _SOLD.items():
        sums = sum((one.figures for one in categories if one.key in within), Subsidies())
        spent = sums.invoiced if key == "cars" else sums.turnover
        if sums.subsidy or spent:
            ratio = quotient(spent, sums.subsidy)
            used = sums.subsidy
            made.append(Instrument(key, labels(name), None, None, used, spent, None, ratio, None))
    return made


def _fen(value: Money | None) -> int | None:
    return None if value is None else value.fen
