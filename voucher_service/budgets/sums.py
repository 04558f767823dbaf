"""Where each fen of a place stands, and how what is in an offer's pool is shared by plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger.model import Account, Owner, Stage


@dataclass(frozen=True, slots=True)
class Sums:
    """What a place was given, and where it stands.

    available: not planned with. passed_on: given to what is below. reserved: published and
    unclaimed. outstanding: claimed and not redeemed. committed: redeemed and payable, with the
    share of what was not folded yet. settled: paid. returned: gone home. carried: into the next
    year. `given` is always the sum of the others.
    """

    given: Money = ZERO
    available: Money = ZERO
    passed_on: Money = ZERO
    reserved: Money = ZERO
    outstanding: Money = ZERO
    committed: Money = ZERO
    settled: Money = ZERO
    returned: Money = ZERO
    carried: Money = ZERO

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, one) + getattr(other, one) for one in NAMES))

    @property
    def placed(self) -> Money:
        """The sum of where it stands; equal to `given`."""
        return Money.total(getattr(self, one) for one in NAMES[1:])


NAMES = tuple(field.name for field in fields(Sums))
_OWN = {
    Stage.AVAILABLE: "available",
    Stage.PASSED_ON: "passed_on",
    Stage.COMMITTED: "committed",
    Stage.SETTLED: "settled",
    Stage.RETURNED: "returned",
    Stage.CARRIED: "carried",
}
STAGES = (Stage.APPROPRIATION, *_OWN)
# Of a pool: what a line put in is in one of these.
POOL_STAGES = {
    Stage.RESERVED: "reserved",
    Stage.OUTSTANDING: "outstanding",
    Stage.FROZEN: "outstanding",
    Stage.COMMITTED: "committed",
}


def own(owner: Owner, id: object, there: Mapping[Account, Money]) -> Sums:
    """What a place's own accounts say; of a line without what it has in pools."""
    mine = {
        one.stage: amount for one, amount in there.items() if (one.owner, one.id) == (owner, id)
    }
    named = {name: mine.get(stage, ZERO) for stage, name in _OWN.items()}
    return Sums(given=-mine.get(Stage.APPROPRIATION, ZERO), **named)


def with_pools(lines: Sequence[Sums], pooled: Sums) -> list[Sums]:
    """The lines of a campaign with their shares of its pools, by what each has in them.

    What a line has in the pools is what it was given less what stands elsewhere, so each line's
    sums and each column's add up exactly.
    """
    inside = [(one.given - one.placed).fen for one in lines]
    shares: dict[str, tuple[int, ...]] = {}
    # What was undone since the last fold is back in the pools, and still on the lines.
    undone = _split(-pooled.committed.fen, [one.committed.fen for one in lines])
    inside = [here + part for here, part in zip(inside, undone, strict=True)]
    for name in ("outstanding", "committed"):
        total = getattr(pooled, name).fen
        parts = _split(total, inside)
        shares[name] = parts
        inside = [rest - part for rest, part in zip(inside, parts, strict=True)]
    return [
        one
        + Sums(
            outstanding=Money(shares["outstanding"][i]),
            committed=Money(shares["committed"][i] - undone[i]),
            reserved=Money(inside[i]),
        )
        for i, one in enumerate(lines)
    ]


def together(top: Iterable[Sums], everything: Iterable[Sums]) -> Sums:
    """Several places as one: given is what the topmost were given; what went from one of them to
    another counts where it stands, not as passed on.
    """
    total = sum(everything, Sums())
    given = Money.total(one.given for one in top)
    inner = total.given - given
    # What came down inside was passed on, less what lines sent up again as returned.
    up = total.passed_on - inner
    return Sums(
        given=given,
        available=total.available,
        reserved=total.reserved,
        outstanding=total.outstanding,
        committed=total.committed,
        settled=total.settled,
        returned=total.returned + up,
        carried=total.carried,
    )


def _split(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    if total <= 0 or sum(weights) <= 0:
        return tuple(0 for _ in weights)
    return tuple(one.fen for one in Money(total).split([max(0, one) for one in weights]))
