"""What is judged before a file is read: who imports it, of what, how large, of which days."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.merchants import service as merchants

from . import formats
from .expected import LOOK_BACK
from .layout import Against, Days, Format
from .model import ChannelFileTooLarge, DaysInvalid, ScopeInvalid


def check_about(
    core: Core,
    *,
    actor: Actor,
    format: str,
    size_bytes: int,
    merchant: MerchantId | None,
    shop: ShopId | None,
) -> Format:
    """The format of a file that this actor may import about these.

    Raises NotAllowed, ChannelFormatUnknown, ScopeInvalid, ChannelFileTooLarge.
    """
    check_importer(actor)
    found = formats.get(format)
    check_scope(found, merchant=merchant, shop=shop)
    check_limit(core, size_bytes)
    return found


def check_importer(actor: Actor) -> None:
    """Finance of the whole city imports, and the command line. Raises NotAllowed."""
    if actor.kind is ActorKind.SYSTEM:
        return
    if actor.kind is not ActorKind.STAFF or actor.area or not actor.has(Role.FINANCE):
        raise NotAllowed


def check_limit(core: Core, size_bytes: int) -> None:
    """Whether a file is small enough to be read. Raises ChannelFileTooLarge."""
    most = core.settings.matching.file_limit_bytes
    if size_bytes > most:
        raise ChannelFileTooLarge(megabytes=size_bytes >> 20, most=most >> 20)


def check_scope(format: Format, *, merchant: MerchantId | None, shop: ShopId | None) -> None:
    """Whether files of a format may be about these. Raises ScopeInvalid."""
    of_shop, of_merchant = shop is not None, merchant is not None
    may = {
        Against.ORDERS: of_shop and not of_merchant,
        Against.PAYMENTS: not of_shop,
        Against.TRANSFERS: not of_shop and not of_merchant,
    }
    if not may[format.against]:
        raise ScopeInvalid


def check_days(format: Format, days: Days | None, now: datetime) -> None:
    """Whether a file may be of these days: 92 at most, none of them still to come.

    Raises DaysInvalid.
    """
    if days is None:
        return
    if (
        not days.first <= days.last <= format.business_day(now)
        or days.last - days.first > LOOK_BACK
    ):
        raise DaysInvalid(most=LOOK_BACK.days)


def check_known(session: Session, *, merchant: MerchantId | None, shop: ShopId | None) -> None:
    """Whether there is such a merchant or shop. Raises NoSuchThing."""
    if merchant is not None:
        merchants.load_merchant(session, merchant=merchant)
    if shop is not None:
        merchants.load_shop(session, shop=shop)
