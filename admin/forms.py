"""Forms of the admin pages: what people type, read into what the services take."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from voucher_service.budgets.model import Level
from voucher_service.campaigns.model import CampaignKind
from voucher_service.i18n import gettext, known, mark, sentence
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.errors import DomainError
from voucher_service.web.fields import CodeField, DayField, NameField, TextField, YuanField
from voucher_service.web.forms import Form
from voucher_service.web.language import locale
from voucher_service.web.schemas import OTHER, Schema

from .schemas import BRANDS, SLUG, AreaField, one_of

_NUMBER = re.compile(r"\d{1,9}")
_PERCENT = re.compile(r"\d{1,3}(\.\d{1,2})?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
RULES: Mapping[str, str] = {
    "face_value_fen": mark("面额要在 ¥0.01 到 ¥2,000 之间，一套多张的合起来也是。"),
    "threshold_fen": mark("满减券的门槛要大于面额；定额券和套券的门槛不能小于面额。"),
    "rate_bps": mark("打折券要填减百分之几，0 到 100 之间，不含两头。"),
    "pieces": mark("一套要有 2 到 100 张。"),
    "per_resident_limit": mark("每人限领要在 1 到 100 张之间。"),
    "valid_days": mark("有效天数要在 1 到 366 之间。"),
    "areas": mark("有的地区我们不认识，请重新选。"),
    "trades": mark("有的行业我们不认识，请重新选。"),
    "shops": mark("有的门店编号我们不认识，或者写了两遍。最多 500 家。"),
    "hours": mark("最多 6 段，每段的开始和结束不能一样。"),
    "weekdays": mark("有的日子选了两遍，请重新选。"),
    "stack_limit": mark("一单最多用的张数要在 1 到 10 之间。"),
    "paper": mark("只有一次用完、面额不大的券能印成纸质券。"),
    "releases": mark("每一场都要在活动期间之内开始，至少 1 张。"),
    "opens_on": mark("活动要落在方案的期间之内，开始不晚于结束。"),
    "closes_on": mark("结束不能早于开始。"),
    "policy": mark("这份细则在活动期间不是一直有效，或不是家电、数码的。"),
    "categories": mark("至少选一类，而且要是这份细则里有的。"),
    "closes": mark("截止要晚于开始。"),
    "overbook_bps": mark("多发要在 0% 到 1000% 之间。"),
    "reclaims": mark("再领次数要在 0 到 10 之间。"),
    "area": mark("这个地区我们不认识，请重新选。"),
    "amount_fen": mark("金额要大于 0。"),
    "share_bps": mark("比例要在 0 到 100 之间。"),
    "shop_area": mark("门店地区要在活动的地区之内；兜底的额度管所有门店。"),
}
_IN_FORM: Mapping[str, str] = {
    "face_value_fen": "face",
    "threshold_fen": "threshold",
    "rate_bps": "rate",
    "quota": "releases",
    "amount_fen": "amount",
    "share_bps": "share",
    "overbook_bps": "overbook",
}


def _messages(invalid: str) -> dict[str, Any]:
    return {"required": mark("这一项必填。"), "invalid": invalid}


class NumberField(ma.fields.Field[int]):
    """A whole number as people type it: 3,000, full-width digits. At most nine digits."""

    default_error_messages = _messages(mark("请填整数，例如 3,000。"))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        text = unicodedata.normalize("NFKC", str(value)).replace(",", "").strip()
        if not _NUMBER.fullmatch(text):
            raise self.make_error("invalid")
        return int(text)


class PercentField(ma.fields.Field[int]):
    """A share in percent with up to two decimals. Loads to basis points, 0 to 10,000."""

    default_error_messages = _messages(mark("请填 0 到 100 之间的百分比，例如 60。"))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        text = unicodedata.normalize("NFKC", str(value)).strip().rstrip("%").strip()
        if not _PERCENT.fullmatch(text):
            raise self.make_error("invalid")
        whole, _dot, part = text.partition(".")
        bps = int(whole) * 100 + int(part.ljust(2, "0") or 0)
        if bps > 10_000:
            raise self.make_error("invalid")
        return bps


class MomentField(ma.fields.Field[datetime]):
    """A day and hour of Shanghai, as a browser's box gives it: 2026-10-01T10:00."""

    default_error_messages = _messages(mark("时间请写成 2026-10-01 10:00。"))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        if not isinstance(value, str) or not _MOMENT.fullmatch(value.strip()):
            raise self.make_error("invalid")
        try:
            return datetime.fromisoformat(value.strip()).replace(tzinfo=SHANGHAI)
        except ValueError:
            raise self.make_error("invalid") from None


class SignInForm(Schema):
    """The door."""

    username = fields.String(required=True, validate=validate.Length(max=200))
    password = fields.String(required=True, validate=validate.Length(max=200))
    otp = fields.String(load_default=None, validate=validate.Length(max=40))
    passkey = fields.String(load_default=None, validate=validate.Length(max=16_000))


class ProgrammeForm(Schema):
    """A programme to announce."""

    name = NameField(required=True, maximum=60)
    name_en = NameField(required=True, maximum=120)
    slug = CodeField(required=True, pattern=SLUG)
    brand = fields.String(required=True, validate=one_of(*BRANDS))
    opens_on = DayField(required=True)
    closes_on = DayField(required=True)


class CampaignForm(Schema):
    """A campaign to begin."""

    programme = CodeField(required=True, pattern=SLUG)
    name = NameField(required=True, maximum=60)
    area = AreaField(required=True)
    opens_on = DayField(required=True)
    closes_on = DayField(required=True)
    budget = fields.UUID(load_default=None)
    kind = fields.String(
        load_default=str(CampaignKind.VOUCHER), validate=one_of(*map(str, CampaignKind))
    )

    @ma.post_load
    def _kind(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return data | {"kind": CampaignKind(data["kind"])}


class LineForm(Schema):
    """Money of a funder for a campaign."""

    funder = CodeField(required=True, maximum=64)
    amount = YuanField(required=True, minimum=1)
    share = PercentField(required=True)
    purpose_code = CodeField(load_default="", maximum=64)
    shop_area = AreaField(load_default="")
    fallback = fields.Boolean(load_default=False)


class FunderForm(Schema):
    """A funder to enter."""

    code = CodeField(required=True, pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
    name = NameField(required=True, maximum=60)
    level = fields.String(required=True, validate=one_of(*Level))
    area = AreaField(required=True)


class PauseForm(Schema):
    """Why a campaign is paused; an emergency may leave no time to say."""

    reason = TextField(load_default="", maximum=200)


class ReasonForm(Schema):
    """Why a proposal goes back."""

    reason = TextField(required=True, maximum=500, multiline=True)


def _rule(name: str, said: str) -> str:
    """What a field must be: in the form's words, else in the service's, where it has any."""
    return RULES.get(name) or (said if known(said) else OTHER)


def refuse(form: Form, error: DomainError) -> Form:
    """Say a refusal of the service above the form, and what is wrong with each field it names."""
    form.refuse(error)
    named = error.extra.get("errors")
    if isinstance(named, dict):
        form.errors = {
            _IN_FORM.get(str(name), str(name)): gettext(_rule(str(name), str(said)), locale())
            for name, said in named.items()
        }
        if "fields" in error.params:  # their names are for callers of the API
            form.refusal = sentence(type(error)(), locale())
    return form
