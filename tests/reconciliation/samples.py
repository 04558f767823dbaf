"""Files of channels for tests: lines of one day, written as the channel would."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from voucher_service.kernel.clock import SHANGHAI
from voucher_service.reconciliation.differences import formats, writing
from voucher_service.reconciliation.differences.layout import LineKind, Told

NOON = datetime(2026, 9, 23, 12, 0, tzinfo=SHANGHAI)
FORMATS = sorted(formats.shelf())
CHANNELS = ["wechat-2023", "alipay-2019", "unionpay-2024", "bank-statement-2026"]


def told(
    reference: str,
    paid: int,
    *,
    at: datetime = NOON,
    kind: LineKind = LineKind.PAYMENT,
    order: int | None = None,
    discount: int | None = None,
    days: int = 0,
) -> Told:
    """A line; `days` moves it."""
    moved = at + timedelta(days=days)
    return Told(0, kind, reference, moved, moved.astimezone(SHANGHAI).date(), order, discount, paid)


def written(format: str, lines: Iterable[Told]) -> bytes:
    """A file of these lines."""
    out = io.BytesIO()
    writing.write(formats.get(format), lines, out)
    return out.getvalue()


def numbered(lines: Iterable[Told], first: int) -> list[Told]:
    """Lines with the numbers that they have in a file whose first is here."""
    return [replace(one, line=place) for place, one in enumerate(lines, first)]
