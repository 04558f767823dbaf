"""What residents send of the cars that they apply for, by call and by form; what they are told."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from voucher_service.i18n import mark
from voucher_service.tradein.applications.model import SCHEMES, Bought, Card, GivenUp, Vehicle
from voucher_service.tradein.policy import Energy, Scheme
from voucher_service.web.fields import (
    CodeField,
    CountField,
    DayField,
    FenField,
    InstantField,
    TextField,
    YuanField,
)
from voucher_service.web.schemas import Schema

from .api.tradein import LitresField

AREA = r"\d{4}|\d{6}"


def _one_of(*values: str) -> ma.validate.OneOf:
    return ma.validate.OneOf(values, error=mark("请从给出的几种里选一个。"))


class BeginSchema(Schema):
    """Which subsidy: `car_scrap`, `car_replace`, or `car_purchase` without an old car."""

    scheme = fields.String(required=True, validate=_one_of(*SCHEMES))

    @ma.post_load
    def made(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The scheme as the policies see it."""
        return {"scheme": Scheme(data["scheme"])}


class _NewCar(Schema):
    vin = TextField(required=True, maximum=40)
    plate = TextField(required=True, maximum=20)
    energy = fields.String(required=True, validate=_one_of(*Energy))
    engine_litres = LitresField(load_default=None, allow_none=True)
    vehicle = fields.String(required=True, validate=_one_of(*Vehicle))
    listed = fields.Boolean(load_default=False)
    invoice = TextField(required=True, maximum=40)
    area = CodeField(required=True, pattern=AREA, maximum=6)
    buyer = TextField(required=True, maximum=60)
    invoiced_on = DayField(required=True)
    registered_on = DayField(required=True)

    @ma.post_load
    def made(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The car as applications see it."""
        litres = data.pop("engine_litres")
        data["engine_ml"] = None if litres is None else round(litres * 1000)
        kinds = {"energy": Energy(data["energy"]), "vehicle": Vehicle(data["vehicle"])}
        return {"car": Bought(**{**data, **kinds})}


class BoughtCarSchema(_NewCar):
    """The new car by its papers. `price_fen` includes `tax_fen`; `area` is where the invoice was
    made, a division code; `listed`: it stands in the catalogue of new-energy cars without tax.
    """

    seats = CountField(required=True, minimum=1, maximum=100)
    price_fen = FenField(required=True, minimum=1, attribute="price")
    tax_fen = FenField(required=True, attribute="tax")


class NewCarForm(_NewCar):
    """The same as people type it."""

    seats = fields.Integer(
        required=True,
        validate=ma.validate.Range(1, 100, error=mark("请填座位数。")),
        error_messages={"invalid": mark("请填座位数。")},
    )
    price = YuanField(required=True, minimum=1)
    tax = YuanField(required=True)


class GivenUpCarSchema(Schema):
    """The old car by its papers. Scrapped: `paper` is the recycling certificate's number,
    `parted_on` the day of handing over, `closed_on` the day of cancellation. Sold: the used-car
    invoice's number and day, and the day of the transfer.
    """

    vin = TextField(required=True, maximum=40)
    plate = TextField(required=True, maximum=20)
    energy = fields.String(required=True, validate=_one_of(*Energy))
    registered_on = DayField(required=True)
    owned_since = DayField(required=True)
    owner = TextField(required=True, maximum=60)
    paper = TextField(required=True, maximum=40)
    parted_on = DayField(required=True)
    closed_on = DayField(required=True)

    @ma.post_load
    def made(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The car as applications see it."""
        return {"car": GivenUp(**{**data, "energy": Energy(data["energy"])})}


class BankCardSchema(Schema):
    """The applicant's own debit card (Ⅰ类卡)."""

    holder = TextField(required=True, maximum=60)
    number = TextField(required=True, maximum=40)
    bank = TextField(required=True, maximum=80)

    @ma.post_load
    def made(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The card as applications see it."""
        return {"card": Card(**data)}


class FindingSchema(Schema):
    """What was found. `against`: it can't be handed in so; else a person looks."""

    what = fields.String(required=True)
    part = fields.String(required=True)
    against = fields.Boolean(required=True)
    text = fields.String(required=True)


class ApplicationSchema(Schema):
    """An application. `status`: draft submitted prechecked sent_back approved rejected withdrawn
    lapsed payout_refused card_given paid.

    `missing`: parts and papers by name; `corrections`: what to correct and why, by the same names,
    until `correct_until`. `subsidy_fen` stands from the handing in on. The office's next step is
    due by the end of `due_on`. `payout_refused`: another card is asked for, `reason` says why.
    """

    id = fields.UUID(required=True)
    scheme = fields.String(required=True)
    status = fields.String(required=True)
    missing = fields.List(fields.String(), required=True)
    wanted = fields.List(fields.String(), required=True)
    corrections = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    reason = fields.String(required=True)
    policy = fields.String(required=True, allow_none=True, attribute="policy_id")
    subsidy_fen = FenField(required=True, allow_none=True, attribute="subsidy")
    filed_at = InstantField(required=True, allow_none=True)
    submitted_at = InstantField(required=True, allow_none=True)
    prechecked_at = InstantField(required=True, allow_none=True)
    decided_at = InstantField(required=True, allow_none=True)
    correct_until = InstantField(required=True, allow_none=True)
    due_on = DayField(required=True, allow_none=True)
    paid_at = InstantField(required=True, allow_none=True)


class OneApplicationSchema(Schema):
    """An application, and what the machine finds in it; nothing while a part is missing."""

    application = fields.Nested(ApplicationSchema, required=True)
    expected_fen = FenField(required=True, allow_none=True)
    findings = fields.List(fields.Nested(FindingSchema), required=True)
    reasons = fields.List(fields.String(), required=True)


class NoticedSchema(Schema):
    """A line of the public notice; the name is masked."""

    name = fields.String(required=True)
    scheme = fields.String(required=True)
    subsidy_fen = FenField(required=True, attribute="subsidy")
    area = fields.String(required=True)
    since = DayField(required=True)
    until = DayField(required=True)
