"""What the page `/kit` shows its components with. Example figures only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from voucher_service.kernel.clock import day_of, end_of
from voucher_service.kernel.money import Money

from . import qr
from .forms import Form
from .site import now


def samples() -> dict[str, Any]:
    """Sums and instants around now."""
    start: datetime = now()
    return {
        "ten": Money.of_yuan(10),
        "twenty": Money.of_yuan(20),
        "fifty": Money.of_yuan(50),
        "hundred": Money.of_yuan(100),
        "bill": Money(12_800),
        "small_bill": Money(8_350),
        "issued": Money(1_204_500_000),
        "leveraged": Money(6_512_300_000),
        "closes_at": start + timedelta(hours=3, minutes=24, seconds=18),
        "opens_at": start + timedelta(hours=20),
        "valid_until": end_of(day_of(start) + timedelta(days=6)),
        "wrong_form": Form(
            typed={"mobile": "1380000", "amount": "一百", "what": "fridge", "grade": "1"},
            errors={"mobile": "请填 11 位的手机号。", "amount": "请填金额，例如 128.50。"},
        ),
        "order_no": "230910428815",
        "paper": qr.draw("A" * 45),
    }
