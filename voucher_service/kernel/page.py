"""Lists by cursor: a page of items and where the next one starts."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from .errors import Malformed

T = TypeVar("T")
MOST = 200


class CursorInvalid(Malformed):
    """The cursor is not one that we gave."""

    code = "cursor_invalid"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items in order, and the cursor after them; None at the end."""

    items: Sequence[T]
    next: str | None = None


def encode_cursor(*key: Any) -> str:
    """An opaque cursor for the sort key of the last item shown."""
    return base64.urlsafe_b64encode(json.dumps(key, default=str).encode()).decode().rstrip("=")


def cut(found: Sequence[T], limit: int, place: Callable[[T], tuple[Any, ...]]) -> Page[T]:
    """A page of what was found, of which one more than `limit` was asked for: it tells whether the
    list goes on. `place` is an item's sort key.
    """
    items = found[:limit]
    return Page(items, encode_cursor(*place(items[-1])) if len(found) > limit else None)


def decode_cursor(cursor: str, length: int) -> list[Any]:
    """The sort key in a cursor. Raises CursorInvalid."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise CursorInvalid from None
    if not isinstance(key, list) or len(key) != length:
        raise CursorInvalid
    return key


def decode_ids(cursor: str, length: int) -> list[UUID]:
    """The ids of the last item shown. Raises CursorInvalid."""
    try:
        return [UUID(one) for one in decode_cursor(cursor, length)]
    except (ValueError, TypeError, AttributeError):
        raise CursorInvalid from None


def decode_moment(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The instant and id of the last item shown; None for the first page. Raises CursorInvalid."""
    if not cursor:
        return None
    at, id = decode_cursor(cursor, 2)
    try:
        instant = datetime.fromisoformat(at)
        found = instant, UUID(id)
    except (TypeError, ValueError, AttributeError):
        raise CursorInvalid from None
    if instant.tzinfo is None:
        raise CursorInvalid
    return found
