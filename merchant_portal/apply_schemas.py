"""The forms of an application, as people type them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Equal, Length, OneOf

from merchant_portal.desk_schemas import PositionField
from voucher_service.i18n import gettext, mark, sentence
from voucher_service.infra import areas
from voucher_service.infra.files import FILE_REFUSALS
from voucher_service.kernel.errors import DomainError
from voucher_service.merchants import place
from voucher_service.merchants.accounts import AccountKind
from voucher_service.merchants.model import SizeClass, Trade, UsccTaken
from voucher_service.merchants.onboarding import DocumentKind, PlannedShop
from voucher_service.web.fields import NameField, TextField
from voucher_service.web.forms import Form
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema

PROVINCE = "44"
_CHOOSE = mark("请从给出的几种里选一个。")
_MISSING: dict[str, Any] = {"required": mark("这一项必填。")}
# An applicant has no list of merchants to look into.
_TAKEN = mark("这个代码的商户已经入驻，没有保存。请用原来的账号登录；不是您办的，打 12345。")
# Beside which box a refusal of the service is shown; any other is shown above all of them.
_BOXES: Mapping[str, str] = {
    "username_invalid": "username",
    "username_taken": "username",
    "password_too_short": "password",
    "mobile_invalid": "mobile",
    "uscc_invalid": "uscc",
    "uscc_taken": "uscc",
    "business_name_invalid": "name",
    "name_invalid": "legal_person",
    "area_unknown": "area",
    "account_number_invalid": "number",
    "account_name_differs": "name",
    "cnaps_invalid": "cnaps",
    **dict.fromkeys(FILE_REFUSALS, "file"),
    "opening_hours_invalid": "hours",
}


class BeginForm(Schema):
    """The account of a future manager."""

    username = fields.String(required=True, error_messages=_MISSING, validate=Length(max=64))
    password = fields.String(required=True, error_messages=_MISSING, validate=Length(max=200))
    mobile = fields.String(required=True, error_messages=_MISSING, validate=Length(max=40))


class BusinessForm(Schema):
    """What the licence says."""

    name = NameField(required=True, maximum=80)
    uscc = TextField(required=True, maximum=40)
    size_class = fields.String(required=True, validate=OneOf(list(SizeClass), error=_CHOOSE))
    legal_person = NameField(required=True, maximum=60)


class ShopForm(Schema):
    """One shop; hours as `9:00-22:00`, position as latitude and longitude."""

    name = NameField(required=True, maximum=80)
    area = fields.String(required=True)
    trade = fields.String(required=True, validate=OneOf(list(Trade), error=_CHOOSE))
    address = TextField(required=True, maximum=80)
    hours = TextField(load_default="", maximum=80)
    position = PositionField(load_default=None)

    @ma.post_load
    def _shop(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        try:
            hours = place.typed(data["hours"], {})
        except place.OpeningHoursInvalid as error:
            raise ma.ValidationError({"hours": [sentence(error, locale())]}) from None
        found = PlannedShop(
            name=data["name"],
            area=data["area"],
            trade=Trade(data["trade"]),
            address=data["address"],
            hours=hours,
            position=data["position"],
        )
        return {"shop": found}


class RemoveForm(Schema):
    """Which shop, counted from 1."""

    number = fields.Integer(required=True)


class AccountForm(Schema):
    """An account at a bank."""

    kind = fields.String(required=True, validate=OneOf(list(AccountKind), error=_CHOOSE))
    name = NameField(required=True, maximum=80)
    number = TextField(required=True, maximum=60)
    bank = TextField(required=True, maximum=80)
    cnaps = TextField(load_default="", maximum=20)

    @ma.post_load
    def _kind(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return data | {"kind": AccountKind(data["kind"])}


class DocumentForm(Schema):
    """What a file shows."""

    kind = fields.String(required=True, validate=OneOf(list(DocumentKind), error=_CHOOSE))


class CommitmentForm(Schema):
    """The agreement to one version of the letter."""

    commitment = fields.String(required=True, validate=Length(max=40))
    agreed = fields.String(
        required=True,
        error_messages={"required": mark("请先看完承诺书，再打勾。")},
        validate=Equal("yes", error=mark("请先看完承诺书，再打勾。")),
    )


def refuse(form: Form, error: DomainError) -> Form:
    """Say a refusal beside the box that it is about, else above them all."""
    box = _BOXES.get(error.code)
    if box is None:
        form.refuse(error)
    elif isinstance(error, UsccTaken):
        form.errors[box] = gettext(_TAKEN, locale())
    else:
        form.errors[box] = sentence(error, locale())
    return form


def area_choices() -> list[tuple[str, str]]:
    """Every county or town below a city, by its names."""
    return [
        (code, f"{areas.name(city, locale())} {areas.name(code, locale())}")
        for city in areas.children(PROVINCE)
        for code in areas.children(city)
    ]


def labels(kinds: type[Trade] | type[SizeClass]) -> list[tuple[str, str]]:
    """Values with their names."""
    return [(str(one), one.label(locale())) for one in kinds]
