"""Hours of the day in requests and answers."""

from __future__ import annotations

from datetime import time
from typing import Any

import marshmallow as ma
from marshmallow import validate

from voucher_service.i18n import mark

from .fields import Messages

Window = tuple[time, time]
_HOUR = r"([01]\d|2[0-3]):[0-5]\d"


class WindowField(ma.fields.Field[Window]):
    """From and to, in hours of Shanghai: ["10:00", "14:00"]. One that ends before it begins ends
    on the next day. Loads to two times, dumps from them.
    """

    default_error_messages = Messages(invalid=mark("时段请写成 [“10:00”, “14:00”]。"))

    def __init__(self, **kwargs: Any) -> None:
        shape = {"type": "string", "pattern": f"^{_HOUR}$"}
        kwargs.setdefault("metadata", {}).update(type="array", items=shape, minItems=2, maxItems=2)
        super().__init__(**kwargs)
        self._hour = validate.Regexp(f"{_HOUR}$")

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Window:
        if not isinstance(value, list) or len(value) != 2:
            raise self.make_error("invalid")
        try:
            opens, closes = (time.fromisoformat(self._hour(one)) for one in value)
        except (TypeError, ValueError, ma.ValidationError):
            raise self.make_error("invalid") from None
        return opens, closes

    def _serialize(self, value: Window | None, *_: Any, **__: Any) -> list[str] | None:
        return None if value is None else [f"{one:%H:%M}" for one in value]
