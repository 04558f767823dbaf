"""A case and its quote as plain JSON, so that a decision can be made again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from voucher_service.kernel.money import Money

from ..policy import Case, Category, Energy, NewCar, OldCar, Scheme
from ..quote import Line, Quote, Step


def as_json(case: Case, quote: Quote) -> dict[str, Any]:
    """What a subsidy was computed from, and how it came about."""
    return {
        "case": {
            "scheme": str(case.scheme),
            "category": str(case.category),
            "price_fen": case.price.fen,
            "on": case.on.isoformat(),
            "area": case.area,
            "grade": case.grade,
            "new": _new(case.new),
            "old": _old(case.old),
        },
        "steps": [
            {"step": str(one.step), "amount_fen": one.amount.fen, "fact": one.fact}
            for one in quote.lines
        ],
    }


def case_from(told: Mapping[str, Any]) -> Case:
    """The case of a stored decision."""
    case = told["case"]
    new, old = case["new"], case["old"]
    return Case(
        Scheme(case["scheme"]),
        Category(case["category"]),
        Money(case["price_fen"]),
        date.fromisoformat(case["on"]),
        area=case["area"],
        grade=case["grade"],
        new=new and NewCar(Energy(new["energy"]), new["engine_ml"]),
        old=old
        and OldCar(
            Energy(old["energy"]),
            date.fromisoformat(old["registered_on"]),
            old["owned_since"] and date.fromisoformat(old["owned_since"]),
        ),
    )


def lines_from(told: Mapping[str, Any]) -> tuple[Line, ...]:
    """The steps of a stored decision."""
    return tuple(
        Line(Step(one["step"]), Money(one["amount_fen"]), one["fact"]) for one in told["steps"]
    )


def _new(car: NewCar | None) -> dict[str, Any] | None:
    return {"energy": str(car.energy), "engine_ml": car.engine_ml} if car else None


def _old(car: OldCar | None) -> dict[str, Any] | None:
    if car is None:
        return None
    return {
        "energy": str(car.energy),
        "registered_on": car.registered_on.isoformat(),
        "owned_since": car.owned_since.isoformat() if car.owned_since else None,
    }
