"""What a player does with answers: asks again where nobody knows, and stops at a refusal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from voucher_service.kernel.errors import TryAgain

T = TypeVar("T")
_TRIES = 5


class ReplayFailed(Exception):
    """A service refused what the plan says it must accept; the text names the step."""


def again(act: Callable[[], T]) -> T:
    """Do it; after an unknown outcome once more with the same key, as every client should."""
    for _ in range(_TRIES - 1):
        try:
            return act()
        except TryAgain:
            time.sleep(1)
    return act()
