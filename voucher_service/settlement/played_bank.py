"""A played bank: answers our file with paid and bounced, the same for the same seed. For
development, tests and replays; it pays nobody. Pure.
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from .bank_file import BOUNCED, PAID, Answer, read_orders, write_answers
from .model import Form

_WHOLE_BPS = 10_000
_REASONS = ("账号户名不符", "收款账户已销户", "账户状态异常")


def answer(
    content: bytes, *, form: Form, at: datetime, bounced_bps: int = 0, seed: int = 1
) -> bytes:
    """The bank's file for one of ours; of 10,000 payments `bounced_bps` are sent back."""
    batch, orders = read_orders(content)
    answers = []
    for flow, account, amount in orders:
        rng = Random(f"{seed}:{flow}:{account}")  # noqa: S311 - a play
        back = rng.randrange(_WHOLE_BPS) < bounced_bps
        answers.append(
            Answer(
                line=0,
                flow_number=flow,
                amount=amount,
                answer=BOUNCED if back else PAID,
                reason=rng.choice(_REASONS) if back else "",
                reference="" if back else f"PB{rng.randrange(10**12):012d}",
                at=at.replace(microsecond=0),
            )
        )
    return write_answers(form, batch, answers)
