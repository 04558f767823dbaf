"""Settlement's commands, steps and reads."""

from .advancing import propose_advance
from .booking import book, book_waiting
from .by_hand import held, hold_back, let_go, order
from .drafting import draft, due_at
from .due import settle_due
from .funding import export_funding, line_funding
from .holding import hold, hold_payment, holds, release_hold, release_payment
from .leaving import drop, free_dropped
from .reading import (
    batch,
    batches,
    items,
    line,
    lines,
    own_items,
    own_line,
    own_lines,
    payments,
    payouts,
    shares,
    under_way,
)
from .returning import retry, take_return
from .reviewing import review
from .sending import bank_file, send
from .standing import own_unpaid, payee, payee_lines
from .waiting import to_retry, waiting

__all__ = [
    "bank_file",
    "batch",
    "batches",
    "book",
    "book_waiting",
    "draft",
    "drop",
    "due_at",
    "export_funding",
    "free_dropped",
    "held",
    "hold",
    "hold_back",
    "hold_payment",
    "holds",
    "items",
    "let_go",
    "line",
    "line_funding",
    "lines",
    "order",
    "own_items",
    "own_line",
    "own_lines",
    "own_unpaid",
    "payee",
    "payee_lines",
    "payments",
    "payouts",
    "propose_advance",
    "release_hold",
    "release_payment",
    "retry",
    "review",
    "send",
    "settle_due",
    "shares",
    "take_return",
    "to_retry",
    "under_way",
    "waiting",
]
