"""Synthetic shops in bulk, and a change of keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from voucher_service.audit import service as audit
from voucher_service.identity.documents import Identity
from voucher_service.infra import areas, files
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Role
from voucher_service.kernel.ids import CashierId, MerchantId, ShopId, new_id

from .. import model, onboarding_store, store
from ..model import CASHIER, MERCHANT, SHOP, AreaUnknown, SyntheticShop, SyntheticTill
from ..onboarding import MERCHANT_APPLICATION
from .registry import identity_bound, identity_columns


def register_synthetic_shops(
    core: Core, *, shops: Iterable[SyntheticShop], now: datetime
) -> list[SyntheticTill]:
    """Enter invented shops, each with one cashier who can't sign in, in the order given.

    Shops with the same credit code belong to one merchant, which may exist already. One audit event
    names the batch by count and hash. Raises UsccInvalid, BusinessNameInvalid, AreaUnknown.
    """
    merchants: dict[str, dict[str, Any]] = {}
    places: list[dict[str, Any]] = []
    for shop in shops:
        code = model.uscc(shop.uscc)
        merchants.setdefault(code, _merchant(shop, code, now))
        places.append(_place(shop, now) | {"merchant_id": code})
    people = [_person(place["id"], now) for place in places]
    with core.transaction() as session:
        owners = store.add_merchants(session, list(merchants.values()))
        for place in places:
            place["merchant_id"] = owners[place["merchant_id"]]
        store.add_tills(session, places, people)
        tills = [
            SyntheticTill(
                MerchantId(place["merchant_id"]), ShopId(place["id"]), CashierId(person["id"])
            )
            for place, person in zip(places, people, strict=True)
        ]
        digest = hashlib.sha256(b"".join(till.shop_id.bytes for till in tills)).hexdigest()
        audit.record(
            session,
            actor=SYSTEM,
            action="shop.registered_synthetic",
            object_type="shop_batch",
            object_id=digest[:32],
            now=now,
            detail={"count": len(tills), "ids_sha256": digest},
        )
    return tills


def forget_documents(core: Core, *, most: int = 200) -> int:
    """Delete the files of applications that were refused long ago; their hashes stay. How many
    applications; call until it answers 0.
    """
    kept = timedelta(days=core.settings.applications.keep_refused_days)
    with core.transaction() as session:
        now = core.now(session)
        refused = onboarding_store.refused_with_documents(session, now - kept, most=most)
        for one in refused:
            documents = onboarding_store.documents(session, one)
            audit.record(
                session,
                actor=SYSTEM,
                action="merchant_application.forgotten",
                object_type=MERCHANT_APPLICATION.name,
                object_id=str(one),
                now=now,
                detail={"files": files.empty(session, files=documents.values())},
            )
        return len(refused)


def _merchant(shop: SyntheticShop, code: str, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "name": model.business_name(shop.merchant_name),
        "uscc": code,
        "size_class": shop.size_class,
        "status": MERCHANT.initial,
        "synthetic": True,
        "occurred_at": now,
    }


def _place(shop: SyntheticShop, now: datetime) -> dict[str, Any]:
    if not areas.known(shop.area):
        raise AreaUnknown(area=shop.area)
    return {
        "id": new_id(),
        "name": model.business_name(shop.shop_name),
        "area": areas.full(shop.area),
        "trade": shop.trade,
        "address": shop.address,
        "status": SHOP.initial,
        "synthetic": True,
        "occurred_at": now,
    }


def _person(shop: UUID, now: datetime) -> dict[str, Any]:
    cashier = new_id()
    return {
        "id": cashier,
        "shop_id": shop,
        "username": f"synthetic-{cashier.hex[-20:]}",
        "display_name": "收银员",
        "role": Role.CASHIER,
        "status": CASHIER.initial,
        "synthetic": True,
        "occurred_at": now,
    }


def rotate_fields(core: Core, *, batch: int = 1000) -> int:
    """Encrypt and hash anew up to `batch` identities of cashiers, applications and accounts, and a
    tenth as many files; how many there were.

    Call until it answers 0, before the command of the same name of `identity`.
    """
    with core.transaction() as session:
        handed_in = onboarding_store.rotate(session, core.keyring, most=batch)
        handed_in += files.rotate(session, batch=max(1, batch // 10))
    return handed_in + _rotate_cashiers(core, batch)


def _rotate_cashiers(core: Core, batch: int) -> int:
    newest = core.keyring.encrypt("", bound_to="")[0]
    keys = [keyed.key_id for keyed in core.keyring.lookups("", "")]
    with core.transaction() as session:
        rows = store.cashiers_on_old_keys(session, field_key=newest, lookup_keys=keys, most=batch)
        for row in rows:
            if row.identity_cipher is None or row.identity_document is None:
                continue
            number = core.keyring.decrypt(row.identity_cipher, bound_to=identity_bound(row.id))
            columns = identity_columns(core, row.id, Identity(row.identity_document, number))
            for column, value in columns.items():
                setattr(row, column, value)
        session.flush()
        if rows:
            audit.record(
                session,
                actor=SYSTEM,
                action="cashier.keys_rotated",
                object_type="cashier_batch",
                object_id=f"{rows[0].id}..{rows[-1].id}",
                now=core.now(session),
                detail={"count": len(rows), "field": newest},
            )
        return len(rows)
