"""Prices that were really asked: noted at each sale, and compared with those before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.kernel.money import Money
from voucher_service.kernel.page import CursorInvalid, Page, decode_cursor, encode_cursor
from voucher_service.merchants import service as merchants

from .. import filed_store, pricing, seen_store, store
from ..model import FiledPrice, Product, Seen, price_on
from ..pricing import Day, Finding, Lows, Rule


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A shop's day on which a product was asked too much for; the shop by its names."""

    shop: ShopId
    shop_name: str
    merchant_name: str
    gtin: str
    product: Product | None
    seen: Day
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class History:
    """One merchant's prices of a product: filed now, and seen, newest day first."""

    merchant: MerchantId
    merchant_name: str
    filed: FiledPrice | None
    lows: Lows
    days: tuple[Day, ...]


def rule(core: Core) -> Rule:
    """From which rise on a price is suspected here."""
    goods = core.settings.goods
    return Rule(
        raised_bps=goods.raised_bps,
        raised_in_quarter_bps=goods.raised_in_quarter_bps,
        above_city_bps=goods.above_city_bps,
        month_days=goods.month_days,
        quarter_days=goods.quarter_days,
    )


def observe(session: Session, *, seen: Iterable[Seen]) -> None:
    """Note what units were sold for, in the transaction that sells them.

    All units of a transaction in one call: their shops' days are locked in one order. Days come in
    their order, as sales do: a day is compared with what was noted before its first unit.
    """
    seen_store.observe(session, seen, rule(core_of(session)))


def lowest_seen(
    session: Session, *, gtin: str, on: date, days: int, merchant: MerchantId | None = None
) -> Money | None:
    """The lowest price of a product on the `days` days before a day, which is not one of them.

    At one merchant, or in the whole city; None when nobody was seen to sell it.
    """
    found = seen_store.lowest(session, [gtin], on=on, days=days, merchant=merchant)
    return found.get(gtin)


def lows(session: Session, *, merchant: MerchantId, gtin: str, on: date, rule: Rule) -> Lows:
    """The lowest prices before a day that `pricing.suspicions` compares a sale with."""
    return Lows(
        lowest_seen(session, gtin=gtin, on=on, days=rule.month_days, merchant=merchant),
        lowest_seen(session, gtin=gtin, on=on, days=rule.quarter_days, merchant=merchant),
        lowest_seen(session, gtin=gtin, on=on, days=rule.month_days),
    )


def suspicions(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Suspicion]:
    """Suspected days of the last quarter at shops of the actor's area, newest first.

    Raises CursorInvalid.
    """
    judged, after = rule(core), _after(cursor)
    with core.transaction() as session:
        today = day_of(core.now(session))
        found = seen_store.suspects(
            session,
            judged,
            area=actor.area,
            since=today - timedelta(days=judged.quarter_days),
            after=after,
            most=limit + 1,
        )
        shown = found[:limit]
        names = merchants.shop_names(session, shops=[one.shop for one in shown])
        known = store.in_force(session, {one.gtin for one in shown}, today)
    items = [
        Suspicion(
            one.shop,
            *names[one.shop],
            one.gtin,
            known.get(one.gtin),
            one.seen,
            pricing.judge(one.seen, one.lows, judged),
        )
        for one in shown
    ]
    if len(found) <= limit:
        return Page(items)
    last = shown[-1]
    return Page(items, encode_cursor(last.seen.day.isoformat(), last.gtin, last.shop))


def history(
    core: Core, *, actor: Actor, gtin: str, cursor: str | None, limit: int
) -> Page[History]:
    """A product's prices of the last quarter, merchant by merchant: those that filed one or sold it
    at a shop of the actor's area. Raises CursorInvalid.
    """
    judged, after = rule(core), _after_merchant(cursor)
    with core.transaction() as session:
        today = day_of(core.now(session))
        since = today - timedelta(days=judged.quarter_days)
        found = seen_store.merchants_of(session, gtin, since, after, limit + 1)
        shown = found[:limit]
        filed = filed_store.by_merchant(session, gtin, shown)
        days = seen_store.days_of(session, gtin, shown, area=actor.area, since=since)
        names = {one: merchants.load_merchant(session, merchant=one).name for one in shown}
    items = [
        History(
            one,
            names[one],
            price_on(filed.get(one, ()), today),
            pricing.lows_before(days.get(one, ()), today, judged),
            tuple(days.get(one, ())),
        )
        for one in shown
    ]
    return Page(items, encode_cursor(shown[-1]) if len(found) > limit else None)


def _after(cursor: str | None) -> tuple[date, str, UUID] | None:
    if not cursor:
        return None
    day, gtin, shop = decode_cursor(cursor, 3)
    try:
        found = date.fromisoformat(day), str(gtin), UUID(shop)
    except (TypeError, ValueError, AttributeError):
        raise CursorInvalid from None
    if "\x00" in found[1]:
        raise CursorInvalid
    return found


def _after_merchant(cursor: str | None) -> MerchantId | None:
    if not cursor:
        return None
    (id,) = decode_cursor(cursor, 1)
    try:
        return MerchantId(UUID(id))
    except (TypeError, ValueError, AttributeError):
        raise CursorInvalid from None
