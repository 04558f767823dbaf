"""Published totals at a scale: exact, and rounded to what can be played."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


class Infeasible(Exception):
    """The totals can't be reached with this file at this scale. The text says what would fit."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One total: as published, scaled exactly (fen), and the target that is played."""

    published_fen: int
    exact_fen: Fraction
    target_fen: int

    @property
    def rounding_fen(self) -> Fraction:
        """Target minus exact."""
        return self.target_fen - self.exact_fen


def half_up(value: Fraction) -> int:
    """The nearest whole number; a half goes up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
