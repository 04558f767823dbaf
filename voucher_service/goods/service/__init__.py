"""Goods' commands and steps: the library and its changes, filed prices, prices seen."""

from .changing import change, changes, differences, propose
from .filing import OwnPrice, filed_price, own_price, own_prices, promise, promise_from
from .library import export, holds_any, product, products, search, versions
from .seeing import (
    History,
    Suspicion,
    history,
    lowest_seen,
    lows,
    observe,
    rule,
    suspicions,
)

__all__ = [
    "History",
    "OwnPrice",
    "Suspicion",
    "change",
    "changes",
    "differences",
    "export",
    "filed_price",
    "history",
    "holds_any",
    "lowest_seen",
    "lows",
    "observe",
    "own_price",
    "own_prices",
    "product",
    "products",
    "promise",
    "promise_from",
    "propose",
    "rule",
    "search",
    "suspicions",
    "versions",
]
