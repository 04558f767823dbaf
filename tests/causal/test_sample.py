"""The effect of an invented file is the one that the estimators find in it."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date
from uuid import UUID

import pytest

from voucher_service.causal import bunching, frames, outcome_reader
from voucher_service.causal.model import Design, Found
from voucher_service.causal.outcomes import Kind, Line
from voucher_service.causal.sample import sample
from voucher_service.infra import areas
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import ZERO, Money

FIRST, OPENS, ENDS, LAST = (
    date(2026, 8, 31),
    date(2026, 9, 28),
    date(2026, 10, 26),
    date(2026, 11, 22),
)
THRESHOLD = Money.of_yuan(100)
SHOPS = {str(UUID(int=1 + n)): Money.of_yuan(1_000 + 40 * n) for n in range(40)}
TOWNS = {
    town: Money.of_yuan(60_000) if n < 6 else ZERO
    for n, town in enumerate(areas.children("441900")[:12])
}


def lines(kind: Kind, things: dict[str, Money], effect: float) -> list[Line]:
    told = sample(
        kind,
        offer=OfferId(UUID(int=1)),
        first=FIRST,
        last=LAST,
        things=things,
        seed=2,
        opens=OPENS,
        effect=effect,
        threshold=THRESHOLD,
    )
    return list(outcome_reader.read(io.BytesIO("\n".join(told).encode()))[1])


def of_orders(effect: float) -> frames.Frame:
    step = 100 * bunching.step_of(THRESHOLD.fen // 100)
    counted = Counter(
        (one.shop, round(one.amount.fen / step))
        for one in lines(Kind.ORDERS, SHOPS, effect)
        if OPENS <= one.day < ENDS
    )
    classes = [(shop, kind, count) for (shop, kind), count in counted.items()]
    back = {UUID(shop): amount.fen for shop, amount in SHOPS.items()}
    return frames.of_orders(classes, back, step=step, threshold=THRESHOLD.fen)


def of_areas(effect: float) -> frames.Frame:
    rows = [
        (one.area, one.day, one.amount.fen, one.people, TOWNS[one.area].fen)
        for one in lines(Kind.AREAS, TOWNS, effect)
    ]
    return frames.of_areas(rows, opens=OPENS, ends=ENDS, weeks=4)


@pytest.mark.parametrize("effect", [0.0, 3.0])
@pytest.mark.parametrize(
    ("design", "frame"), [(Design.BUNCHING, of_orders), (Design.AREAS, of_areas)]
)
def test_what_a_sample_says_it_shows_is_found_in_it(
    design: Design, frame: object, effect: float
) -> None:
    assert callable(frame)
    found = frames.ask(design, frame(effect), 1)
    assert isinstance(found, Found)
    assert found.effect.low < effect < found.effect.high
    assert (found.effect.low > 0) == (effect > 0)
