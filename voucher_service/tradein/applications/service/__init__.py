"""Use cases of applications: filed by a resident, checked by the division, approved by the city."""

from .deciding import decisions, payee
from .filing import (
    begin,
    evidence_of,
    fill_in,
    get,
    hand_in,
    mine,
    save_card,
    save_new_car,
    save_old_car,
)
from .noticing import notice
from .planning import create_pool
from .reviewing import document, opinion, page, precheck, read, reject, send_back, waiting
from .submitting import preview, submit, withdraw
from .telling import send_message
from .upkeep import rotate_fields

__all__ = [
    "begin",
    "create_pool",
    "decisions",
    "document",
    "evidence_of",
    "fill_in",
    "get",
    "hand_in",
    "mine",
    "notice",
    "opinion",
    "page",
    "payee",
    "precheck",
    "preview",
    "read",
    "reject",
    "rotate_fields",
    "save_card",
    "save_new_car",
    "save_old_car",
    "send_back",
    "send_message",
    "submit",
    "waiting",
    "withdraw",
]
