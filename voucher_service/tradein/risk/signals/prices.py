"""Prices that were raised and cut, and one price that was cut over two invoices. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from voucher_service.goods.pricing import Reason
from voucher_service.kernel.money import Money

from ..facts import SaleFacts
from ..findings import Finding, Kind, Weight
from ..spelling import close_invoices
from ..ties import Near, Tie

# By how many percent a price lies above the lowest of the month before, and what that weighs. A
# little more is how prices move; a promotion that is over adds ten to twenty.
_RAISED = ((50, 60), (35, 50), (25, 30), (15, 12), (8, 4))
# What a rise over other bases weighs, in percent of that: shops differ, and a quarter is long.
_OVER = {
    Reason.RAISED: 100,
    Reason.RAISED_THEN_CUT: 100,
    Reason.RAISED_IN_QUARTER: 60,
    Reason.ABOVE_CITY: 40,
}
# A price that is cut from a higher list price weighs a little more. Not much: a list price that
# stood all year looks the same after a promotion as one that was raised for this sale.
_CUT = 8
# A part of a cut price is less than so many percent of what the thing usually costs, and the parts
# together are about the whole.
_PART_MOST = 78
_WHOLE = range(80, 112)
_WHOLE_AT_CEILING = range(94, 107)
# So many buyers, one after the other within so long, are served from one list.
_RUN_LEAST = 4
_RUN_GAP = timedelta(seconds=90)


def signals(sale: SaleFacts, near: Near) -> Iterator[Finding]:
    """Everything about the price and its invoice."""
    yield from _raised(sale)
    yield from _split(sale, near)
    yield from _below_ceiling(sale)
    yield from _run(sale, near)


def _raised(sale: SaleFacts) -> Iterator[Finding]:
    for one in sale.raised:
        percent = _percent(sale.price, one.base) - 100
        weight = next((weight for least, weight in _RAISED if percent >= least), 0)
        weight = weight * _OVER.get(one.reason, 0) // 100
        told: dict[str, str | int] = {"price_fen": sale.price.fen, "lowest_fen": one.base.fen}
        if weight and one.reason is Reason.RAISED_THEN_CUT:
            told |= {"list_fen": one.asked.fen}
            yield Finding(Kind.RAISED_THEN_CUT, Weight(weight + _CUT), told=told)
        elif weight:
            yield Finding(Kind.PRICE_RAISED, Weight(weight), told=told | {"percent": percent})


def _split(sale: SaleFacts, near: Near) -> Iterator[Finding]:
    """Two invoices that make up one price: of one buyer, or of two with something in common."""
    mine = {one.id for one in near.sales(Tie.BASKET)}
    for other in (one for one in near.all(Tie.BASKET, Tie.LOT) if isinstance(one, SaleFacts)):
        close = close_invoices(sale.invoice, other.invoice)
        if not (other.id in mine or close or _share(sale, other)):
            continue
        if whole := _made_up(sale, other):
            told = {"price_fen": sale.price.fen, "other_fen": other.price.fen}
            weight = Weight(75 if close else 60)
            yield Finding(Kind.PRICE_SPLIT, weight, (other.id,), told | {"whole_fen": whole.fen})


def _made_up(one: SaleFacts, other: SaleFacts) -> Money | None:
    """The price that two prices make up together, each of them too low by itself."""
    wholes = [(whole, sale) for sale in (one, other) if (whole := _whole(sale))]
    if not wholes:
        return None
    whole, dear = max(wholes, key=lambda pair: pair[0])
    rest, both = other if dear is one else one, _percent(one.price + other.price, whole)
    small = _whole(rest)
    if small is not None and _percent(rest.price, small) > _PART_MOST:
        return None
    if _percent(dear.price, whole) <= _PART_MOST:
        return whole if both in _WHOLE else None
    # Cut down to what is just subsidised, and the rest put on something small.
    return whole if _at_ceiling(dear) and both in _WHOLE_AT_CEILING else None


def _whole(sale: SaleFacts) -> Money | None:
    """What the thing costs when nothing is wrong."""
    return sale.usual or sale.filed_price


def _share(one: SaleFacts, other: SaleFacts) -> bool:
    return any(other.links.get(link) == value for link, value in one.links.items())


def _at_ceiling(sale: SaleFacts) -> bool:
    return sale.ceiling is not None and 97 <= _percent(sale.price, sale.ceiling) <= 100


def _below_ceiling(sale: SaleFacts) -> Iterator[Finding]:
    """Makers cut prices to the ceiling too: it says little unless the shop filed another price."""
    if sale.ceiling is None or not _at_ceiling(sale):
        return
    dear = [one for one in (sale.usual, sale.filed_price) if one is not None]
    if dear and all(_percent(one, sale.ceiling) >= 112 for one in dear):
        weight = Weight(20 if sale.filed_price else 8)
        told = {"price_fen": sale.price.fen, "ceiling_fen": sale.ceiling.fen}
        yield Finding(Kind.BELOW_CEILING, weight, told=told)


def _run(sale: SaleFacts, near: Near) -> Iterator[Finding]:
    """Many buyers of one product, invoiced one right after the other: an order cut into people."""
    ordered = sorted([sale, *near.sales(Tie.LOT)], key=lambda one: (one.at, one.id))
    first = last = ordered.index(sale)
    while first and _follows(ordered[first - 1], ordered[first]):
        first -= 1
    while last + 1 < len(ordered) and _follows(ordered[last], ordered[last + 1]):
        last += 1
    run = ordered[first : last + 1]
    buyers = len({one.resident for one in run})
    if buyers >= _RUN_LEAST:
        shared = sum(_share(sale, one) for one in run if one is not sale)
        weight = min(20 + 8 * (buyers - _RUN_LEAST) + 10 * min(shared, 3), 75)
        others = tuple(one.id for one in run if one is not sale)
        yield Finding(Kind.INVOICE_RUN, Weight(weight), others, {"buyers": buyers})


def _follows(one: SaleFacts, other: SaleFacts) -> bool:
    return other.at - one.at <= _RUN_GAP and close_invoices(one.invoice, other.invoice)


def _percent(part: Money, whole: Money) -> int:
    return part.fen * 100 // whole.fen if whole.fen > 0 else 0
