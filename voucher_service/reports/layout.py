"""What stands in a leverage report, the same in every file and on every screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from voucher_service.i18n import formats, gettext, mark
from voucher_service.infra.sheet_files import wall
from voucher_service.kernel.money import ZERO, Money

from . import causal, retail, sentences
from .figures import Figures, Ratios
from .groups import Basis, Group, GroupBy
from .leverage import LeverageReport, Row
from .trade_in import Subsidies


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, as a Chinese text that has English, and what stands below it."""

    name: str
    heading: str


@dataclass(frozen=True, slots=True)
class Amount(Column):
    """A sum of money."""

    def of(self, row: Row | Group[Any]) -> Money:
        """This amount of a row."""
        value: Money = getattr(row.figures, self.name)
        return value


@dataclass(frozen=True, slots=True)
class Count(Column):
    """How many; None where that has no meaning."""

    def of(self, row: Group[Any]) -> int | None:
        """This count of a row."""
        value: int | None = getattr(row.figures, self.name)
        return value


@dataclass(frozen=True, slots=True)
class Quotient(Column):
    """A ratio or a share; None where it has no meaning."""

    share: bool = False

    def of(self, row: Row) -> Decimal | None:
        """This quotient of a row."""
        value: Decimal | None = getattr(row.ratios, self.name)
        return value

    def written(self, row: Row) -> str:
        """The same to be read: 5.18, 70.0%."""
        return (formats.percent if self.share else formats.ratio)(self.of(row))


AMOUNTS = (
    Amount("released", mark("投放")),
    Amount("issued", mark("发放")),
    Amount("redeemed", mark("核销")),
    Amount("leveraged", mark("拉动消费")),
    Amount("net_leveraged", mark("扣券后")),
    Amount("refunded", mark("已减退款")),
    Amount("lapsed", mark("过期未用")),
    Amount("evidenced", mark("有支付凭证")),
)
QUOTIENTS = (
    Quotient("on_issued", mark("拉动比 ÷ 发放")),
    Quotient("floor_on_issued", mark("机械下限 ÷ 发放")),
    Quotient("on_redeemed", mark("拉动比 ÷ 核销")),
    Quotient("floor_on_redeemed", mark("机械下限 ÷ 核销")),
    Quotient("net_on_issued", mark("扣券后 ÷ 发放")),
    Quotient("net_on_redeemed", mark("扣券后 ÷ 核销")),
    Quotient("redemption_rate", mark("核销率 ÷ 发放"), share=True),
    Quotient("evidenced", mark("有支付凭证 ÷ 拉动消费"), share=True),
)
# What a page or a terminal is wide enough for; the totals in full have the rest.
FEW_AMOUNTS = tuple(one for one in AMOUNTS if one.name in ("issued", "redeemed", "leveraged"))
FEW_QUOTIENTS = tuple(one for one in QUOTIENTS if not one.share and "net_" not in one.name)
TRADE_IN = mark("以旧换新")
TRADE_IN_COUNTS = (
    Count("units", mark("卖出台数")),
    Count("applications", mark("批准申请数")),
)
TRADE_IN_AMOUNTS = (
    Amount("subsidy", mark("补贴")),
    Amount("turnover", mark("成交额")),
    Amount("refunded", mark("已减退款")),
    Amount("invoiced", mark("申请的发票金额")),
    Amount("merchant", mark("商家让利")),
    Amount("bank", mark("银行优惠")),
    Amount("platform", mark("平台优惠")),
)
GROUP_BY = {
    GroupBy.CAMPAIGN: mark("活动"),
    GroupBy.AREA: mark("地区"),
    GroupBy.TRADE: mark("行业"),
    GroupBy.DAY: mark("日期"),
    GroupBy.FUNDER: mark("出资方"),
    GroupBy.MERCHANT_SIZE: mark("商户规模"),
    GroupBy.OFFER: mark("券种"),
    GroupBy.HOUR: mark("钟点"),
    GroupBy.BRAND: mark("品牌"),
}
BASIS = {Basis.PERIOD: mark("按发生日"), Basis.COHORT: mark("按领取日")}
SYNTHETIC = mark("回放数据：居民和订单是模拟的，不衡量效果")
REAL = mark("真实数据")
TITLE = mark("拉动报表")
NEVER = mark("还没有对过账")
QUERY, SEALED = mark("取数"), mark("账目指纹")
CATEGORY = mark("品类")
# Who pledged and paid for trade-in.
PAYING = (mark("谁出"), mark("出资方"), mark("约定"), mark("已付金额"))
ALL_DAYS = mark("全部日期")


def head(report: LeverageReport, locale: str) -> list[tuple[str, str]]:
    """What a reader must know before the first figure: pairs of a heading and a text."""
    days = " – ".join(day.isoformat() if day else "…" for day in (report.first, report.last))
    if not report.first and not report.last:
        days = gettext(ALL_DAYS, locale)
    facts = [
        (mark("活动方案"), programme(report, locale)),
        (mark("数据来源"), gettext(SYNTHETIC if report.synthetic else REAL, locale)),
        (mark("对账截至"), str(wall(report.as_of)) if report.as_of else gettext(NEVER, locale)),
        (mark("计算口径"), gettext(BASIS[report.basis], locale)),
        (mark("起止日期"), days),
        (mark("分组"), gettext(GROUP_BY[report.group_by], locale)),
    ]
    facts += [
        (sentences.HEADING, sentences.paragraph(report, locale)),
        (causal.NET_LEVERAGE, causal.sentence(report.causal, locale)),
        (QUERY, sentences.query(report)),
        (SEALED, sealed(report, locale)),
    ]
    return [(gettext(heading, locale), value) for heading, value in facts] + beside(report, locale)


def programme(report: LeverageReport, locale: str) -> str:
    """The name of the programme."""
    return report.programme.name_en if locale == "en" else report.programme.name


def sealed(report: LeverageReport, locale: str) -> str:
    """The head of the sealed log that was published last, and whether all the figures are in it."""
    head = report.sealed
    if head is None or not head.size:
        return gettext(mark("还没有封存"), locale)
    said = mark("{n} 条，{fingerprint}，{at} 公布")
    if report.as_of and head.at < report.as_of:
        said = mark("{n} 条，{fingerprint}，{at} 公布，在对账之前：再往后的记录在下一个指纹里")
    at = str(wall(head.at))
    return gettext(said, locale, n=str(head.size), fingerprint=head.fingerprint, at=at)


def beside(report: LeverageReport, locale: str) -> list[tuple[str, str]]:
    """What a reader should know beside the ratios."""
    facts = [
        (mark("小微商户 ÷ 核销"), formats.percent(report.reach.small)),
        (mark("县域门店 ÷ 核销"), formats.percent(report.reach.county)),
        (mark("每多 1 元消费的花费"), causal.cost_in_words(report.causal, locale)),
        *retail.facts(report.retail, report.meanwhile, report.causal, locale),
        (mark("全部重算"), _recounted(report, locale)),
    ]
    return [(gettext(heading, locale), value) for heading, value in facts]


def in_full(report: LeverageReport, locale: str) -> list[tuple[str, str]]:
    """The totals to the fen with every quotient, for where a table has no room for them."""
    total = report.totals
    amounts = [(one.heading, formats.money(one.of(total))) for one in AMOUNTS]
    quotients = [(one.heading, one.written(total)) for one in QUOTIENTS]
    return [(gettext(heading, locale), value) for heading, value in amounts + quotients]


def few(row: Row, locale: str) -> list[str]:
    """The figures for which there is room everywhere: amounts in 万元 (CNY million), ratios."""
    amounts = [formats.wan_parts(one.of(row), locale)[0] for one in FEW_AMOUNTS]
    return amounts + [one.written(row) for one in FEW_QUOTIENTS]


def told_amounts(groups: Sequence[Group[Subsidies]]) -> list[Amount]:
    """Subsidy and turnover, and those of the other sums that are not all nothing."""
    return [
        column
        for column in TRADE_IN_AMOUNTS
        if column.name in ("subsidy", "turnover") or any(column.of(one) for one in groups)
    ]


def _recounted(report: LeverageReport, locale: str) -> str:
    """When every row was last counted again, and whether the figures stood."""
    proof = report.proof
    if proof.at is None:
        return gettext(mark("还没有全部重算过"), locale)
    at, cells = str(wall(proof.at)), f"{proof.cells:,}"
    if not proof.differing:
        return gettext(mark("{at}，{cells} 格，全部一致"), locale, at=at, cells=cells)
    differing = f"{proof.differing:,}"
    said = mark("{at}，{cells} 格，{differing} 格不一致，已改正")
    return gettext(said, locale, at=at, cells=cells, differing=differing)


def in_time(report: LeverageReport) -> list[Row]:
    """The rows of a report by day or by hour, to be drawn as a line; none where it is by anything
    else. What lapsed belongs to no hour and is left out.
    """
    if report.group_by not in (GroupBy.DAY, GroupBy.HOUR):
        return []
    return [row for row in report.rows if row.key is not None]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a chart of the groups shows: two sums of each row, the largest of all being `top`."""

    title: str
    amounts: tuple[Amount, Amount]
    rows: Sequence[Row]
    top: Money


def drawing(report: LeverageReport) -> Drawing:
    """Issued beside leveraged; redeemed where no voucher is issued to a group, as to a trade.

    In time where the rows are days or hours, else the largest first; rows of nothing are left out.
    """
    issued, redeemed, leveraged = FEW_AMOUNTS
    named = any(row.key is not None and row.figures.issued for row in report.rows)
    amounts = (issued if named else redeemed, leveraged)
    rows = in_time(report) or [
        row
        for row in sorted(report.rows, key=lambda row: -row.figures.leveraged.fen)
        if any(one.of(row) for one in amounts)
    ]
    top = max((one.of(row) for row in rows for one in amounts), default=ZERO)
    title = mark("发放和拉动消费") if named else mark("核销和拉动消费")
    return Drawing(title, amounts, rows, top)


def lines(report: LeverageReport) -> list[tuple[Row, Group[Subsidies]]]:
    """Each group with what its vouchers and its trade-in moved; the totals come last."""
    subsidised = {one.key: one for one in report.trade_in.rows}
    known = {row.key for row in report.rows}
    rows = [
        *report.rows,
        *(
            Row(one.key, one.labels, Figures(), Ratios())
            for one in report.trade_in.rows
            if one.key not in known
        ),
    ]
    if report.group_by is GroupBy.DAY:
        rows.sort(key=lambda row: row.key or "")
    paired = [
        (row, subsidised.get(row.key) or Group(row.key, row.labels, Subsidies())) for row in rows
    ]
    totals = report.totals
    return [*paired, (totals, Group(totals.key, totals.labels, report.trade_in.totals))]
