"""Fields of requests and answers that refuse what a till or a browser should never send.

They load to domain types (Money, aware UTC instants) and dump from them; messages are for readers.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Any

import marshmallow as ma

from voucher_service.i18n import mark
from voucher_service.i18n.formats import iso
from voucher_service.kernel.money import Money

MAX_FEN = 10**13
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CODE = re.compile(r"[\x21-\x7e]+")
_YUAN = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")
Messages = dict[str, str | list[Any] | dict[Any, Any]]


def _messages(**texts: str) -> Messages:
    return {"required": mark("这一项必填。"), "null": mark("这一项不能为空。"), **texts}


def _whole(field: CountField | FenField, value: Any) -> int:
    """A whole number in the field's range. Raises ValidationError."""
    if type(value) is not int:
        raise field.make_error("invalid")
    if not field.minimum <= value <= field.maximum:
        raise field.make_error("range")
    return value


class CountField(ma.fields.Field[int]):
    """A whole JSON number in a range; no booleans, no texts, no fractions."""

    default_error_messages = _messages(
        invalid=mark("请填整数，不带小数和引号。"),
        range=mark("这个数超出了能填的范围。"),
    )

    def __init__(self, *, minimum: int = 0, maximum: int = 10**9, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {}).update(
            type="integer", format="int64", minimum=minimum, maximum=maximum
        )
        super().__init__(**kwargs)
        self.minimum, self.maximum = minimum, maximum

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        return _whole(self, value)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> int | None:
        return value if value is None else int(value)


class FenField(ma.fields.Field[Money]):
    """Money as a whole JSON number of fen, `minimum` to 10^13. Loads to Money, dumps from it."""

    default_error_messages = _messages(
        invalid=mark("金额请填以分为单位的整数，不带小数和引号。"),
        range=mark("金额超出了能填的范围。"),
    )

    def __init__(self, *, minimum: int = 0, maximum: int = MAX_FEN, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {}).update(
            type="integer", format="int64", minimum=minimum, maximum=maximum
        )
        super().__init__(**kwargs)
        self.minimum, self.maximum = minimum, maximum

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Money:
        return Money(_whole(self, value))

    def _serialize(self, value: Any, *_: Any, **__: Any) -> int | None:
        return value.fen if isinstance(value, Money) else value


class YuanField(ma.fields.Field[Money]):
    """Money as people type it: 128, 128.50, ¥1,234.50, full-width digits. Loads to Money."""

    default_error_messages = _messages(
        invalid=mark("请填金额，例如 128.50。"),
        range=mark("金额超出了能填的范围。"),
    )

    def __init__(self, *, minimum: int = 0, maximum: int = MAX_FEN, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.minimum, self.maximum = minimum, maximum

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Money:
        text = unicodedata.normalize("NFKC", str(value)).replace(",", "").strip().lstrip("¥￥")
        if not _YUAN.fullmatch(text.strip()):
            raise self.make_error("invalid")
        whole, _point, part = text.strip().partition(".")
        fen = int(whole) * 100 + int(part.ljust(2, "0") or 0)
        if not self.minimum <= fen <= self.maximum:
            raise self.make_error("range")
        return Money(fen)


class TextField(ma.fields.Field[str]):
    """One line of text, trimmed: no control, format, surrogate or private-use characters.

    `multiline` lets line breaks through. Length counts characters after trimming.
    """

    default_error_messages = _messages(
        invalid=mark("请填文字。"),
        characters=mark("里面有看不见的或不能用的字符，请删掉再填。"),
        short=mark("太短了。"),
        long=mark("太长了。"),
    )
    refused = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

    def __init__(
        self, *, minimum: int = 1, maximum: int = 100, multiline: bool = False, **kwargs: Any
    ) -> None:
        kwargs.setdefault("metadata", {}).update(
            type="string", minLength=minimum, maxLength=maximum
        )
        super().__init__(**kwargs)
        self.minimum, self.maximum, self.multiline = minimum, maximum, multiline

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if self.multiline:
            value = value.replace("\r\n", "\n")
        text = value.strip()
        if any(
            unicodedata.category(letter) in self.refused and not (self.multiline and letter == "\n")
            for letter in text
        ):
            raise self.make_error("characters")
        text = unicodedata.normalize("NFC", text)
        if len(text) < self.minimum:
            raise self.make_error("short")
        if len(text) > self.maximum:
            raise self.make_error("long")
        return text

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else str(value)


class NameField(TextField):
    """A name of a person, shop or campaign: no emoji and no other symbols either."""

    refused = TextField.refused | {"So", "Sk", "Sm"}


class CodeField(ma.fields.Field[str]):
    """A code in visible ASCII, exactly as it was sent: no trimming, no other spelling.

    Its default may be written out, even where it is empty.
    """

    default_error_messages = _messages(invalid=mark("这个编号的写法不对。"))

    def __init__(self, *, maximum: int = 300, pattern: str | None = None, **kwargs: Any) -> None:
        least = 0 if kwargs.get("load_default") == "" else 1
        kwargs.setdefault("metadata", {}).update(type="string", minLength=least, maxLength=maximum)
        super().__init__(**kwargs)
        self.maximum = maximum
        self.pattern = re.compile(pattern) if pattern else _CODE

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str) or len(value) > self.maximum:
            raise self.make_error("invalid")
        if value != self.load_default and not self.pattern.fullmatch(value):
            raise self.make_error("invalid")
        return value

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else str(value)


class InstantField(ma.fields.Field[datetime]):
    """An RFC 3339 instant with its offset. Loads to UTC, dumps with the offset of Shanghai."""

    default_error_messages = _messages(
        invalid=mark("时间请写成 2026-09-23T10:00:00+08:00，要带时区。"),
    )

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {}).update(type="string", format="date-time")
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        if not isinstance(value, str) or not _RFC3339.fullmatch(value):
            raise self.make_error("invalid")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else iso(value)


class DayField(ma.fields.Field[date]):
    """A business day, YYYY-MM-DD, of the years 2000 to 2100."""

    default_error_messages = _messages(invalid=mark("日期请写成 2026-09-23。"))

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {}).update(type="string", format="date")
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise self.make_error("invalid")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise self.make_error("invalid") from None
        if not 2000 <= day.year <= 2100:
            raise self.make_error("invalid")
        return day

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else value.isoformat()
