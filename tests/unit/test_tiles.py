"""The schematic map: every division once, no two in one place, darker where more was leveraged."""

from __future__ import annotations

import pytest

from admin.tiles import STEPS, shade
from voucher_service.infra import areas
from voucher_service.kernel.money import ZERO, Money


@pytest.mark.parametrize(("city", "many"), [("441700", 4), ("441900", 36)])
def test_every_division_of_a_city_has_a_place_of_its_own(city: str, many: int) -> None:
    places = [areas.tile(code) for code in areas.children(city)]
    assert None not in places
    assert len(set(places)) == many


def test_any_money_is_seen_and_the_most_is_darkest() -> None:
    most = Money(1_000)
    assert [shade(Money(fen), most) for fen in (0, 1, 250, 251, 1_000)] == [0, 1, 1, 2, STEPS]
    assert shade(ZERO, ZERO) == 0
