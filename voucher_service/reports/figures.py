"""Amounts of a group and the ratios between them, in exact whole-number arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import TypeVar

from voucher_service.kernel.money import ZERO, Money

K = TypeVar("K")
S = TypeVar("S", bound="Sums")


@dataclass(frozen=True, slots=True)
class Sums:
    """Amounts of money and counts of a group, which add up and can be shared out.

    A count is None where what is counted belongs to several groups at once, as to its funders.
    """

    def __add__(self: S, other: S) -> S:
        sums = {name: getattr(self, name) + getattr(other, name) for name in amounts(type(self))}
        counted = {
            name: _plus(getattr(self, name), getattr(other, name)) for name in counts(type(self))
        }
        return replace(self, **sums, **counted)


def amounts(kind: type[Sums]) -> tuple[str, ...]:
    """The names of the amounts of money."""
    return tuple(one.name for one in fields(kind) if one.type == "Money")


def counts(kind: type[Sums]) -> tuple[str, ...]:
    """The names of the counts."""
    return tuple(one.name for one in fields(kind) if one.type != "Money")


@dataclass(frozen=True, slots=True)
class Figures(Sums):
    """What a group of vouchers moved, net of refunds. `lapsed` is the part of `issued` that was not
    spent while it could be.

    `face_redeemed` is what redeemed vouchers took off their orders, `threshold` the least that
    those orders had to be for it; orders that went back whole are left out.
    """

    released: Money = ZERO
    issued: Money = ZERO
    redeemed: Money = ZERO
    leveraged: Money = ZERO
    refunded: Money = ZERO
    lapsed: Money = ZERO
    threshold: Money = ZERO
    face_redeemed: Money = ZERO
    evidenced: Money = ZERO
    vouchers_issued: int | None = 0
    vouchers_redeemed: int | None = 0
    vouchers_lapsed: int | None = 0

    @property
    def net_leveraged(self) -> Money:
        """What residents paid themselves: leveraged less redeemed."""
        return self.leveraged - self.redeemed


AMOUNTS = amounts(Figures)


@dataclass(frozen=True, slots=True)
class Ratios:
    """Quotients to four decimals, rounded half up; None where one has no meaning.

    `on_issued` and `on_redeemed` are leveraged ÷ issued and ÷ redeemed, each beside its mechanical
    floor; the `net_` ones leave the vouchers' own part out. `redemption_rate` is redeemed ÷ issued,
    `evidenced` the share of leveraged spending that has a payment reference of its own.
    """

    on_issued: Decimal | None = None
    on_redeemed: Decimal | None = None
    floor_on_issued: Decimal | None = None
    floor_on_redeemed: Decimal | None = None
    net_on_issued: Decimal | None = None
    net_on_redeemed: Decimal | None = None
    redemption_rate: Decimal | None = None
    evidenced: Decimal | None = None


def ratios(figures: Figures, *, issued: bool = True, redeemed: bool = True) -> Ratios:
    """A group's ratios; `issued` and `redeemed` say which denominators have a meaning there."""
    by_issued = figures.issued if issued else ZERO
    by_redeemed = figures.redeemed if redeemed else ZERO
    by_face = figures.face_redeemed if redeemed else ZERO
    return Ratios(
        on_issued=quotient(figures.leveraged, by_issued),
        on_redeemed=quotient(figures.leveraged, by_redeemed),
        floor_on_issued=quotient(figures.threshold, by_issued),
        floor_on_redeemed=quotient(figures.threshold, by_face),
        net_on_issued=quotient(figures.net_leveraged, by_issued),
        net_on_redeemed=quotient(figures.net_leveraged, by_redeemed),
        redemption_rate=quotient(figures.redeemed, by_issued),
        evidenced=quotient(figures.evidenced, figures.leveraged),
    )


def quotient(part: Money, whole: Money) -> Decimal | None:
    """Part ÷ whole to four decimals, rounded half up; None when the whole is nothing."""
    if whole <= ZERO:
        return None
    steps = (20_000 * abs(part.fen) + whole.fen) // (2 * whole.fen)
    return Decimal(-steps if part < ZERO else steps).scaleb(-4)


def number(value: Decimal | None) -> float | None:
    """A quotient as JSON has it."""
    return None if value is None else float(value)


def summed(parts: Iterable[tuple[K, S]]) -> dict[K, S]:
    """The sum of the parts of each key."""
    sums: dict[K, S] = {}
    for key, one in parts:
        sums[key] = sums[key] + one if key in sums else one
    return sums


def shared(figures: S, weights: Mapping[K, int]) -> dict[K, S]:
    """Each amount split in proportion to the weights, so that the parts add up exactly."""
    parts: dict[str, Sequence[Money]] = {
        name: getattr(figures, name).split(list(weights.values()))
        for name in amounts(type(figures))
    }
    uncounted = dict.fromkeys(counts(type(figures)))
    return {
        key: replace(figures, **{name: parts[name][i] for name in parts}, **uncounted)
        for i, key in enumerate(weights)
    }


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
