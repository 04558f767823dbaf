"""Use cases of vouchers."""

from .board import Standing, board
from .claim import claim, claim_many, prepare_gate, remaining, settle_pending
from .expiry import expire_due
from .group import Group
from .request import Request
from .wallet import by_code_ref, codes, get, take, wallet

__all__ = [
    "Group",
    "Request",
    "Standing",
    "board",
    "by_code_ref",
    "claim",
    "claim_many",
    "codes",
    "expire_due",
    "get",
    "prepare_gate",
    "remaining",
    "settle_pending",
    "take",
    "wallet",
]
