"""The lifecycles of a batch, of its lines, of a payment and of an advance. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.machine import Machine


class BatchStatus(StrEnum):
    """Where a batch stands. Its amounts no longer change once it was reviewed."""

    DRAFTING = "drafting"
    DRAFTED = "drafted"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    SENT = "sent"
    CLOSED = "closed"
    DROPPED = "dropped"


class BatchEvent(StrEnum):
    """What happens to a batch."""

    DRAFTED = "settlement.drafted"
    EMPTY = "settlement.empty"
    REVIEWED = "settlement.reviewed"
    RETURNED = "settlement.returned"
    APPROVED = "settlement.approved"
    SENT = "settlement.sent"
    CLOSED = "settlement.closed"
    DROPPED = "settlement.dropped"


class LineStatus(StrEnum):
    """Where a line stands. One that was paid is due again once the bank sent that back. What was
    left out is paid by a later batch as another line; so is what is left of one that ended: the
    bank had sent it back, and less is due by now.
    """

    DUE = "due"
    PAID = "paid"
    LEFT_OUT = "left_out"
    ENDED = "ended"


class LineEvent(StrEnum):
    """What happens to a line."""

    PAID = "settlement_line.paid"
    SENT_BACK = "settlement_line.sent_back"
    LEFT_OUT = "settlement_line.left_out"
    ENDED = "settlement_line.ended"


class PaymentStatus(StrEnum):
    """Where one row of a bank file stands. `bounced`: the bank did not pay it; `returned`: it did,
    and sent it back days later; `corrected`: another payment followed either.
    """

    DUE = "due"
    SENT = "sent"
    PAID = "paid"
    BOUNCED = "bounced"
    RETURNED = "returned"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"


class PaymentEvent(StrEnum):
    """What happens to a row of a bank file."""

    SENT = "settlement_payment.sent"
    PAID = "settlement_payment.paid"
    BOUNCED = "settlement_payment.bounced"
    RETURNED = "settlement_payment.returned"
    CORRECTED = "settlement_payment.corrected"
    WITHDRAWN = "settlement_payment.withdrawn"


class AdvanceStatus(StrEnum):
    """Where money paid ahead to a merchant stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    PAID = "paid"
    REFUSED = "refused"


class AdvanceEvent(StrEnum):
    """What happens to an advance."""

    APPROVED = "settlement_advance.approved"
    REFUSED = "settlement_advance.refused"
    PAID = "settlement_advance.paid"
    SENT_BACK = "settlement_advance.sent_back"


_B, _BE = BatchStatus, BatchEvent
BATCH: Machine[BatchStatus, BatchEvent] = Machine(
    "settlement",
    _B.DRAFTING,
    {
        _B.DRAFTING: {
            _BE.DRAFTED: _B.DRAFTED,
            _BE.EMPTY: _B.DROPPED,
            _BE.DROPPED: _B.DROPPED,
        },
        _B.DRAFTED: {_BE.REVIEWED: _B.REVIEWED, _BE.DROPPED: _B.DROPPED},
        _B.REVIEWED: {_BE.APPROVED: _B.APPROVED, _BE.RETURNED: _B.DRAFTED},
        _B.APPROVED: {_BE.SENT: _B.SENT, _BE.DROPPED: _B.DROPPED},
        _B.SENT: {_BE.CLOSED: _B.CLOSED},
        _B.CLOSED: {},
        _B.DROPPED: {},
    },
)
LINE: Machine[LineStatus, LineEvent] = Machine(
    "settlement_line",
    LineStatus.DUE,
    {
        LineStatus.DUE: {
            LineEvent.PAID: LineStatus.PAID,
            LineEvent.LEFT_OUT: LineStatus.LEFT_OUT,
            LineEvent.ENDED: LineStatus.ENDED,
        },
        LineStatus.PAID: {LineEvent.SENT_BACK: LineStatus.DUE},
        LineStatus.LEFT_OUT: {},
        LineStatus.ENDED: {},
    },
)
_P, _PE = PaymentStatus, PaymentEvent
PAYMENT: Machine[PaymentStatus, PaymentEvent] = Machine(
    "settlement_payment",
    _P.DUE,
    {
        _P.DUE: {_PE.SENT: _P.SENT, _PE.WITHDRAWN: _P.WITHDRAWN},
        _P.SENT: {_PE.PAID: _P.PAID, _PE.BOUNCED: _P.BOUNCED},
        _P.PAID: {_PE.RETURNED: _P.RETURNED},
        _P.BOUNCED: {_PE.CORRECTED: _P.CORRECTED},
        _P.RETURNED: {_PE.CORRECTED: _P.CORRECTED},
        _P.CORRECTED: {},
        _P.WITHDRAWN: {},
    },
)
_A, _AE = AdvanceStatus, AdvanceEvent
ADVANCE: Machine[AdvanceStatus, AdvanceEvent] = Machine(
    "settlement_advance",
    _A.PROPOSED,
    {
        _A.PROPOSED: {_AE.APPROVED: _A.APPROVED, _AE.REFUSED: _A.REFUSED},
        _A.APPROVED: {_AE.PAID: _A.PAID},
        _A.PAID: {_AE.SENT_BACK: _A.APPROVED},
        _A.REFUSED: {},
    },
)
BATCH_PUBLIC: Mapping[BatchStatus, str] = {
    _B.DRAFTING: mark("正在生成"),
    _B.DRAFTED: mark("商户核对中"),
    _B.REVIEWED: mark("等待批准"),
    _B.APPROVED: mark("已批准，等待付款"),
    _B.SENT: mark("已交银行"),
    _B.CLOSED: mark("已结清"),
    _B.DROPPED: mark("已作废"),
}
BATCH_OWNER: Mapping[BatchStatus, frozenset[Role]] = {
    _B.DRAFTING: frozenset({Role.FINANCE}),
    _B.DRAFTED: frozenset({Role.FINANCE}),
    _B.REVIEWED: frozenset({Role.APPROVER}),
    _B.APPROVED: frozenset({Role.FINANCE}),
    _B.SENT: frozenset({Role.FINANCE}),
    _B.CLOSED: frozenset(),
    _B.DROPPED: frozenset(),
}
LINE_PUBLIC: Mapping[LineStatus, str] = {
    LineStatus.DUE: mark("待付款"),
    LineStatus.PAID: mark("已付款"),
    LineStatus.LEFT_OUT: mark("本批不付"),
    LineStatus.ENDED: mark("应付变少，这一行不再付"),
}
PAYMENT_PUBLIC: Mapping[PaymentStatus, str] = {
    _P.DUE: mark("待付款"),
    _P.SENT: mark("银行处理中"),
    _P.PAID: mark("已到账"),
    _P.BOUNCED: mark("银行退票"),
    _P.RETURNED: mark("到账后退汇"),
    _P.CORRECTED: mark("已更正"),
    _P.WITHDRAWN: mark("未交银行"),
}
# What the bank sent back, at once or days later: no other payment of the line is under way.
BACK = (_P.BOUNCED, _P.RETURNED)
ADVANCE_PUBLIC: Mapping[AdvanceStatus, str] = {
    _A.PROPOSED: mark("等待批准"),
    _A.APPROVED: mark("已批准，等待付款"),
    _A.PAID: mark("已付款"),
    _A.REFUSED: mark("已退回"),
}
# Lines and payments are moved by what is done with their batch.
LINE_OWNER: Mapping[LineStatus, frozenset[Role]] = {
    LineStatus.DUE: frozenset({Role.FINANCE}),
    LineStatus.PAID: frozenset(),
    LineStatus.LEFT_OUT: frozenset(),
    LineStatus.ENDED: frozenset(),
}
PAYMENT_OWNER: Mapping[PaymentStatus, frozenset[Role]] = {
    _P.DUE: frozenset({Role.FINANCE}),
    _P.SENT: frozenset({Role.FINANCE}),
    _P.PAID: frozenset(),
    _P.BOUNCED: frozenset({Role.FINANCE}),
    _P.RETURNED: frozenset({Role.FINANCE}),
    _P.CORRECTED: frozenset(),
    _P.WITHDRAWN: frozenset(),
}
ADVANCE_OWNER: Mapping[AdvanceStatus, frozenset[Role]] = {
    _A.PROPOSED: frozenset({Role.APPROVER}),
    _A.APPROVED: frozenset({Role.FINANCE}),
    _A.PAID: frozenset(),
    _A.REFUSED: frozenset(),
}
