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
from voucher_service.tradein.identifiers import GtinInvalid, ImeiInvalid, SerialInvalid
from voucher_service.tradein.qualifications import QualificationOver
from voucher_service.tradein.sales.model import (
    AboveFiledPrice,
    GoodsOfAnotherCategory,
    GoodsUnlisted,
    GradeDiffers,
    ImeiNeeded,
    ItemIncomplete,
    OneUnitPerSale,
    OwnQualification,
    PayerNotHolder,
    PriceNotOrderAmount,
    QualificationFrozen,
    QualificationUsed,
    SubsidyShort,
    UnitNotCovered,
    UnitSoldBefore,
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
_SALE: tuple[type[DomainError], ...] = (
    QualificationUsed,
    QualificationFrozen,
    QualificationOver,
    OwnQualification,
    OneUnitPerSale,
    ItemIncomplete,
    GtinInvalid,
    SerialInvalid,
    ImeiInvalid,
    ImeiNeeded,
    PriceNotOrderAmount,
    GoodsUnlisted,
    GoodsOfAnotherCategory,
    GradeDiffers,
    AboveFiledPrice,
    UnitSoldBefore,
    PayerNotHolder,
    UnitNotCovered,
    SubsidyShort,
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
    "qualification_id": None,
    "unit": None,
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
_STEPS = [
    {"step": "price", "amount_fen": 300_000, "fact": 0},
    {"step": "rate", "amount_fen": 45_000, "fact": 1_500},
]
_SOLD_BILL: dict[str, Any] = {
    "code": _CODE,
    "order_amount_fen": 300_000,
    "order_reference": "20261122-0043",
    "items": [
        {
            "gtin": "6901234567892",
            "serial": "SN00000001",
            "imei1": "860000000000017",
            "price_fen": 300_000,
        }
    ],
}
_SOLD = _DONE | {
    "voucher_id": None,
    "qualification_id": "01a2033f-3333-7000-8000-000000000003",
    "unit": {
        "category": "phone",
        "gtin": "06901234567892",
        "serial": "SN00000001",
        "imei1": "860000000000017",
        "imei2": None,
        "brand": "Mobil",
        "model": "M1",
        "grade": None,
        "price_fen": 300_000,
        "subsidy_fen": 45_000,
        "policy": "digital-2026",
        "steps": _STEPS,
    },
    "offer": "手机平板补贴资格",
    "status": "frozen",
    "order_reference": "20261122-0043",
    "payment_reference": None,
    "order_amount_fen": 300_000,
    "discount_fen": 45_000,
    "payable_fen": 255_000,
    "paid_fen": 255_000,
    "net_paid_fen": 255_000,
    "freeze_expires_at": "2026-11-22T12:32:00+08:00",
}
_QUOTED = {
    "offer": "手机平板补贴资格",
    "order_amount_fen": 300_000,
    "discount_fen": 45_000,
    "payable_fen": 255_000,
    "paid_fen": 255_000,
    "category": "phone",
    "brand": "Mobil",
    "model": "M1",
    "policy": "digital-2026",
    "steps": _STEPS,
}
_ORDERS = "/api/v1/redemptions"
_ONE = f"{_ORDERS}/{{redemption_id}}"

EXAMPLES = {
    "POST /api/v1/sign-in": Example(
        {"username": "cashier", "password": "demo-only-cashier"},
        {"access_token": "eyJhbGciOi…", "expires_in_seconds": 14_400},
        (SignInRefused, InvalidInput, TryAgain),
    ),
    "GET /api/v1/me": Example(refusals=_CALLER),
    f"POST {_ORDERS}": Example(_BILL, _DONE, (*_ORDER, *_SALE)),
    f"POST {_ORDERS}/freeze": Example(_SOLD_BILL, _SOLD, (*_ORDER, *_SALE)),
    f"POST {_ORDERS}/quote": Example(_SOLD_BILL, _QUOTED, (*_CALLER, InvalidInput, *_SALE)),
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
