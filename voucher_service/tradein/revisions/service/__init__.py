"""Use cases of revisions: opened, computed by a job, approved as one list, paid to each."""

from .computing import compute, stopped, want
from .deciding import propose
from .keeping import lock_due, lock_sale, lower, lowered
from .opening import begin, cancel, lines, revision, revisions
from .paying import (
    came_back,
    forget_card,
    hand_over,
    left_of,
    mine,
    name_card,
    paid,
    payable,
    payee,
    rotate_fields,
    unpaid,
)
from .returning import differences_of, propose_return
from .trying import again, begin_trial, compute_trial, forget_trials, stopped_trials, trial
from .whatif import what_if

__all__ = [
    "again",
    "begin",
    "begin_trial",
    "came_back",
    "cancel",
    "compute",
    "compute_trial",
    "differences_of",
    "forget_card",
    "forget_trials",
    "hand_over",
    "left_of",
    "lines",
    "lock_due",
    "lock_sale",
    "lower",
    "lowered",
    "mine",
    "name_card",
    "paid",
    "payable",
    "payee",
    "propose",
    "propose_return",
    "revision",
    "revisions",
    "rotate_fields",
    "stopped",
    "stopped_trials",
    "trial",
    "unpaid",
    "want",
    "what_if",
]
