"""What a cell of a channel's file says: an amount, a moment."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from voucher_service.i18n import mark

from .layout import Unit

AMOUNT = mark("“{column}”写的是“{said}”，不是这种账单的金额。")
_YUAN = re.compile(r"(-?)(\d{1,10})(?:\.(\d{1,2})0*)?")
_FEN = re.compile(r"(-?)(\d{1,12})")


class Wrong(Exception):
    """What is wrong with a cell: its text, and what was said."""


@lru_cache(maxsize=4_096)
def moment(text: str, form: str) -> datetime:
    """A wall time as it is written, without a zone. Raises ValueError."""
    return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the format's


def fen(text: str, unit: Unit) -> int:
    """An amount as whole fen. Raises Wrong."""
    found = (_YUAN if unit is Unit.YUAN else _FEN).fullmatch(text)
    if found is None:
        raise Wrong(AMOUNT)
    whole = int(found[2])
    if unit is Unit.YUAN:
        whole = whole * 100 + int((found[3] or "").ljust(2, "0"))
    return -whole if found[1] else whole


def written(count: int, unit: Unit) -> str:
    """Whole fen, or a number, as the file writes it."""
    return f"{count // 100}.{count % 100:02d}" if unit is Unit.YUAN else str(count)
