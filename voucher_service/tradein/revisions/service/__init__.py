"""Use cases of revisions: opened, computed by a job, approved as one list, paid to each."""

from .computing import compute, stopped, want
from .deciding import propose
from .opening import begin, cancel, lines, revision, revisions
from .paying import forget_card, mine, name_card, paid, payable, payee, rotate_fields
from .trying import again, begin_trial, compute_trial, forget_trials, stopped_trials, trial
from .whatif import what_if

__all__ = [
    "again",
    "begin",
    "begin_trial",
    "cancel",
    "compute",
    "compute_trial",
    "forget_card",
    "forget_trials",
    "lines",
    "mine",
    "name_card",
    "paid",
    "payable",
    "payee",
    "propose",
    "revision",
    "revisions",
    "rotate_fields",
    "stopped",
    "stopped_trials",
    "trial",
    "want",
    "what_if",
]
