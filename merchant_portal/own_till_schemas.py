"""What the pages of the shop's own system carry in."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import Length

from voucher_service.i18n import mark
from voucher_service.web.fields import NameField
from voucher_service.web.schemas import PageArgs, Schema

_KEY = Length(max=4_000, error=mark("这不像一把公钥，太长了。"))
_URL = Length(max=2_000, error=mark("网址太长了。"))


class KeyForm(Schema):
    """A public key, as it was pasted."""

    public_key = fields.String(
        required=True, validate=_KEY, error_messages={"required": mark("请粘贴公钥。")}
    )


class TillForm(KeyForm):
    """A new till."""

    name = NameField(
        required=True, maximum=60, error_messages={"required": mark("请给收银机起个名字。")}
    )


class EndpointForm(Schema):
    """An address of the shop's system."""

    url = fields.String(
        required=True, validate=_URL, error_messages={"required": mark("请填网址。")}
    )


class MessagesArgs(PageArgs):
    """Which page of a log."""
