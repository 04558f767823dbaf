"""Use cases of trade-in qualifications: pools, claims, give-ups, lines, and what a clock does."""

from .claiming import claim
from .ending import finish, give_up, lapse_due, remind_due
from .planning import create_pool, outcome, policies, terms
from .reading import get, mine, open_pool, standings
from .waiting import leave, promote_due, wait, waiting

__all__ = [
    "claim",
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
    "promote_due",
    "remind_due",
    "standings",
    "terms",
    "wait",
    "waiting",
]
