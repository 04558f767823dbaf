"""What the pages of the shop's books are asked with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields

from merchant_portal.schemas import TypedReferenceField
from voucher_service.disputes.model import Event, Reason, Subject
from voucher_service.i18n import mark
from voucher_service.reconciliation.model import Finding
from voucher_service.redemption.model import Status
from voucher_service.web.fields import CodeField, DayField, TextField, YuanField
from voucher_service.web.schemas import PageArgs, Schema

MOST_DAYS = 366
_ONE_OF = ma.validate.OneOf
_OTHER = mark("请从给出的几种里选一个。")


class SpanArgs(Schema):
    """`?first=&last=`, both included; the last of them, or today, when one is left out."""

    first = DayField(load_default=None)
    last = DayField(load_default=None)

    @ma.validates_schema
    def in_order(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raises ValidationError for days that run backwards, or for more than a year."""
        first, last = data.get("first"), data.get("last")
        if first and last and not 0 <= (last - first).days < MOST_DAYS:
            raise ma.ValidationError(mark("从早到晚填，最多一年。"), "last")


class SearchArgs(SpanArgs, PageArgs):
    """What to look for among a shop's orders."""

    reference = TypedReferenceField(maximum=64, load_default=None)
    amount = YuanField(load_default=None)
    digits = CodeField(maximum=12, pattern=r"\d{2,12}", load_default=None)
    status = fields.String(load_default=None, validate=_ONE_OF(list(Status), error=_OTHER))


class MatchingArgs(PageArgs):
    """Which lines of a comparison: of one finding, or all that differ."""

    finding = fields.String(load_default=None, validate=_ONE_OF(list(Finding), error=_OTHER))


class SubjectArgs(Schema):
    """What an objection is about."""

    subject = fields.String(required=True, validate=_ONE_OF(list(Subject), error=_OTHER))
    subject_id = fields.UUID(load_default=None)


class DisputeForm(SubjectArgs):
    """An objection."""

    reason = fields.String(required=True, validate=_ONE_OF(list(Reason), error=_OTHER))
    text = TextField(required=True, minimum=4, maximum=1000, multiline=True)
    wanted = YuanField(load_default=None)


class WordForm(Schema):
    """A reply to an objection, its withdrawal, or its end after a decision."""

    event = fields.String(
        required=True,
        validate=_ONE_OF([Event.REPLIED, Event.WITHDRAWN, Event.CLOSED], error=_OTHER),
    )
    text = TextField(required=True, minimum=2, maximum=1000, multiline=True)
