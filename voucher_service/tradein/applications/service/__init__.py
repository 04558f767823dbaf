"""Use cases of applications: filed by a resident, checked by the division, approved by the city."""

from .deciding import decisions
from .dossier import papers
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
from .lapsing import forget, forget_person, lapse_due, remind_due
from .noticing import notice
from .past import cards, past, standing
from .paying import accept_card, paid, payable, payee, payees, payout_refused, return_card
from .planning import create_pool, pool_policies, pool_standings, pool_terms
from .reviewing import document, opinion, page, precheck, read, reject, send_back, waiting
from .submitting import preview, submit, withdraw
from .telling import send_message
from .upkeep import rotate_fields

__all__ = [
    "accept_card",
    "begin",
    "cards",
    "create_pool",
    "decisions",
    "document",
    "evidence_of",
    "fill_in",
    "forget",
    "forget_person",
    "get",
    "hand_in",
    "lapse_due",
    "mine",
    "notice",
    "opinion",
    "page",
    "paid",
    "papers",
    "past",
    "payable",
    "payee",
    "payees",
    "payout_refused",
    "pool_policies",
    "pool_standings",
    "pool_terms",
    "precheck",
    "preview",
    "read",
    "reject",
    "remind_due",
    "return_card",
    "rotate_fields",
    "save_card",
    "save_new_car",
    "save_old_car",
    "send_back",
    "send_message",
    "standing",
    "submit",
    "waiting",
    "withdraw",
]
