"""Order amounts between two bounds that add up to a sum exactly. Fen throughout."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

# At least this part of the orders takes a share of what the draw leaves over or short.
SHARERS_BPS = 100


def draw(
    rng: Random,
    count: int,
    *,
    least_fen: int,
    most_fen: int,
    total_fen: int,
    endings: Sequence[tuple[int, int]],
) -> list[int]:
    """`count` amounts from `least_fen` to `most_fen`, both allowed, that add up to `total_fen`.

    Amounts crowd near the lower bound as far as their mean allows; `endings` are (multiple of fen,
    weight). Raises ValueError when the sum can't be reached within the bounds.
    """
    _check_bounds(count, least_fen, most_fen, total_fen)
    if least_fen * count == total_fen:
        return [least_fen] * count
    width = most_fen - least_fen
    # u ** power has the mean 1 / (1 + power) for uniform u: solved for the mean that is wanted.
    power = count * width / (total_fen - count * least_fen) - 1
    grains = rng.choices([e[0] for e in endings], [e[1] for e in endings], k=count)
    amounts = []
    for place, grain in enumerate(grains):
        u = (
            place + rng.random()
        ) / count  # one draw in each of `count` strata: little is left over
        amount = least_fen + round(width * u**power)
        amount = (amount + grain // 2) // grain * grain
        amounts.append(min(most_fen, max(least_fen, amount)))
    rng.shuffle(amounts)
    spread(rng, amounts, least_fen=least_fen, most_fen=most_fen, total_fen=total_fen)
    return amounts


def spread(
    rng: Random, amounts: list[int], *, least_fen: int, most_fen: int, total_fen: int
) -> int:
    """Change amounts within the bounds until they add up to the sum; answers how many changed.

    At least one in a hundred changes, unless the sum is met already: what is missing is shared
    evenly, and when it is too little for that, pairs of amounts give and take a fen. Raises
    ValueError when the sum can't be reached within the bounds.
    """
    _check_bounds(len(amounts), least_fen, most_fen, total_fen)
    missing = total_fen - sum(amounts)
    if missing == 0:
        return 0
    sharers = -(-len(amounts) * SHARERS_BPS // 10_000)
    order = rng.sample(range(len(amounts)), len(amounts))
    step = 1 if missing > 0 else -1
    left = abs(missing)
    changed: set[int] = set()
    portion = max(1, left // sharers)
    while left:
        for place in order:
            room = most_fen - amounts[place] if step > 0 else amounts[place] - least_fen
            part = min(portion, room, left)
            if part:
                amounts[place] += step * part
                changed.add(place)
                left -= part
            if not left:
                break
        portion *= 2
    inside = [p for p in order if p not in changed and least_fen < amounts[p] < most_fen]
    pairs = (sharers - len(changed) + 1) // 2
    for giver, taker in list(zip(inside[::2], inside[1::2], strict=False))[: max(0, pairs)]:
        amounts[giver] -= 1
        amounts[taker] += 1
        changed |= {giver, taker}
    return len(changed)


def _check_bounds(count: int, least_fen: int, most_fen: int, total_fen: int) -> None:
    if not count * least_fen <= total_fen <= count * most_fen:
        raise ValueError("the sum lies outside what the bounds allow")
