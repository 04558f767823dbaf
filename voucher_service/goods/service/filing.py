"""Filed prices (备案价): what a merchant promises to ask at most for a product, and from when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.audit.service import Move
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import DomainError, NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CashierId, MerchantId, new_id
from voucher_service.kernel.money import Money
from voucher_service.kernel.page import Page, encode_cursor
from voucher_service.merchants import service as merchants

from .. import filed_store, seen_store, store
from ..gtins import printed
from ..model import (
    FiledPrice,
    GoodsFileInvalid,
    PriceAboveGuide,
    Product,
    ProductUnknown,
    Slip,
    Wanted,
    Wrong,
    next_price,
    price_on,
)
from ..reading import MOST_NAMED
from .library import MOST_WORDS, after_gtin
from .seeing import rule

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """A product at the manager's merchant: what is filed now and next, and last month's lowest.

    `product` is None for what the library no longer has.
    """

    gtin: str
    product: Product | None
    now: FiledPrice | None
    next: FiledPrice | None
    lowest: Money | None


def promise(core: Core, *, actor: Actor, prices: Sequence[Wanted]) -> list[FiledPrice]:
    """File prices of the manager's merchant. All or none.

    A price counts from tomorrow, a higher one than today's after `goods.raise_days`; until then the
    last one filed takes its place. One that says what counts already adds nothing.
    Raises NotAllowed; for one price ProductUnknown, PriceAboveGuide; for several GoodsFileInvalid.
    """
    with core.transaction() as session:
        merchant, now = _merchant(session, actor), core.now(session)
        today = day_of(now)
        _check(session, prices, today + _DAY)
        filed_store.lock_merchant(session, merchant)
        held = filed_store.filings(session, merchant, [one.gtin for one in prices])
        wait = timedelta(days=core.settings.goods.raise_days)
        made = []
        for one in prices:
            filed = held.get(one.gtin, [])
            counts = price_on(filed, today)
            raised = counts is not None and one.price > counts.price
            begins = today + (wait if raised else _DAY)
            if not _says_so_already(filed, one.price, begins):
                made.append(FiledPrice(one.gtin, one.price, begins, now))
        _write(session, merchant, made, actor)
        return made


def promise_from(
    session: Session,
    *,
    merchant: MerchantId,
    prices: Mapping[str, Money],
    valid_from: date,
    actor: Actor,
    now: datetime,
) -> None:
    """Enter prices that count from a day of the caller's: for demonstrations and replays, whose
    merchants filed before the programme began.
    """
    made = [FiledPrice(gtin, price, valid_from, now) for gtin, price in prices.items()]
    _write(session, merchant, made, actor)


def filed_price(session: Session, *, merchant: MerchantId, gtin: str, on: date) -> Money | None:
    """What a merchant promised to ask at most on a day; None when it had filed nothing."""
    return filed_store.on_day(session, merchant, gtin, on)


def own_prices(
    core: Core, *, actor: Actor, text: str, cursor: str | None, limit: int
) -> Page[OwnPrice]:
    """What the manager's merchant filed, by GTIN; with `text`, products of the library that hold
    each of its words, filed or not. Raises NotAllowed, CursorInvalid.
    """
    after = after_gtin(cursor)
    with core.transaction() as session:
        merchant, today = _merchant(session, actor), day_of(core.now(session))
        if words := text.split():
            found = store.search(
                session,
                words=words[:MOST_WORDS],
                category=None,
                on=today,
                after=after,
                most=limit + 1,
                synthetic=False,
            )
            gtins = [one.gtin for one in found]
        else:
            gtins = filed_store.gtins_of(session, merchant, after, limit + 1)
        shown = _own(session, merchant, gtins[:limit], today)
    return Page(shown, encode_cursor(shown[-1].gtin) if len(gtins) > limit else None)


def own_price(core: Core, *, actor: Actor, gtin: str) -> tuple[OwnPrice, list[FiledPrice]]:
    """One product at the manager's merchant, and everything filed for it, newest first.

    Raises NotAllowed, NoSuchThing.
    """
    with core.transaction() as session:
        merchant, today = _merchant(session, actor), day_of(core.now(session))
        (one,) = _own(session, merchant, [gtin], today)
        filed = filed_store.filings(session, merchant, [gtin]).get(gtin, [])
    if one.product is None and not filed:
        raise NoSuchThing
    return one, filed[::-1]


def _own(
    session: Session, merchant: MerchantId, gtins: Sequence[str], today: date
) -> list[OwnPrice]:
    known = store.in_force(session, gtins, today)
    filed = filed_store.filings(session, merchant, gtins)
    days = rule(core_of(session)).month_days
    lowest = seen_store.lowest(session, gtins, on=today, days=days, merchant=merchant)
    return [
        OwnPrice(
            one,
            known.get(one),
            price_on(filed.get(one, ()), today),
            next_price(filed.get(one, ()), today),
            lowest.get(one),
        )
        for one in gtins
    ]


def _merchant(session: Session, actor: Actor) -> MerchantId:
    if actor.kind is not ActorKind.CASHIER or actor.id is None or not actor.has(Role.MANAGER):
        raise NotAllowed
    return merchants.till(session, cashier=CashierId(actor.id)).merchant_id


def _check(session: Session, prices: Sequence[Wanted], on: date) -> None:
    known = store.in_force(session, [one.gtin for one in prices], on)
    found = [(one, _refusal(one, known.get(one.gtin))) for one in prices]
    refused = [(one, why) for one, why in found if why is not None]
    if refused and len(prices) == 1:
        raise refused[0][1]
    if refused:
        raise GoodsFileInvalid(_slip(one, why) for one, why in refused[:MOST_NAMED])


def _refusal(wanted: Wanted, product: Product | None) -> DomainError | None:
    if product is None or product.synthetic:
        return ProductUnknown()
    if product.guide_price is not None and wanted.price > product.guide_price:
        return PriceAboveGuide(guide=product.guide_price)
    return None


def _slip(wanted: Wanted, why: DomainError) -> Slip:
    if isinstance(why, PriceAboveGuide):
        return Slip(wanted.line, Wrong.ABOVE_GUIDE, why.params["guide"].yuan_text())
    return Slip(wanted.line, Wrong.UNKNOWN, printed(wanted.gtin))


def _says_so_already(filed: Sequence[FiledPrice], price: Money, begins: date) -> bool:
    """Whether that price stands from that day on without another word."""
    stands = price_on(filed, begins)
    return (
        stands is not None
        and stands.price == price
        and all(one.filed_at <= stands.filed_at for one in filed)
    )


def _write(
    session: Session, merchant: MerchantId, made: Sequence[FiledPrice], actor: Actor
) -> None:
    if not made:
        return
    ids = [new_id() for _ in made]
    rows = [
        {
            "id": id,
            "merchant_id": merchant,
            "gtin": one.gtin,
            "price_fen": one.price,
            "valid_from": one.valid_from,
            "filed_by": actor.id,
            "filed_at": one.filed_at,
        }
        for id, one in zip(ids, made, strict=True)
    ]
    filed_store.add(session, rows)
    audit.record_all(
        session,
        action="price.filed",
        object_type="filed_price",
        moves=[Move(id, actor, _told(merchant, one)) for id, one in zip(ids, made, strict=True)],
        now=made[0].filed_at,
    )


def _told(merchant: MerchantId, one: FiledPrice) -> dict[str, object]:
    return {
        "merchant": str(merchant),
        "gtin": one.gtin,
        "price_fen": one.price.fen,
        "valid_from": one.valid_from.isoformat(),
    }
