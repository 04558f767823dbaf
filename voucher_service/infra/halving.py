"""Answer a batch as one; what stops it is said to the one whose it is, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from voucher_service.kernel.errors import DomainError

T = TypeVar("T")
A = TypeVar("A")


def answer(
    batch: Sequence[T],
    ask: Callable[[Sequence[T]], Sequence[A]],
    tell: Callable[[Sequence[T], Sequence[A | Exception]], None],
) -> None:
    """Ask for all of a batch at once and tell each its answer, or the refusal that is for all.

    Anything else that stops it is one member's: the batch is halved until that one stands alone.
    Raises what stops a batch of one.
    """
    try:
        answers = ask(batch)
    except DomainError as refusal:
        tell(batch, [refusal] * len(batch))
        return
    except Exception:
        if len(batch) == 1:
            raise
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            try:
                answer(half, ask, tell)
            except Exception as error:  # noqa: BLE001 - it is said to the one whose it is
                tell(half, [error] * len(half))
        return
    tell(batch, answers)
