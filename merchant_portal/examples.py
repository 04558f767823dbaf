"""The calls of a till by example, for the face's OpenAPI document."""

from __future__ import annotations

from typing import Any

from voucher_service.identity.model import SignInRefused
from voucher_service.infra.idempotency import InProgress, KeyMissing, KeyReused
from voucher_service.infra.signatures import (
    DigestMismatch,
    KeyUnknown,
    SignatureExpired,
    SignatureInvalid,
    SignatureMissing,
    SignatureReplayed,
)
from voucher_service.kernel.errors import DomainError, InvalidInput, NoSuchThing, TryAgain
from voucher_service.merchants.model import MerchantSuspended
from voucher_service.redemption.model import (
    AlreadyCommitted,
    BelowThreshold,
    CodeUsed,
    DiscountsExceedOrder,
    FreezeLapsed,
    OrderAmountInvalid,
    OrderReferenceReused,
    OrderRefused,
    OwnVoucher,
    RedemptionOver,
    RedemptionStopped,
    ReversalTooLate,
    ShopNotInScope,
    SpendNotPossible,
    StackLimitReached,
    TillLocked,
    VoucherFrozen,
)
from voucher_service.redemption.refunds import (
    NothingToRefund,
    RefundExceedsOrder,
    RefundReferenceReused,
)
from voucher_service.vouchers.code import CodeExpired, CodeInvalid
from voucher_service.vouchers.model import AlreadyRedeemed, VoucherExpired
from voucher_service.web.auth import TokenExpired, TokenInvalid, TokenMissing
from voucher_service.web.document import Example

_CALLER: tuple[type[DomainError], ...] = (
    TokenMissing,
    TokenInvalid,
    TokenExpired,
    SignatureMissing,
    SignatureInvalid,
    SignatureExpired,
    SignatureReplayed,
    DigestMismatch,
    KeyUnknown,
    TryAgain,
)
_KEYED = (*_CALLER, KeyMissing, KeyReused, InProgress)
_ORDER: tuple[type[DomainError], ...] = (
    *_KEYED,
    InvalidInput,
    OrderReferenceReused,
    OrderRefused,
    OrderAmountInvalid,
    MerchantSuspended,
    TillLocked,
    CodeInvalid,
    CodeExpired,
    CodeUsed,
    AlreadyRedeemed,
    VoucherFrozen,
    VoucherExpired,
    RedemptionStopped,
    OwnVoucher,
    ShopNotInScope,
    StackLimitReached,
    BelowThreshold,
    SpendNotPossible,
    DiscountsExceedOrder,
)
_ID = "01a2033f-9f32-707d-af11-f20ff46c5b9e"
_SHOP, _TILL = "01a2033f-1111-7000-8000-000000000001", "01a2033f-2222-7000-8000-000000000002"
_CODE = "AEAT5YEYEFOYUFJLAOISTM6YUND4SMRK22BQD2HC2L35UR7WPAJ2CIPUUG4UK"
_BILL: dict[str, Any] = {
    "code": _CODE,
    "order_amount_fen": 12_800,
    "order_reference": "20261122-0042",
    "payment_reference": "4200002026112200421234567890",
}
_DONE: dict[str, Any] = {
    "id": _ID,
    "voucher_id": "0b0d9a3e-5b1c-5e0c-9d55-0a3f3e0a1b2c",
    "offer": "满100减20",
    "part": 1,
    "shop_id": _SHOP,
    "cashier_id": _TILL,
    "status": "committed",
    "order_reference": "20261122-0042",
    "payment_reference": "4200002026112200421234567890",
    "ticket_reference": None,
    "order_amount_fen": 12_800,
    "discount_fen": 2_000,
    "payable_fen": 10_800,
    "discounts": [],
    "paid_fen": 10_800,
    "refunded_fen": 0,
    "net_paid_fen": 10_800,
    "freeze_expires_at": None,
    "reason": None,
    "occurred_at": "2026-11-22T12:30:00+08:00",
}
_FROZEN = _DONE | {"status": "frozen", "freeze_expires_at": "2026-11-22T12:32:00+08:00"}
_ORDERS = "/api/v1/redemptions"
_ONE = f"{_ORDERS}/{{redemption_id}}"

EXAMPLES = {
    "POST /api/v1/sign-in": Example(
        {"username": "cashier", "password": "demo-only-cashier"},
        {"access_token": "eyJhbGciOi…", "expires_in_seconds": 14_400},
        (SignInRefused, InvalidInput, TryAgain),
    ),
    "GET /api/v1/me": Example(refusals=_CALLER),
    f"POST {_ORDERS}": Example(_BILL, _DONE, _ORDER),
    f"POST {_ORDERS}/freeze": Example(_BILL, _FROZEN, _ORDER),
    f"POST {_ONE}/commit": Example(
        answer=_DONE, refusals=(*_KEYED, NoSuchThing, FreezeLapsed, RedemptionOver)
    ),
    f"POST {_ONE}/cancel": Example(
        answer=_DONE | {"status": "cancelled"}, refusals=(*_KEYED, NoSuchThing, AlreadyCommitted)
    ),
    f"POST {_ORDERS}/reverse": Example(
        {"order_reference": "20261122-0042", "reason": "no reply"},
        _DONE | {"status": "reversed", "reason": "no reply"},
        (*_KEYED, InvalidInput, ReversalTooLate),
    ),
    f"GET {_ORDERS}": Example(answer={"items": [_DONE], "next": None}, refusals=_CALLER),
    f"GET {_ONE}": Example(answer=_DONE, refusals=(*_CALLER, NoSuchThing)),
    f"POST {_ONE}/refunds": Example(
        {"amount_fen": 6_400, "reason": "returned"},
        refusals=(
            *_KEYED,
            NoSuchThing,
            InvalidInput,
            RefundExceedsOrder,
            RefundReferenceReused,
            NothingToRefund,
        ),
    ),
    f"GET {_ONE}/refunds": Example(refusals=(*_CALLER, NoSuchThing)),
    "GET /api/v1/summary": Example(
        answer={
            "day": "2026-11-22",
            "count": 1,
            "order_fen": 12_800,
            "discount_fen": 2_000,
            "payable_fen": 10_800,
            "refunded_fen": 0,
        },
        refusals=_CALLER,
    ),
    "POST /api/v1/sandbox/codes": Example(
        {"want": "below_threshold"},
        {
            "want": "below_threshold",
            "code": _CODE,
            "order_amount_fen": 2_000,
            "valid_until": "2026-11-22T12:30:30+08:00",
            "expect": {"status": 422, "code": "below_threshold"},
        },
        (*_CALLER, NoSuchThing, InvalidInput),
    ),
}
