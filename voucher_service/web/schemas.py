"""The base of every schema, the arguments of lists, and the envelope of a page of items."""

from __future__ import annotations

from functools import cache
from typing import Any

import marshmallow as ma

from voucher_service.i18n import mark
from voucher_service.kernel.page import MOST

from .fields import CodeField

# marshmallow's own messages in our readers' words
MESSAGES = {
    "Unknown field.": mark("没有这一项。"),
    "Missing data for required field.": mark("这一项必填。"),
    "Field may not be null.": mark("这一项不能为空。"),
    "Invalid input type.": mark("要一个 JSON 对象。"),
    "Not a valid string.": mark("请填文字。"),
    "Not a valid integer.": mark("请填整数，不带小数和引号。"),
    "Not a valid boolean.": mark("请填 true 或 false。"),
    "Not a valid list.": mark("请填一个列表。"),
    "Not a valid UUID.": mark("这个编号的写法不对。"),
}
OTHER = mark("这一项不合规定。")


class Schema(ma.Schema):
    """Refuses fields it does not know. Each face has its own schemas."""

    class Meta:
        """Options of all our schemas."""

        unknown = ma.RAISE
        ordered = True


class PageArgs(Schema):
    """`?cursor=NEXT&limit=`: where a list goes on, and how many items at most (1 to 200)."""

    cursor = CodeField(maximum=512, load_default=None)
    limit = ma.fields.Integer(
        load_default=50,
        validate=ma.validate.Range(1, MOST, error=mark("一页 1 到 200 条。")),
    )


@cache
def page_of(item: type[ma.Schema]) -> type[ma.Schema]:
    """The schema of a page of items: `{items, next}`; `next` is null at the end."""
    fields: dict[str, Any] = {
        "items": ma.fields.List(ma.fields.Nested(item), required=True),
        "next": ma.fields.String(allow_none=True, required=True),
    }
    return type(item.__name__.removesuffix("Schema") + "PageSchema", (Schema,), fields)


def in_our_words(messages: Any) -> Any:
    """Validation messages as texts for readers."""
    if isinstance(messages, dict):
        return {str(name): in_our_words(inner) for name, inner in messages.items()}
    if isinstance(messages, list):
        return [in_our_words(inner) for inner in messages]
    text = str(messages)
    return MESSAGES.get(text) or (OTHER if text.isascii() else text)
