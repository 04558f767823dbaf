"""Pages of lists that are short enough to be read whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from voucher_service.kernel.page import Page, decode_cursor, encode_cursor

T = TypeVar("T")


def cut(items: Sequence[T], args: dict[str, Any], name: Callable[[T], str]) -> Page[T]:
    """The items after the one that the cursor names, at most `limit`. Raises CursorInvalid.

    `name` is what identifies an item; a cursor whose item is gone begins at the front.
    """
    start = 0
    if args["cursor"]:
        (last,) = decode_cursor(args["cursor"], 1)
        start = next((i for i, item in enumerate(items, 1) if name(item) == last), 0)
    shown = items[start : start + args["limit"]]
    more = start + len(shown) < len(items)
    return Page(shown, encode_cursor(name(shown[-1])) if more else None)
