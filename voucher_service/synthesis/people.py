"""Residents, merchants and shops of a synthetic book, registered by the real services."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import ResidentId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import SizeClass, SyntheticShop, SyntheticTill, Trade
from voucher_service.replay.model import Assumed
from voucher_service.replay.strangers import credit_code, strangers

_AT_ONCE = 2_000
# Custom by chance (Pareto): half of all orders go to about a twenty-fifth of the shops.
_TAIL = 1.2


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop with its one till. `weight` is its custom beside the shops of its trade."""

    till: SyntheticTill
    area: str
    trade: str
    weight: float


def residents(core: Core, count: int, rng: Random, now: datetime) -> list[ResidentId]:
    """Register so many new residents with verified names."""
    made: list[ResidentId] = []
    invented = strangers(rng)
    while len(made) < count:
        batch = list(itertools.islice(invented, min(_AT_ONCE, count - len(made))))
        made += identity.register_synthetic(core, people=batch, now=now)
    return made


def shops(core: Core, assumed: Assumed, count: int, rng: Random, now: datetime) -> list[Shop]:
    """Register so many new merchants, each with one shop or a few. Every area has every trade."""
    found: list[Shop] = []
    invented = _invented(assumed, count, rng)
    while batch := list(itertools.islice(invented, _AT_ONCE)):
        tills = merchants.register_synthetic_shops(core, shops=[one for one, _ in batch], now=now)
        found += [
            Shop(till, one.area, str(one.trade), weight)
            for (one, weight), till in zip(batch, tills, strict=True)
        ]
    return found


def _invented(assumed: Assumed, count: int, rng: Random) -> Iterator[tuple[SyntheticShop, float]]:
    places = list(itertools.product(assumed.areas, assumed.trades))
    custom = [trade.shops[area.code] for area, trade in places]
    chosen = places + rng.choices(places, custom, k=count - len(places))
    classes = rng.choices(assumed.sizes, [one.share_bps for one in assumed.sizes], k=count)
    for number, ((area, trade), size) in enumerate(zip(chosen, classes, strict=True), 1):
        brand = f"{rng.choice(assumed.name_heads)}{rng.choice(trade.names)}{number}号"
        code = credit_code(rng)
        for branch in rng.sample(assumed.branches, rng.randint(1, size.shops)):
            shop = SyntheticShop(
                merchant_name=area.name.zh + brand,
                uscc=code,
                size_class=SizeClass(size.code),
                shop_name=f"{brand}·{branch}",
                area=area.code,
                trade=Trade(trade.code),
                address=f"{area.name.zh}{branch.removesuffix('店')}路{rng.randint(1, 199)}号",
            )
            yield shop, size.weight * rng.paretovariate(_TAIL)
