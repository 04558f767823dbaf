"""Several findings as one weight. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from .findings import MOST, Finding, Kind, Weight


def strongest(findings: Iterable[Finding]) -> list[Finding]:
    """Of each kind the one that weighs most; the heaviest first."""
    best: dict[Kind, Finding] = {}
    for one in findings:
        if one.kind not in best or best[one.kind].weight < one.weight:
            best[one.kind] = one
    return sorted(best.values(), key=lambda one: (-one.weight, one.kind))


def weigh(findings: Iterable[Finding]) -> Weight:
    """How sure one is that something is wrong when each kind says so for itself.

    What is left of the doubt shrinks with each kind: 50 and 50 are 75. A second finding of the same
    kind adds nothing.
    """
    doubt = 10_000
    for one in strongest(findings):
        doubt = doubt * (MOST - one.weight) // 100
    return Weight(MOST - doubt // 100)
