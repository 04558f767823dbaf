"""The form of an offer: what planners type, read into what the plan is made of."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import time
from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import fields, validate

from voucher_service.campaigns.model import (
    WHOLE_BPS,
    GoodsClass,
    OfferKind,
    PartialRefund,
    RefundRule,
    Window,
)
from voucher_service.campaigns.wording import least_threshold
from voucher_service.i18n import mark
from voucher_service.kernel.money import Money
from voucher_service.web.fields import CodeField, Messages, NameField, YuanField
from voucher_service.web.schemas import Schema

from .forms import MomentField, NumberField, PercentField
from .schemas import AreaField, one_of

CROWD = ("waiting_room", "proof_of_work")
# Whether a slice opens first; None: as the sum asks for.
CANARIES: Mapping[str, bool | None] = {"auto": None, "yes": True, "no": False}
LISTS = frozenset({"areas", "trades", "opening", "quota", "crowd", "weekdays", "excluded_items"})
_WINDOW = re.compile(r"(\d{1,2}):(\d\d)\s*[-–—~～至到]+\s*(\d{1,2}):(\d\d)")
_BETWEEN = re.compile(r"[,，、;；\s]+")


class HoursField(ma.fields.Field[tuple[Window, ...]]):
    """Windows as people type them: 10:00-14:00，17:00-21:00; 24:00 is midnight."""

    default_error_messages = Messages(invalid=mark("时段请写成 10:00-14:00，几段之间用逗号隔开。"))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[Window, ...]:
        text = unicodedata.normalize("NFKC", str(value)).strip()
        windows = [
            (self._hour(*one.group(1, 2)), self._hour(*one.group(3, 4)))
            for one in _WINDOW.finditer(text)
        ]
        if _BETWEEN.sub("", _WINDOW.sub("", text)):
            raise self.make_error("invalid")
        return tuple(windows)

    def _hour(self, hour: str, minute: str) -> time:
        try:
            return time(0 if (hour, minute) == ("24", "00") else int(hour), int(minute))
        except ValueError:
            raise self.make_error("invalid") from None


class ShopsField(ma.fields.Field[tuple[UUID, ...]]):
    """Ids of shops, one a line."""

    default_error_messages = Messages(invalid=mark("门店编号不对：每行一个，从门店名册里复制。"))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[UUID, ...]:
        try:
            return tuple(UUID(one) for one in _BETWEEN.split(str(value).strip()) if one)
        except ValueError:
            raise self.make_error("invalid") from None


class OfferForm(Schema):
    """An offer with its releases; its quota is what the releases hold together.

    Only what its kind asks for counts: a rate for `percent_capped`, pieces for `pack`.
    """

    title = NameField(required=True, maximum=60)
    kind = fields.String(required=True, validate=one_of(*OfferKind))
    face = YuanField(required=True, minimum=1)
    threshold = YuanField(load_default=None)
    rate = PercentField(load_default=None)
    pieces = NumberField(load_default=1)
    limit = NumberField(required=True)
    valid_days = NumberField(required=True)
    areas = fields.List(AreaField(), load_default=list)
    trades = fields.List(CodeField(maximum=40), load_default=list)
    shops = ShopsField(load_default=())
    hours = HoursField(load_default=())
    weekdays = fields.List(fields.Integer(validate=validate.Range(1, 7)), load_default=list)
    excluded_items = fields.List(fields.String(validate=one_of(*GoodsClass)), load_default=list)
    stack_limit = NumberField(load_default=1)
    refund_rule = fields.String(
        load_default=str(RefundRule.IN_VALIDITY), validate=one_of(*RefundRule)
    )
    partial_refund = fields.String(
        load_default=str(PartialRefund.PROPORTIONAL), validate=one_of(*PartialRefund)
    )
    paper = fields.Boolean(load_default=False)
    opening = fields.List(fields.String(), load_default=list)
    quota = fields.List(fields.String(), load_default=list)
    crowd = fields.List(fields.String(validate=one_of(*CROWD)), load_default=list)
    canary = fields.String(load_default="auto", validate=one_of(*CANARIES))
    more = fields.String(load_default=None)

    @ma.post_load
    def _plan(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        releases = _releases(data["opening"], data["quota"])
        as_typed = (
            "title",
            "kind",
            "valid_days",
            "areas",
            "trades",
            "shops",
            "hours",
            "weekdays",
            "excluded_items",
            "stack_limit",
            "refund_rule",
            "partial_refund",
            "paper",
        )
        rate = data["rate"] if data["kind"] == OfferKind.PERCENT_CAPPED else None
        return {
            **{name: data[name] for name in as_typed},
            "face_value": data["face"],
            "threshold": data["threshold"] or _least(data["kind"], data["face"], rate),
            "rate_bps": rate,
            "pieces": data["pieces"] if data["kind"] == OfferKind.PACK else 1,
            "quota": sum(one["quota"] for one in releases),
            "per_resident_limit": data["limit"],
            "releases": releases,
            **{name: name in data["crowd"] for name in CROWD},
            "canary": CANARIES[data["canary"]],
        }


def _least(kind: str, face: Money, rate: int | None) -> Money:
    """The threshold of an offer for which none was typed."""
    if kind in (OfferKind.PERCENT_CAPPED, OfferKind.BALANCE):
        return Money(least_threshold(rate or WHOLE_BPS))
    return face


def _releases(openings: list[str], quotas: list[str]) -> list[dict[str, Any]]:
    releases = [
        {"opens_at": _row(MomentField(), opening), "quota": _row(NumberField(), quota)}
        for opening, quota in zip(openings, quotas, strict=False)
        if opening.strip() or quota.strip()
    ]
    if not releases:
        raise ma.ValidationError({"releases": [mark("至少填一场：哪天几点，多少张。")]})
    return releases


def _row(kind: ma.fields.Field[Any], text: str) -> Any:
    try:
        return kind.deserialize(text)
    except ma.ValidationError as error:
        raise ma.ValidationError({"releases": error.messages}) from None
