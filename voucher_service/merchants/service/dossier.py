"""An application as it is stored: what is typed into it, and how its readers see it, masked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.identity import documents
from voucher_service.infra import files
from voucher_service.infra.core import core_of
from voucher_service.kernel.ids import CashierId, MerchantId

from .. import onboarding_store as store
from .. import place
from ..accounts import AccountKind, BankAccount
from ..model import SizeClass, Trade
from ..onboarding import Business, MerchantApplication, MerchantApplicationId, PlannedShop
from ..onboarding_tables import MerchantApplicationRow

MOBILE, LEGAL_PERSON = "mobile", "legal_person"
HOLDER, NUMBER = "account_name", "account_number"


def view(session: Session, row: MerchantApplicationRow) -> MerchantApplication:
    """An application; of personal data only what lists show."""
    person = store.person(core_of(session).keyring, row)
    handed_in = store.documents(session, row.id)
    drawn = files.pictures(session, files=handed_in.values())
    return MerchantApplication(
        id=MerchantApplicationId(row.id),
        applicant_id=CashierId(row.applicant_id),
        status=row.status,
        business=_business(row.content, documents.masked(person.get(LEGAL_PERSON, ""))),
        shops=shops(row.content),
        account=_account(row.content, person),
        documents=handed_in,
        pictures=frozenset(kind for kind, file in handed_in.items() if file in drawn),
        mobile=documents.masked_mobile(person.get(MOBILE, "")),
        commitment=row.commitment,
        agreed_at=row.agreed_at,
        area=row.area,
        findings=row.findings,
        reason=row.reason,
        submitted_at=row.submitted_at,
        prechecked_by=row.prechecked_by,
        decided_at=row.decided_at,
        merchant_id=None if row.merchant_id is None else MerchantId(row.merchant_id),
    )


def _business(content: Mapping[str, Any], legal_person: str) -> Business | None:
    told = content.get("business")
    if told is None:
        return None
    return Business(told["name"], told["uscc"], SizeClass(told["size_class"]), legal_person)


def _account(content: Mapping[str, Any], person: Mapping[str, str]) -> BankAccount | None:
    told = content.get("account")
    if told is None:
        return None
    kind, number = AccountKind(told["kind"]), person[NUMBER]
    name = shown_holder(kind, person[HOLDER])
    return BankAccount(kind, name, number[-4:], told["bank"], told["cnaps"])


def shown_holder(kind: AccountKind, name: str) -> str:
    """Whose account it is, as lists say it: a person's name is masked."""
    return documents.masked(name) if kind is AccountKind.PERSONAL else name


def shops(content: Mapping[str, Any]) -> tuple[PlannedShop, ...]:
    """The shops of an application in the order in which they were added."""
    return tuple(
        PlannedShop(
            name=one["name"],
            area=one["area"],
            trade=Trade(one["trade"]),
            address=one["address"],
            hours=place.from_json(one["hours"]),
            position=place.position(one["latitude"], one["longitude"]),
        )
        for one in content.get("shops", [])
    )


def shop_as_json(shop: PlannedShop) -> dict[str, Any]:
    """A shop as it is stored."""
    return {
        "name": shop.name,
        "area": shop.area,
        "trade": str(shop.trade),
        "address": shop.address,
        "hours": shop.hours.as_json() if shop.hours else None,
        "latitude": shop.position.latitude if shop.position else None,
        "longitude": shop.position.longitude if shop.position else None,
    }


def fingerprint(session: Session, row: MerchantApplicationRow) -> str:
    """What was handed in, personal data and files included, as one hash."""
    names = store.documents(session, row.id)
    told = {
        "content": row.content,
        "person": store.person(core_of(session).keyring, row),
        "documents": {str(kind): str(file) for kind, file in names.items()},
        "files": files.fingerprints(session, files=names.values()),
        "commitment": row.commitment,
    }
    text = json.dumps(told, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
