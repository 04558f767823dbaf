"""What a sandbox gives a till to try: codes, and what each of them is answered with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from voucher_service.kernel.money import Money

SLUG = "sandbox"
"""The programme of its own, and its offer: 满100减20 at the sandbox's shop."""
ELSEWHERE = "sandbox-elsewhere"
"""The same for another shop."""
FACE, THRESHOLD = Money.of_yuan(20), Money.of_yuan(100)


class Want(StrEnum):
    """Which kind of code."""

    FRESH = "fresh"
    BELOW_THRESHOLD = "below_threshold"
    EXPIRED = "expired"
    USED = "used"
    REDEEMED = "redeemed"
    FROZEN = "frozen"
    FORGED = "forged"
    WRONG_SHOP = "wrong_shop"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a redemption with the code is answered with; without `code`: it is redeemed."""

    status: int
    code: str | None = None


EXPECTED = {
    Want.FRESH: Expected(201),
    Want.BELOW_THRESHOLD: Expected(422, "below_threshold"),
    Want.EXPIRED: Expected(410, "code_expired"),
    Want.USED: Expected(409, "code_used"),
    Want.REDEEMED: Expected(409, "already_redeemed"),
    Want.FROZEN: Expected(409, "voucher_frozen"),
    Want.FORGED: Expected(422, "code_invalid"),
    Want.WRONG_SHOP: Expected(422, "shop_not_in_scope"),
}


@dataclass(frozen=True, slots=True)
class TestCode:
    """A code, the order to send it with, and what happens then; good until `valid_until`."""

    __test__ = False  # a name that test runners like

    want: Want
    code: str
    order_amount: Money
    valid_until: datetime
    expect: Expected
