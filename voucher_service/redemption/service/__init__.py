"""Redemptions' commands and steps."""

from ..settling_store import UnpaidOrder
from .correcting import correct, subsidy_in
from .freezing import cancel, commit, freeze, release
from .granted import Ask
from .group import Group
from .lapsing import lapse_due
from .proposing import SaleProposal, VoucherProposal, propose_refund
from .reading import (
    by_order_reference,
    codes,
    get,
    lines,
    on_screen,
    order_state,
    receipt,
    sale_on_screen,
    stopped,
    summary,
)
from .redeeming import redeem, redeem_many
from .refund_reading import (
    get_refund,
    given_back,
    owed,
    owed_here,
    refund_by_key,
    refunds_of,
    refunds_of_order,
    refunds_of_voucher,
)
from .refunding import refund
from .reversing import reverse
from .settling import (
    billed,
    left_over,
    mark_sent_back,
    mark_settled,
    merchants_unpaid,
    unpaid,
)

__all__ = [
    "Ask",
    "Group",
    "SaleProposal",
    "UnpaidOrder",
    "VoucherProposal",
    "billed",
    "by_order_reference",
    "cancel",
    "codes",
    "commit",
    "correct",
    "freeze",
    "get",
    "get_refund",
    "given_back",
    "lapse_due",
    "left_over",
    "lines",
    "mark_sent_back",
    "mark_settled",
    "merchants_unpaid",
    "on_screen",
    "order_state",
    "owed",
    "owed_here",
    "propose_refund",
    "receipt",
    "redeem",
    "redeem_many",
    "refund",
    "refund_by_key",
    "refunds_of",
    "refunds_of_order",
    "refunds_of_voucher",
    "release",
    "reverse",
    "sale_on_screen",
    "stopped",
    "subsidy_in",
    "summary",
    "unpaid",
]
