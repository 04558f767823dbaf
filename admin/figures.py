"""The leverage report that a reader may see, and its ruler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

from voucher_service.campaigns import service as campaigns
from voucher_service.causal import words as causal_words
from voucher_service.causal.model import Interval
from voucher_service.causal.service import headline
from voucher_service.i18n import mark
from voucher_service.infra import areas
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NotAllowed
from voucher_service.reports import leverage
from voucher_service.reports.figures import Figures, ratios
from voucher_service.reports.groups import Basis, GroupBy
from voucher_service.reports.leverage import LeverageReport
from voucher_service.reports.reach import Reach
from voucher_service.reports.trade_in import Subsidies, TradeIn
from voucher_service.web.site import core


def report(reader: Actor, args: Mapping[str, Any]) -> LeverageReport:
    """The report of a programme; staff of a county get the rows of their own area only.

    Raises NoSuchThing, InvalidInput, and NotAllowed where a county's part can't be told apart.
    """
    found = leverage.report(
        core(),
        programme=args["programme"],
        group_by=GroupBy(args["group_by"]),
        basis=Basis(args["basis"]),
        from_=args["from_"],
        to=args["to"],
    )
    return within(reader, found)


def groups_for(reader: Actor) -> tuple[GroupBy, ...]:
    """The groupings that the reader may ask for."""
    return (GroupBy.CAMPAIGN, GroupBy.AREA) if reader.area else tuple(GroupBy)


def within(reader: Actor, found: LeverageReport) -> LeverageReport:
    """The part of a report that the reader may see: all, or their county. Raises NotAllowed."""
    if not reader.area:
        return found
    if found.group_by not in groups_for(reader):
        raise NotAllowed
    mine = {
        str(one.id)
        for one in campaigns.campaigns(core(), actor=reader, programme=found.programme.slug)
    }

    def seen(key: str | None) -> bool:
        by_area = found.group_by is GroupBy.AREA and key and areas.within(key, reader.area)
        return key in mine or bool(by_area)

    rows = tuple(row for row in found.rows if seen(row.key))
    total = sum((row.figures for row in rows), Figures())
    subsidised = tuple(one for one in found.trade_in.rows if seen(one.key))
    return replace(
        found,
        rows=rows,
        totals=replace(found.totals, figures=total, ratios=ratios(total)),
        causal=tuple(
            one for one in found.causal if areas.within(one.offer.issuing_area, reader.area)
        ),
        # These, as categories and payers, are of the whole programme.
        reach=Reach(),
        levels=frozenset(),
        instruments=(),
        retail=None,
        trade_in=TradeIn(sum((one.figures for one in subsidised), Subsidies()), subsidised),
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the ruler: what it is, how long it is drawn, and both figures."""

    name: str
    about: str
    y: int
    length: int
    on_issued: Decimal | None
    on_redeemed: Decimal | None


@dataclass(frozen=True, slots=True)
class Net:
    """What vouchers changed, on the same scale: places of the estimate and its interval (what is
    below 0 stands at 0), and the figures to be read, ÷ issued and ÷ redeemed.
    """

    low: int
    point: int
    high: int
    on_issued: str
    on_redeemed: str
    interval: str


@dataclass(frozen=True, slots=True)
class Ruler:
    """Ratios on one scale, ÷ issued. Lengths are in the units of the drawing, from 170 to 650.
    `net`: None where there is no estimate to go by.
    """

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[int, int], ...]
    floor: int
    net: Net | None


LEFT, WIDTH = 170, 440


def ruler(found: LeverageReport) -> Ruler:
    """The ratio, its floor, what residents paid themselves, and what vouchers changed."""
    of = found.totals.ratios
    effect = _on_issued(found)
    ends = (of.on_issued, of.floor_on_issued, effect and Decimal(str(effect.high)))
    top = max((one for one in ends if one), default=Decimal(1))
    # Days on which more was refunded than spent have a ratio below 0, and nothing to draw.
    most = max(1, int(top.to_integral_value(ROUND_CEILING)))
    step = max(1, -(-most // 8))
    lines = (
        (mark("拉动比"), mark("订单合计"), of.on_issued, of.on_redeemed),
        (mark("机械下限"), mark("满减门槛自带"), of.floor_on_issued, of.floor_on_redeemed),
        (mark("扣券后"), mark("居民自己付的"), of.net_on_issued, of.net_on_redeemed),
    )
    bars = tuple(
        Bar(name, about, 34 + 63 * i, _length(issued, most), issued, redeemed)
        for i, (name, about, issued, redeemed) in enumerate(lines)
    )
    ticks = tuple((n, LEFT + WIDTH * n // most) for n in range(0, most + 1, step))
    return Ruler(bars, ticks, LEFT + _length(of.floor_on_issued, most), _net(found, effect, most))


def _on_issued(found: LeverageReport) -> Interval | None:
    """The estimate for each issued yuan: per redeemed yuan, times how much of it was redeemed."""
    best, rate = headline(found.causal), found.totals.ratios.redemption_rate
    extra = best.spending if best else None
    if extra is None or rate is None:
        return None
    point, low, high = (end * float(rate) for end in (extra.point, extra.low, extra.high))
    return Interval(point, low, high)


def _net(found: LeverageReport, effect: Interval | None, most: int) -> Net | None:
    best = headline(found.causal)
    if effect is None or best is None or best.spending is None:
        return None
    low, point, high = (
        LEFT + _length(Decimal(str(end)), most) for end in (effect.low, effect.point, effect.high)
    )
    issued, least, greatest = causal_words.figures(effect)
    redeemed = causal_words.figures(best.spending)[0]
    return Net(low, point, high, issued, redeemed, f"{least} – {greatest}")


def _length(ratio: Decimal | None, most: int) -> int:
    return max(0, int(WIDTH * (ratio or 0) / most))
