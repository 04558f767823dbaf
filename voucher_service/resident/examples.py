"""An application for the subsidy of a car by example, for the face's OpenAPI document."""

from __future__ import annotations

from typing import Any

from voucher_service.identity.model import IdentityRequired, ResidentBlocked
from voucher_service.infra.files import FileRefused, FileTooLarge
from voucher_service.infra.idempotency import InProgress, KeyMissing, KeyReused
from voucher_service.kernel.errors import DomainError, InvalidInput, NoSuchThing, TryAgain
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.tradein.applications.refusals import (
    ApplicationIncomplete,
    ApplicationIneligible,
    AreaUnserved,
    CorrectionLate,
    UnitsTaken,
    VehicleTaken,
)
from voucher_service.tradein.identifiers import (
    CardInvalid,
    InvoiceInvalid,
    PlateInvalid,
    VinInvalid,
)
from voucher_service.tradein.qualifications import NoPool, PoolFull
from voucher_service.web.auth import TokenExpired, TokenInvalid, TokenMissing
from voucher_service.web.document import Example

_CALLER: tuple[type[DomainError], ...] = (TokenMissing, TokenInvalid, TokenExpired, TryAgain)
_FORM = (*_CALLER, NoSuchThing, InvalidInput, IllegalTransition)
_ID = "0190a8e2-7c4b-7e55-9a1d-3f6b2c8d4e10"
_NEW = {
    "vin": "LSVAA4182E2100001",
    "plate": "粤QD12345",
    "energy": "nev",
    "vehicle": "small",
    "seats": 5,
    "listed": True,
    "invoice": "26442000000012345678",
    "area": "441702",
    "buyer": "林秀英",
    "price_fen": 12_880_000,
    "tax_fen": 1_481_770,
    "invoiced_on": "2026-09-08",
    "registered_on": "2026-09-10",
}
_OLD = {
    "vin": "LSVAA4182E2100002",
    "plate": "粤QA1234",
    "energy": "petrol",
    "registered_on": "2011-05-20",
    "owned_since": "2016-03-01",
    "owner": "林秀英",
    "paper": "441702202600",
    "parted_on": "2026-08-20",
    "closed_on": "2026-08-28",
}
_CARD = {"holder": "林秀英", "number": "6228480000000000000", "bank": "农业银行阳江分行"}
_PAPERS = ["id_front", "id_back", "new_invoice", "new_registration", "recycling", "cancellation"]
_DRAFT: dict[str, Any] = {
    "id": _ID,
    "scheme": "car_scrap",
    "status": "draft",
    "missing": ["new_car", "old_car", "card", *_PAPERS],
    "wanted": _PAPERS,
    "corrections": {},
    "reason": "",
    "policy": None,
    "subsidy_fen": None,
    "filed_at": None,
    "submitted_at": None,
    "prechecked_at": None,
    "decided_at": None,
    "correct_until": None,
    "due_on": None,
    "paid_at": None,
}
_FILLED = _DRAFT | {"missing": []}
_SUBMITTED = _FILLED | {
    "status": "submitted",
    "policy": "car_scrap-2026",
    "subsidy_fen": 1_545_600,
    "filed_at": "2026-09-23T12:00:00+08:00",
    "submitted_at": "2026-09-23T12:00:00+08:00",
    "due_on": "2026-09-26",
}
_ALL = "/api/v1/trade-in/applications"
_ONE = f"{_ALL}/{{id}}"

EXAMPLES = {
    f"POST {_ALL}": Example(
        {"scheme": "car_scrap"}, _DRAFT, (*_CALLER, InvalidInput, IdentityRequired, ResidentBlocked)
    ),
    f"PUT {_ONE}/new-car": Example(
        _NEW,
        _DRAFT | {"missing": ["old_car", "card", *_PAPERS]},
        (*_FORM, VinInvalid, PlateInvalid, InvoiceInvalid, AreaUnserved),
    ),
    f"PUT {_ONE}/old-car": Example(
        _OLD, _DRAFT | {"missing": ["card", *_PAPERS]}, (*_FORM, VinInvalid, PlateInvalid)
    ),
    f"PUT {_ONE}/card": Example(_CARD, _DRAFT | {"missing": _PAPERS}, (*_FORM, CardInvalid)),
    f"PUT {_ONE}/evidence/{{name}}": Example(
        answer=_FILLED, refusals=(*_FORM, FileRefused, FileTooLarge)
    ),
    f"POST {_ONE}/submit": Example(
        answer=_SUBMITTED,
        refusals=(
            *_FORM,
            KeyMissing,
            KeyReused,
            InProgress,
            ApplicationIncomplete,
            ApplicationIneligible,
            VehicleTaken,
            UnitsTaken,
            NoPool,
            PoolFull,
            CorrectionLate,
            IdentityRequired,
        ),
    ),
    f"GET {_ONE}": Example(
        answer={
            "application": _SUBMITTED,
            "expected_fen": 1_545_600,
            "findings": [],
            "reasons": [],
        },
        refusals=(*_CALLER, NoSuchThing),
    ),
}
