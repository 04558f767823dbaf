"""Use cases of revisions: opened, computed by a job, approved as one list, paid to each."""

from .computing import compute, stopped, want
from .deciding import propose
from .opening import begin, cancel, lines, revision, revisions
from .paying import forget_card, mine, name_card, paid, payable, payee, rotate_fields
from .whatif import what_if

__all__ = [
    "begin",
    "cancel",
    "compute",
    "forget_card",
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
    "want",
    "what_if",
]
