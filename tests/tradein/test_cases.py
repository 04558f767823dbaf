"""Worked cases: a table made from the published rules alone, not from the policy files.

`cases.csv` gives each case what it is bought with, whether it is paid, how much and why. An empty
`known_on` asks by every version of the rules, a day by those that were published until then.
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from voucher_service.kernel.money import Money
from voucher_service.tradein import shelf
from voucher_service.tradein.policy import Case, Category, Energy, NewCar, OldCar, Scheme
from voucher_service.tradein.quote import quote

Row = dict[str, str]
with Path(__file__).with_name("cases.csv").open(encoding="utf-8", newline="") as table:
    ROWS: list[Row] = sorted(csv.DictReader(table), key=lambda row: row["id"])


def day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def cars(row: Row) -> dict[str, Any]:
    if row["category"] != "car":
        return {}
    litres, registered = row["new_engine_litres"], day(row["old_registered_on"])
    assert registered
    return {
        "new": NewCar(Energy(row["new_energy"]), int(Decimal(litres) * 1000) if litres else None),
        "old": OldCar(Energy(row["old_energy"]), registered, day(row["old_owned_since"])),
    }


def case(row: Row) -> Case:
    return Case(
        scheme=Scheme(row["scheme"]),
        category=Category(row["category"]),
        price=Money(int(row["price_fen"])),
        on=date.fromisoformat(row["on"]),
        area=row["area"],
        grade=int(row["grade"]) if row["grade"] else None,
        **cars(row),
    )


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_case_is_paid_what_the_published_rules_say_to_the_fen(row: Row) -> None:
    answer = quote(shelf.shelf(), case(row), known_on=day(row["known_on"]))
    paid = ("yes" if answer.eligible else "no", answer.subsidy.fen)
    assert paid == (row["eligible"], int(row["subsidy_fen"])), (row["why"], answer.reasons)


def test_the_table_has_every_scheme_in_every_year_paid_and_refused() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS) >= 320
    seen = {(row["scheme"], row["on"][:4], row["eligible"]) for row in ROWS}
    for year in ("2025", "2026"):
        for scheme in set(Scheme) - {Scheme.CAR_PURCHASE}:  # Yangjiang's of 2023 only
            assert {(scheme, year, "yes"), (scheme, year, "no")} <= seen
    assert {("car_scrap", "2024", "yes"), ("appliance", "2024", "yes")} <= seen
