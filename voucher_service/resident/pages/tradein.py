"""What a trade-in would get: the sum first, and nothing asked of the reader but the purchase."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Blueprint, render_template, request
from marshmallow import fields

from voucher_service.i18n import mark
from voucher_service.identity.model import Resident
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.tradein import quote as quotes
from voucher_service.tradein import service, shelf, words
from voucher_service.tradein.policy import (
    CATEGORIES,
    Case,
    Category,
    Energy,
    NewCar,
    OldCar,
    Policy,
    Scheme,
)
from voucher_service.web import forms
from voucher_service.web.auth import actor_or_none
from voucher_service.web.fields import DayField, YuanField
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core, today

from ..api.tradein import LitresField
from ..people import resident_of

pages = Blueprint("tradein", __name__)
_PICTURES = {
    Category.REFRIGERATOR: "fridge",
    Category.WASHING_MACHINE: "wash",
    Category.TELEVISION: "tv",
    Category.AIR_CONDITIONER: "air",
    Category.WATER_HEATER: "heat",
    Category.COMPUTER: "pc",
    Category.PHONE: "cell",
    Category.TABLET: "cell",
    Category.WATCH: "watch",
    Category.GLASSES: "user",
    Category.CAR: "car",
}
_UNKNOWN = "unknown"


class _Purchase(Schema):
    """The address of a sum that was asked for: nothing typed yet, or all of it."""

    price = YuanField(
        required=True, minimum=1, error_messages={"required": mark("请填店里卖多少钱。")}
    )
    on = DayField()


class ApplianceForm(_Purchase):
    """An appliance or a digital product."""

    grade = fields.String(validate=ma.validate.OneOf([*"12345", _UNKNOWN]))


class CarForm(_Purchase):
    """A new car for an old one."""

    scheme = fields.String(
        required=True,
        validate=ma.validate.OneOf([Scheme.CAR_SCRAP, Scheme.CAR_REPLACE]),
        error_messages={"required": mark("请选旧车是报废还是卖掉。")},
    )
    new_energy = fields.String(
        required=True,
        validate=ma.validate.OneOf(list(Energy)),
        error_messages={"required": mark("请选新车的能源。")},
    )
    engine_litres = LitresField()
    old_energy = fields.String(
        required=True,
        validate=ma.validate.OneOf(list(Energy)),
        error_messages={"required": mark("请选旧车的能源。")},
    )
    registered_on = DayField(
        required=True, error_messages={"required": mark("请填旧车的注册登记日期。")}
    )
    owned_since = DayField(
        required=True, error_messages={"required": mark("请填旧车是哪天登记到您名下的。")}
    )


@pages.get("/trade-in")
def categories() -> str:
    """What there is a subsidy for today."""
    today_s = [one for one in shelf.shelf() if one.first <= today() <= one.last]
    found = [
        (one, words.label(one, locale()), _PICTURES.get(one, "plus"))
        for one in Category
        if any(_lists(policy, one) for policy in today_s)
    ]
    return render_template("resident/tradein.html", categories=found, reader=actor_or_none())


@pages.get("/trade-in/<name>")
def sum_up(name: str) -> str | tuple[str, int]:
    """The three questions of one category, and the sum once they are answered."""
    if name not in set(Category):
        raise NoSuchThing
    category = Category(name)
    is_car = category is Category.CAR
    asked = "price" in request.args
    form = forms.Form()
    if asked:
        form = forms.read(CarForm if is_car else ApplianceForm, sent=request.args)
    answer = _answer(category, form) if asked and form.ok else None
    page = render_template(
        "resident/tradein_sum.html",
        category=category,
        label=words.label(category, locale()),
        form=form,
        is_car=is_car,
        grades=_grades(category),
        energies=[(one, words.label(one, locale())) for one in Energy],
        schemes=[
            (one, words.label(one, locale())) for one in (Scheme.CAR_SCRAP, Scheme.CAR_REPLACE)
        ],
        answer=answer,
        pool=service.open_pool(core(), category=category) if answer else None,
        reader=_reader(),
    )
    return page if form.ok else (page, 422)


def _reader() -> Resident | None:
    caller = actor_or_none()
    return resident_of(core(), caller) if caller else None


def _answer(category: Category, form: forms.Form) -> dict[str, Any]:
    case = _case(category, form.values)
    found = quotes.quote(shelf.shelf(), case)
    units = found.policy.units_of(category) if found.policy else 1
    return {
        "case": case,
        "quote": found,
        "units": units,
        "policy": found.policy.name.spelt(locale()) if found.policy else "",
        "steps": [(words.step(line, locale()), line.amount) for line in found.lines],
        "reasons": words.reasons(case, found, locale()),
    }


def _case(category: Category, given: dict[str, Any]) -> Case:
    on = given.get("on") or today()
    if category is not Category.CAR:
        scheme = next(one for one, listed in CATEGORIES.items() if category in listed)
        grade = given.get("grade", _UNKNOWN)
        return Case(
            scheme, category, given["price"], on, grade=None if grade == _UNKNOWN else int(grade)
        )
    litres = given.get("engine_litres")
    return Case(
        Scheme(given["scheme"]),
        category,
        given["price"],
        on,
        new=NewCar(Energy(given["new_energy"]), None if litres is None else round(litres * 1000)),
        old=OldCar(Energy(given["old_energy"]), given["registered_on"], given["owned_since"]),
    )


def _grades(category: Category) -> list[int]:
    """The efficiency grades that some policy knows for a category; empty when none asks."""
    rules = [rule for one in shelf.shelf() for rule in one.rules if category in rule.categories]
    return sorted({grade for rule in rules for grade in rule.grades})


def _lists(policy: Policy, category: Category) -> bool:
    return any(category in rule.categories for rule in policy.rules)
