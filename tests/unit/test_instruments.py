"""Instruments side by side, as the API answers them."""

from __future__ import annotations

import json

from voucher_service.i18n import LOCALES
from voucher_service.kernel.money import ZERO, Money
from voucher_service.reports.instruments import Instrument, as_json


def test_days_without_a_release_or_a_claim_say_nothing_in_fen_and_can_be_written() -> None:
    used = Money.of_yuan(20)
    labels = dict.fromkeys(LOCALES, "满减券")
    later = Instrument("threshold", labels, ZERO, ZERO, used, used * 6, None, None, None)
    sold = Instrument("cars", labels, None, None, used, used * 6, None, None, None)
    told = json.loads(json.dumps(as_json([later, sold], "zh-CN")))
    assert [(one["released_fen"], one["issued_fen"]) for one in told] == [(0, 0), (None, None)]
