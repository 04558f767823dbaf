"""Lists of merchants: the public one of shops that take vouchers, and the one of the desk."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import MerchantId
from voucher_service.kernel.page import CursorInvalid, Page, decode_cursor, encode_cursor

from .. import onboarding_store as store
from .. import store as merchant_store
from ..accounts import PaymentHold, SettlementAccount
from ..model import Merchant, Shop, Trade
from ..onboarding import MerchantApplicationId
from ..onboarding_tables import MerchantApplicationRow
from .banking import accounts_of
from .holding import holds_of
from .views import found, merchant_view, shop_view

SEES = frozenset({Role.REVIEWER, Role.APPROVER, Role.FINANCE, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class ListedShop:
    """A shop that takes vouchers, as the public sees it."""

    shop: Shop
    merchant: str


@dataclass(frozen=True, slots=True)
class MerchantFile:
    """A merchant as staff see it; accounts masked. `application` is how it came in, if it did."""

    merchant: Merchant
    shops: tuple[Shop, ...]
    accounts: tuple[SettlementAccount, ...]
    holds: tuple[PaymentHold, ...]
    application: MerchantApplicationId | None


def public_shops(
    core: Core, *, area: str, trade: Trade | None, text: str, cursor: str | None, limit: int
) -> Page[ListedShop]:
    """Open shops of merchants that are not suspended, by name; "" and None narrow nothing.

    `text` is looked for in the names and the address. Invented shops are listed outside production
    only. Raises CursorInvalid.
    """
    with core.transaction() as session:
        rows = store.listed_shops(
            session,
            stem=areas.stem(area) if area else "",
            trade=trade,
            text=text.strip(),
            invented=not core.settings.production,
            after=_after(cursor),
            most=limit + 1,
        )
    shown = [ListedShop(shop_view(row), merchant) for row, merchant in rows[:limit]]
    if len(rows) <= limit:
        return Page(shown)
    return Page(shown, encode_cursor(shown[-1].shop.name, shown[-1].shop.id))


def merchants(
    core: Core, *, actor: Actor, text: str, cursor: str | None, limit: int
) -> Page[Merchant]:
    """Merchants with a shop in the actor's area, by name; `text` in the name, or the credit code.

    Raises NotAllowed, CursorInvalid.
    """
    if not actor.has(*SEES):
        raise NotAllowed
    with core.transaction() as session:
        rows = store.merchants(
            session, area=actor.area, text=text.strip(), after=_after(cursor), most=limit + 1
        )
        shown = [merchant_view(row) for row in rows[:limit]]
    if len(rows) <= limit:
        return Page(shown)
    return Page(shown, encode_cursor(shown[-1].name, shown[-1].id))


def merchant_file(core: Core, *, actor: Actor, merchant: MerchantId) -> MerchantFile:
    """All of a merchant, when one of its shops lies in the actor's area.

    Raises NotAllowed, NoSuchThing.
    """
    if not actor.has(*SEES):
        raise NotAllowed
    with core.transaction() as session:
        row = found(merchant_store.merchant(session, merchant))
        shops = tuple(shop_view(one) for one in store.shops_of(session, merchant))
        if actor.area and not any(areas.within(one.area, actor.area) for one in shops):
            raise NoSuchThing
        applied = store.application(session, MerchantApplicationRow.merchant_id == merchant)
        return MerchantFile(
            merchant=merchant_view(row),
            shops=shops,
            accounts=tuple(accounts_of(session, merchant=merchant)),
            holds=tuple(holds_of(session, merchant=merchant)),
            application=MerchantApplicationId(applied.id) if applied else None,
        )


def _after(cursor: str | None) -> tuple[str, UUID] | None:
    if not cursor:
        return None
    name, id = decode_cursor(cursor, 2)
    try:
        return str(name), UUID(str(id))
    except ValueError:
        raise CursorInvalid from None
