"""Use cases of trade-in qualifications: pools, claims, give-ups, lines, and what a clock does."""

from .claiming import GATED, Claims, claim, claim_many, prepare_gate
from .ending import finish, give_up, lapse_due, remind_due
from .planning import create_pool, outcome, policies, terms
from .pools import count_places
from .reading import get, mine, open_pool, standings
from .request import Request
from .waiting import leave, promote_due, wait, waiting

__all__ = [
    "GATED",
    "Claims",
    "Request",
    "claim",
    "claim_many",
    "count_places",
    "create_pool",
    "finish",
    "get",
    "give_up",
    "lapse_due",
    "leave",
    "mine",
    "open_pool",
    "outcome",
    "policies",
    "prepare_gate",
    "promote_due",
    "remind_due",
    "standings",
    "terms",
    "wait",
    "waiting",
]
