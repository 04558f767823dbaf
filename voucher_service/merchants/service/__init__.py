"""Merchants' commands and steps: the registry, the till, synthetic shops."""

from .changes import (
    close_cashier,
    close_shop,
    reinstate,
    reinstate_merchant,
    suspend,
    suspend_merchant,
)
from .desk import Desk, desk
from .names import shop_names
from .registry import create_cashier, create_merchant, create_shop
from .till import cashier_actor, cashier_at_till, cashier_sign_in, shops_accepting, till
from .upkeep import register_synthetic_shops, rotate_fields
from .views import load_cashier, load_merchant, load_shop

__all__ = [
    "Desk",
    "cashier_actor",
    "cashier_at_till",
    "cashier_sign_in",
    "close_cashier",
    "close_shop",
    "create_cashier",
    "create_merchant",
    "create_shop",
    "desk",
    "load_cashier",
    "load_merchant",
    "load_shop",
    "register_synthetic_shops",
    "reinstate",
    "reinstate_merchant",
    "rotate_fields",
    "shop_names",
    "shops_accepting",
    "suspend",
    "suspend_merchant",
    "till",
]
