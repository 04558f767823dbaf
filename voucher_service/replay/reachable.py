"""Fixed sums that add up to a total exactly, and the nearest total that they can. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from random import Random


class Reachable:
    """Which totals a count of sums, each one of a few, can have.

    Totals are kept as the bits of a whole number for each count, so that hundreds of sums take no
    time. Sums are fen, the same units as the totals.
    """

    def __init__(self, sums: Sequence[int], count: int) -> None:
        self.sums = sorted(set(sums))
        self.least = self.sums[0]
        self.grain = gcd(*(each - self.least for each in self.sums)) or 1
        self.steps = [(each - self.least) // self.grain for each in self.sums]
        self.reached = [1]
        for _ in range(count):
            last, bits = self.reached[-1], 0
            for step in self.steps:
                bits |= last << step
            self.reached.append(bits)

    def nearest(self, total: int) -> int:
        """The total of all of them that is nearest, the higher of two."""
        count = len(self.reached) - 1
        bits, base = self.reached[count], count * self.least
        wanted = [step for step in range(bits.bit_length()) if bits >> step & 1]
        found = min(wanted, key=lambda step: (abs(base + step * self.grain - total), -step))
        return base + found * self.grain

    def draw(self, rng: Random, total: int, weights: Sequence[int]) -> list[int]:
        """Sums that add up to the total; weights are of the sums, rising.

        Raises ValueError when they can't.
        """
        count = len(self.reached) - 1
        rest, off = divmod(total - count * self.least, self.grain)
        if off or rest < 0 or not self.reached[count] >> rest & 1:
            raise ValueError("the sums can't add up to the total")
        drawn = []
        for left in range(count - 1, -1, -1):
            open_to = [
                place
                for place, step in enumerate(self.steps)
                if step <= rest and self.reached[left] >> (rest - step) & 1
            ]
            chances = [weights[place] for place in open_to]
            place = rng.choices(open_to, chances if any(chances) else None)[0]
            rest -= self.steps[place]
            drawn.append(self.sums[place])
        rng.shuffle(drawn)
        return drawn
