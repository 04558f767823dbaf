"""Use cases of vouchers."""

from .board import Standing, board
from .claim import GATED, claim, claim_many, prepare_gate, remaining
from .expiry import expire_due
from .giving_up import give_up, locked, spans
from .group import Group
from .printing import Print, newest_print, print_for, print_voucher, printable
from .reading import check_holder, read_code
from .request import Request
from .spending import Spend, by_code_refs, by_ids, hold, release, revive, spend
from .wallet import by_code_ref, codes, get, wallet

__all__ = [
    "GATED",
    "Group",
    "Print",
    "Request",
    "Spend",
    "Standing",
    "board",
    "by_code_ref",
    "by_code_refs",
    "by_ids",
    "check_holder",
    "claim",
    "claim_many",
    "codes",
    "expire_due",
    "get",
    "give_up",
    "hold",
    "locked",
    "newest_print",
    "prepare_gate",
    "print_for",
    "print_voucher",
    "printable",
    "read_code",
    "release",
    "remaining",
    "revive",
    "spans",
    "spend",
    "wallet",
]
