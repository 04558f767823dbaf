"""What calls and forms of a shop's own desk carry in and out: people, devices, points, premises."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, OneOf

from voucher_service.i18n import mark
from voucher_service.identity.documents import Document
from voucher_service.merchants import place
from voucher_service.merchants.model import SHOP_ROLES, CashierStatus
from voucher_service.merchants.place import OpeningHours, OpeningHoursInvalid, Position
from voucher_service.web.fields import DayField, InstantField, Messages, NameField
from voucher_service.web.schemas import PageArgs, Schema

_ROLES = OneOf([str(role) for role in SHOP_ROLES], error=mark("请选收银员或店长。"))
_DOCUMENTS = OneOf([str(one) for one in Document], error=mark("请选证件种类。"))
_STATUSES = OneOf([str(one) for one in CashierStatus], error=mark("请填 active 或 closed。"))
_NOT_DIGIT = re.compile(r"[\s-]+")


def _wrong(text: str) -> Messages:
    return {"invalid": text}


class PositionField(fields.Field[Position]):
    """A position as one line: latitude, then longitude, in degrees."""

    default_error_messages = _wrong(mark("请写纬度和经度，例如 21.857900, 111.982500。"))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Position:
        parts = re.split(r"[\s,，、]+", unicodedata.normalize("NFKC", str(value)).strip())
        try:
            latitude, longitude = map(float, parts)
            return Position(latitude, longitude)
        except (ValueError, place.PositionInvalid):
            raise self.make_error("invalid") from None


class PositionSchema(Schema):
    """Degrees, WGS 84."""

    latitude = fields.Float(required=True, allow_nan=False)
    longitude = fields.Float(required=True, allow_nan=False)

    @ma.post_load
    def make(self, data: dict[str, float], **_: Any) -> Position:
        """Raises ValidationError outside the country."""
        try:
            return Position(**data)
        except place.PositionInvalid:
            raise ma.ValidationError(mark("这个位置不在国内。"), "latitude") from None


class HoursField(fields.Field[OpeningHours]):
    """Seven days, Monday first; each is a list of spans [from, until], HH:MM in Shanghai."""

    default_error_messages = _wrong(
        mark('请填七天，每天是 ["09:00", "22:00"] 这样的时段，最多三段，不重叠。')
    )

    def __init__(self, **kwargs: Any) -> None:
        clock = {"type": "string", "pattern": "^([01][0-9]|2[0-4]):[0-5][0-9]$"}
        span = {"type": "array", "items": clock, "minItems": 2, "maxItems": 2}
        day = {"type": "array", "items": span, "maxItems": place.MOST_SPANS}
        kwargs["metadata"] = {"type": "array", "items": day, "minItems": 7, "maxItems": 7}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> OpeningHours:
        try:
            found = place.from_json(value)
        except OpeningHoursInvalid:
            found = None
        if found is None:
            raise self.make_error("invalid")
        return found

    def _serialize(self, value: OpeningHours | None, *_: Any, **__: Any) -> Any:
        return value and value.as_json()


class PremisesSchema(Schema):
    """When a shop is open and where it stands; null is "not told"."""

    opening_hours = HoursField(required=True, allow_none=True)
    position = fields.Nested(PositionSchema, required=True, allow_none=True)


class OwnShopSchema(PremisesSchema):
    """A shop of the manager's merchant."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    area = fields.String(required=True)
    trade = fields.String(required=True)
    address = fields.String(required=True)
    status = fields.String(required=True)


class OwnShopsSchema(Schema):
    """All shops of the manager's merchant."""

    items = fields.List(fields.Nested(OwnShopSchema), required=True)


class PremisesForm(Schema):
    """Opening hours as people type them, and the position as one line."""

    every_day = fields.String(load_default="", validate=Length(max=100))
    day1 = fields.String(load_default="", validate=Length(max=100))
    day2 = fields.String(load_default="", validate=Length(max=100))
    day3 = fields.String(load_default="", validate=Length(max=100))
    day4 = fields.String(load_default="", validate=Length(max=100))
    day5 = fields.String(load_default="", validate=Length(max=100))
    day6 = fields.String(load_default="", validate=Length(max=100))
    day7 = fields.String(load_default="", validate=Length(max=100))
    position = PositionField(load_default=None)


class ShopArgs(Schema):
    """`?shop=`: which shop of the merchant; `?point=`: at which point to stand."""

    class Meta(Schema.Meta):
        """Whatever else an address says is no reason to show nothing."""

        unknown = ma.EXCLUDE

    shop = fields.UUID(load_default=None)
    point = fields.UUID(load_default=None)


class PersonSchema(Schema):
    """A cashier or manager. `identified`: by a document known here own vouchers are refused."""

    id = fields.UUID(required=True, attribute="cashier.id")
    shop_id = fields.UUID(required=True, attribute="cashier.shop_id")
    shop_name = fields.String(required=True)
    username = fields.String(required=True, attribute="cashier.username")
    display_name = fields.String(required=True, attribute="cashier.display_name")
    role = fields.String(required=True, attribute="cashier.role")
    status = fields.String(required=True, attribute="cashier.status")
    identified = fields.Boolean(required=True)


class PeopleArgs(PageArgs):
    """Whose accounts: of one shop or all; in force, or closed."""

    shop = fields.UUID(load_default=None)
    status = fields.String(load_default=str(CashierStatus.ACTIVE), validate=_STATUSES)


class NewPersonSchema(Schema):
    """An account. With an id number the till refuses the person's own vouchers."""

    shop = fields.UUID(required=True)
    username = fields.String(required=True, validate=Length(1, 200))
    display_name = NameField(required=True, maximum=60)
    role = fields.String(load_default=str(SHOP_ROLES[1]), validate=_ROLES)
    password = fields.String(required=True, validate=Length(1, 200), load_only=True)
    document = fields.String(load_default=str(Document.RESIDENT_ID), validate=_DOCUMENTS)
    id_number = fields.String(load_default=None, validate=Length(max=64), load_only=True)


class PasswordSchema(Schema):
    """A new password."""

    password = fields.String(required=True, validate=Length(1, 200), load_only=True)


class OwnPasswordSchema(Schema):
    """The old password and the new one."""

    old = fields.String(required=True, validate=Length(1, 200), load_only=True)
    new = fields.String(required=True, validate=Length(1, 200), load_only=True)


class MoveSchema(Schema):
    """Where somebody works from now on."""

    shop = fields.UUID(required=True)


class DeviceSchema(Schema):
    """An enrolled device; `seen_at` to five minutes."""

    id = fields.UUID(required=True)
    shop_id = fields.UUID(required=True)
    name = fields.String(required=True)
    agent = fields.String(required=True)
    enrolled_at = InstantField(required=True)
    seen_at = InstantField(required=True)


class DevicesArgs(PageArgs):
    """Which part of the list."""


class AtShopSchema(Schema):
    """For which shop."""

    shop = fields.UUID(required=True)


class EnrolmentCodeSchema(Schema):
    """A code that enrols one device, told this once."""

    code = fields.String(required=True)
    url = fields.String(required=True)
    expires_at = InstantField(required=True)


class EnrolSchema(Schema):
    """The code on the manager's screen, and what the device is called from now on."""

    code = fields.String(required=True, validate=Length(1, 64))
    name = NameField(required=True, maximum=60)

    @ma.pre_load
    def as_typed(self, data: Mapping[str, Any], **_: Any) -> Mapping[str, Any]:
        """Digits as they are typed: full width, in groups."""
        code = data.get("code") if isinstance(data, Mapping) else None
        if not isinstance(code, str):
            return data
        return {**data, "code": _NOT_DIGIT.sub("", unicodedata.normalize("NFKC", code))}


class EnrolledSchema(Schema):
    """A device and its token, told this once; send it as X-Device-Token when signing in."""

    id = fields.UUID(required=True, attribute="device.id")
    name = fields.String(required=True, attribute="device.name")
    token = fields.String(required=True)


class EnrolHereForm(Schema):
    """This machine's name, and its shop."""

    shop = fields.UUID(required=True)
    name = NameField(required=True, maximum=60)


class RequiredSchema(Schema):
    """Whether only enrolled devices may redeem."""

    required = fields.Boolean(required=True, truthy={True, "true"}, falsy={False, "false"})


class PointSchema(Schema):
    """A stall or booth of a shop."""

    id = fields.UUID(required=True)
    shop_id = fields.UUID(required=True)
    name = fields.String(required=True)
    position = fields.Nested(PositionSchema, required=True, allow_none=True)
    opens_on = DayField(required=True, allow_none=True)
    closes_on = DayField(required=True, allow_none=True)
    closed = fields.Boolean(required=True)


class PointPlanSchema(Schema):
    """What a manager says about a point; null is "not told"."""

    name = NameField(required=True, maximum=60)
    position = fields.Nested(PositionSchema, load_default=None, allow_none=True)
    opens_on = DayField(load_default=None, allow_none=True)
    closes_on = DayField(load_default=None, allow_none=True)


class NewPointSchema(PointPlanSchema):
    """A point of one of the merchant's shops."""

    shop = fields.UUID(required=True)


class PointsArgs(PageArgs):
    """Which shop's points."""

    shop = fields.UUID(required=True)


class PointForm(Schema):
    """A point as a manager types it."""

    name = NameField(required=True, maximum=60)
    position = PositionField(load_default=None)
    opens_on = DayField(load_default=None)
    closes_on = DayField(load_default=None)


class StandSchema(Schema):
    """The point at which this session redeems; null is the shop itself."""

    point = fields.UUID(required=True, allow_none=True)


class StandForm(Schema):
    """The same, chosen on a page: nothing chosen is the shop itself."""

    point = fields.UUID(load_default=None)
