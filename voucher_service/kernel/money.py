"""Money as whole fen, and rates that say how they round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Rounding(StrEnum):
    """What becomes of a fraction of a fen."""

    DOWN = "down"
    HALF_UP = "half_up"
    UP = "up"


@dataclass(frozen=True, slots=True, order=True)
class Bps:
    """A rate in basis points: 10,000 is the whole. 0 to 10,000."""

    value: int

    def __post_init__(self) -> None:
        if type(self.value) is not int or not 0 <= self.value <= 10_000:
            raise ValueError(f"a rate is 0 to 10,000 basis points, not {self.value!r}")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """A sum of renminbi in whole fen (1 yuan is 100 fen). May be negative: books have two sides."""

    fen: int

    def __post_init__(self) -> None:
        if type(self.fen) is not int:
            raise TypeError(f"money is a whole number of fen, not {self.fen!r}")

    @classmethod
    def of_yuan(cls, yuan: int) -> Money:
        """That many whole yuan."""
        return cls(yuan * 100)

    @classmethod
    def total(cls, parts: Iterable[Money]) -> Money:
        """The sum; zero of nothing."""
        return cls(sum(part.fen for part in parts))

    def __add__(self, other: Money) -> Money:
        return Money(self.fen + other.fen)

    def __sub__(self, other: Money) -> Money:
        return Money(self.fen - other.fen)

    def __neg__(self) -> Money:
        return Money(-self.fen)

    def __mul__(self, count: int) -> Money:
        if type(count) is not int:
            raise TypeError("money is multiplied by a count; for a rate say share()")
        return Money(self.fen * count)

    def __bool__(self) -> bool:
        return self.fen != 0

    def share(self, rate: Bps, rounding: Rounding) -> Money:
        """This sum times a rate, rounded to whole fen as the caller says. Not for negative sums."""
        if self.fen < 0:
            raise ValueError("a share is taken of a sum that is not negative")
        whole, rest = divmod(self.fen * rate.value, 10_000)
        up = rounding is Rounding.UP and rest > 0
        half = rounding is Rounding.HALF_UP and rest * 2 >= 10_000
        return Money(whole + (1 if up or half else 0))

    def split(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Parts in proportion to the weights that add up to this sum (largest remainder).

        Remainders that tie go to the earlier part. Raises ValueError when no weight is positive.
        """
        return tuple(Money(part) for part in largest_remainder(self.fen, weights))

    def yuan_text(self) -> str:
        """Yuan with two decimals and no separators, as files carry it: "1234.50"."""
        sign = "-" if self.fen < 0 else ""
        yuan, fen = divmod(abs(self.fen), 100)
        return f"{sign}{yuan}.{fen:02d}"


ZERO = Money(0)


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Split a whole number in proportion to the weights; the parts add up to it exactly."""
    whole = sum(weights)
    if whole <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("weights are not negative and one of them is positive")
    if total < 0:
        return [-part for part in largest_remainder(-total, weights)]
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts
