"""Merchants, shops and cashiers as the rest of the house sees them, and what is refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict, Forbidden, Unprocessable
from voucher_service.kernel.ids import CashierId, MerchantId, ShopId
from voucher_service.kernel.machine import Machine

from .place import OpeningHours, Position

SHOP_ROLES = (Role.MANAGER, Role.CASHIER)


class UsccInvalid(Unprocessable):
    """Not a unified social credit code: 18 characters whose last one checks the others."""

    code = "uscc_invalid"


class UsccTaken(Conflict):
    """A merchant with this unified social credit code exists."""

    code = "uscc_taken"


class BusinessNameInvalid(Unprocessable):
    """The name of a merchant or shop is empty, too long, or holds signs that names don't have."""

    code = "business_name_invalid"


class AreaUnknown(Unprocessable):
    """No division of ours has this code."""

    code = "area_unknown"


class MerchantSuspended(Forbidden):
    """The merchant is suspended: its shops can't take vouchers."""

    code = "merchant_suspended"


class Trade(StrEnum):
    """What a shop sells; offers are scoped by it."""

    DINING = "dining"
    RETAIL = "retail"
    APPLIANCES = "appliances"
    AUTOMOBILES = "automobiles"
    FUEL = "fuel"
    LODGING = "lodging"
    CULTURE_TOURISM = "culture_tourism"
    SPORTS = "sports"
    SUPERMARKET = "supermarket"
    DIGITAL = "digital"
    OTHER = "other"

    def label(self, locale: str) -> str:
        """The trade's name in Chinese, or in English for an English locale."""
        zh, en = _TRADES[self]
        return en if locale.startswith("en") else zh


_TRADES: Mapping[Trade, tuple[str, str]] = {
    Trade.DINING: ("餐饮", "Dining"),
    Trade.RETAIL: ("零售", "Retail"),
    Trade.APPLIANCES: ("家电", "Home appliances"),
    Trade.AUTOMOBILES: ("汽车", "Automobiles"),
    Trade.FUEL: ("加油", "Fuel"),
    Trade.LODGING: ("住宿", "Lodging"),
    Trade.CULTURE_TOURISM: ("文旅", "Culture and tourism"),
    Trade.SPORTS: ("体育", "Sports"),
    Trade.SUPERMARKET: ("商超", "Supermarkets"),
    Trade.DIGITAL: ("数码", "Digital products"),
    Trade.OTHER: ("其他", "Other"),
}


class SizeClass(StrEnum):
    """How the statistics office counts a merchant."""

    ABOVE_QUOTA = "above_quota"
    BELOW_QUOTA = "below_quota"
    SMALL = "small"

    def label(self, locale: str) -> str:
        """The class's name in Chinese, or in English for an English locale."""
        zh, en = _SIZES[self]
        return en if locale.startswith("en") else zh


_SIZES: Mapping[SizeClass, tuple[str, str]] = {
    SizeClass.ABOVE_QUOTA: ("限上", "Above quota"),
    SizeClass.BELOW_QUOTA: ("限下", "Below quota"),
    SizeClass.SMALL: ("小微", "Small"),
}


class MerchantStatus(StrEnum):
    """Whether a merchant's shops may take vouchers."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class MerchantEvent(StrEnum):
    """What happens to a merchant."""

    SUSPEND = "merchant.suspended"
    REINSTATE = "merchant.reinstated"


class ShopStatus(StrEnum):
    """Whether a shop is open for business."""

    ACTIVE = "active"
    CLOSED = "closed"


class ShopEvent(StrEnum):
    """What happens to a shop."""

    CLOSE = "shop.closed"


class CashierStatus(StrEnum):
    """Whether a cashier may sign in; who applies to become a merchant has no shop yet."""

    APPLYING = "applying"
    ACTIVE = "active"
    CLOSED = "closed"


class CashierEvent(StrEnum):
    """What happens to a cashier's account."""

    ADMIT = "cashier.admitted"
    CLOSE = "cashier.closed"


MERCHANT: Machine[MerchantStatus, MerchantEvent] = Machine(
    "merchant",
    MerchantStatus.ACTIVE,
    {
        MerchantStatus.ACTIVE: {MerchantEvent.SUSPEND: MerchantStatus.SUSPENDED},
        MerchantStatus.SUSPENDED: {MerchantEvent.REINSTATE: MerchantStatus.ACTIVE},
    },
)
SHOP: Machine[ShopStatus, ShopEvent] = Machine(
    "shop",
    ShopStatus.ACTIVE,
    {ShopStatus.ACTIVE: {ShopEvent.CLOSE: ShopStatus.CLOSED}, ShopStatus.CLOSED: {}},
)
CASHIER: Machine[CashierStatus, CashierEvent] = Machine(
    "cashier",
    CashierStatus.ACTIVE,
    {
        CashierStatus.APPLYING: {CashierEvent.ADMIT: CashierStatus.ACTIVE},
        CashierStatus.ACTIVE: {CashierEvent.CLOSE: CashierStatus.CLOSED},
        CashierStatus.CLOSED: {},
    },
)
MERCHANT_PUBLIC: Mapping[MerchantStatus, str] = {
    MerchantStatus.ACTIVE: "正常",
    MerchantStatus.SUSPENDED: "已暂停",
}
MERCHANT_OWNER: Mapping[MerchantStatus, frozenset[Role]] = {
    MerchantStatus.ACTIVE: frozenset({Role.REVIEWER}),
    MerchantStatus.SUSPENDED: frozenset({Role.REVIEWER}),
}
SHOP_PUBLIC: Mapping[ShopStatus, str] = {
    ShopStatus.ACTIVE: "营业中",
    ShopStatus.CLOSED: "已停业",
}
SHOP_OWNER: Mapping[ShopStatus, frozenset[Role]] = {
    ShopStatus.ACTIVE: frozenset({Role.PLANNER, Role.REVIEWER}),
    ShopStatus.CLOSED: frozenset(),
}
CASHIER_PUBLIC: Mapping[CashierStatus, str] = {
    CashierStatus.APPLYING: "申请入驻中",
    CashierStatus.ACTIVE: "正常",
    CashierStatus.CLOSED: "已注销",
}
CASHIER_OWNER: Mapping[CashierStatus, frozenset[Role]] = {
    CashierStatus.APPLYING: frozenset({Role.APPROVER}),
    CashierStatus.ACTIVE: frozenset({Role.PLANNER, Role.REVIEWER, Role.MANAGER}),
    CashierStatus.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Merchant:
    """A legal person that owns shops."""

    id: MerchantId
    name: str
    uscc: str
    size_class: SizeClass
    status: MerchantStatus


@dataclass(frozen=True, slots=True)
class Shop:
    """A place that takes vouchers. `area` is a division code."""

    id: ShopId
    merchant_id: MerchantId
    name: str
    area: str
    trade: Trade
    address: str
    status: ShopStatus
    opening_hours: OpeningHours | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Cashier:
    """A person who scans at one shop."""

    id: CashierId
    shop_id: ShopId
    username: str
    display_name: str
    role: Role
    status: CashierStatus


SANDBOX_USCC = "92441702UTJGNN239X"
"""The invented credit code of the merchant at whose shop vendors try their tills."""


@dataclass(frozen=True, slots=True)
class Till:
    """Everything a redemption must know of where it happens and who scans.

    `identity_hashes` are keyed hashes of the cashier's own identity document, one for each key in
    use; empty where the cashier gave none. Opening hours and position are the shop's, where told.
    `sandbox`: it takes the vouchers of the sandbox only.
    """

    cashier_id: CashierId
    shop_id: ShopId
    shop_name: str
    merchant_id: MerchantId
    merchant_name: str
    area: str
    trade: Trade
    size_class: SizeClass
    merchant_active: bool
    shop_active: bool
    identity_hashes: frozenset[bytes]
    opening_hours: OpeningHours | None = None
    position: Position | None = None
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class SyntheticShop:
    """An invented merchant with one shop, for demonstrations and replays."""

    merchant_name: str
    uscc: str
    size_class: SizeClass
    shop_name: str
    area: str
    trade: Trade
    address: str = ""


@dataclass(frozen=True, slots=True)
class SyntheticTill:
    """What became of a synthetic shop: its ids and those of its one cashier, who can't sign in."""

    merchant_id: MerchantId
    shop_id: ShopId
    cashier_id: CashierId


_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def uscc(text: str) -> str:
    """A unified social credit code in its one spelling (GB 32100). Raises UsccInvalid."""
    code = "".join(unicodedata.normalize("NFKC", text).upper().split())
    if not re.fullmatch(f"[{_USCC_ALPHABET}]{{18}}", code):
        raise UsccInvalid
    total = sum(_USCC_ALPHABET.index(char) * pow(3, i, 31) for i, char in enumerate(code[:17]))
    if _USCC_ALPHABET[-total % 31] != code[17]:
        raise UsccInvalid
    return code


def business_name(text: str) -> str:
    """The name of a merchant or shop, 1 to 80 characters. Raises BusinessNameInvalid."""
    name = re.sub(" +", " ", unicodedata.normalize("NFC", text)).strip(" ")
    if not 1 <= len(name) <= 80 or any(_unprintable(char) for char in name):
        raise BusinessNameInvalid
    return name


def _unprintable(char: str) -> bool:
    category = unicodedata.category(char)
    return category.startswith("C") or category in ("So", "Zl", "Zp")
