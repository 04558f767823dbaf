"""Merchants, shops and cashiers are entered."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.identity import documents, passwords
from voucher_service.identity import service as identity
from voucher_service.identity.documents import Document, Identity
from voucher_service.identity.model import UsernameTaken
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import Conflict, NotAllowed
from voucher_service.kernel.ids import MerchantId, ShopId, new_id

from .. import model, store
from ..model import (
    CASHIER,
    MERCHANT,
    SHOP,
    SHOP_ROLES,
    AreaUnknown,
    Cashier,
    Merchant,
    Shop,
    SizeClass,
    Trade,
    UsccTaken,
)
from ..tables import CashierRow, MerchantRow, ShopRow
from .access import ENTERS, require_for_cashiers, require_staff
from .views import cashier_view, found, merchant_view, shop_view


def create_merchant(
    core: Core, *, actor: Actor, name: str, uscc: str, size_class: SizeClass
) -> Merchant:
    """Enter a merchant. Raises NotAllowed, BusinessNameInvalid, UsccInvalid, UsccTaken."""
    require_staff(actor, ENTERS)
    row = MerchantRow(
        id=new_id(),
        name=model.business_name(name),
        uscc=model.uscc(uscc),
        size_class=size_class,
        status=MERCHANT.initial,
    )
    with core.transaction() as session:
        row.occurred_at = core.now(session)
        _insert(session, actor, "merchant", row, UsccTaken)
        return merchant_view(row)


def create_shop(
    core: Core,
    *,
    actor: Actor,
    merchant: MerchantId,
    name: str,
    area: str,
    trade: Trade,
    address: str = "",
) -> Shop:
    """Enter a shop of a merchant in a division that we know.

    Raises AreaUnknown, NotAllowed (staff of another area too), BusinessNameInvalid, NoSuchThing.
    """
    if not areas.known(area):
        raise AreaUnknown(area=area)
    require_staff(actor, ENTERS, area=areas.full(area))
    row = ShopRow(
        id=new_id(),
        merchant_id=merchant,
        name=model.business_name(name),
        area=areas.full(area),
        trade=trade,
        address=model.business_name(address) if address.strip() else "",
        status=SHOP.initial,
    )
    with core.transaction() as session:
        row.occurred_at = core.now(session)
        found(store.merchant(session, merchant))
        _insert(session, actor, "shop", row)
        return shop_view(row)


def create_cashier(
    core: Core,
    *,
    actor: Actor,
    shop: ShopId,
    username: str,
    password: str,
    display_name: str,
    role: Role = Role.CASHIER,
    document: Document = Document.RESIDENT_ID,
    id_number: str | None = None,
    demo: bool = False,
) -> Cashier:
    """Open an account for a shop's cashier or manager.

    Staff may, and a manager for the own merchant's shops. With an `id_number` the till refuses the
    cashier's own vouchers. Demonstration accounts may have short passwords and are refused in
    production. Raises NotAllowed, UsernameInvalid, UsernameTaken, PasswordTooShort,
    IdNumberInvalid, NoSuchThing.
    """
    if role not in SHOP_ROLES:
        raise ValueError(f"a shop has {' and '.join(SHOP_ROLES)}, no {role}")
    if demo and core.settings.production:
        raise NotAllowed
    cashier = new_id()
    known = documents.identity(document, id_number) if id_number else None
    row = CashierRow(
        id=cashier,
        shop_id=shop,
        username=documents.username(username),
        password_hash=passwords.hashed(password, demo=demo),
        display_name=display_name.strip(),
        role=role,
        status=CASHIER.initial,
        demo=demo,
        **(identity_columns(core, cashier, known) if known else {}),
    )
    with core.transaction() as session:
        row.occurred_at = core.now(session)
        place = found(store.shop(session, shop))
        require_for_cashiers(session, actor, ENTERS | {Role.MANAGER}, shop=place)
        _insert(session, actor, "cashier", row, UsernameTaken)
        return cashier_view(row)


def identity_columns(core: Core, cashier: UUID, known: Identity) -> dict[str, object]:
    """The columns of a cashier that an identity document fills."""
    hashes = identity.identity_hashes(core.keyring, known)
    return {
        "identity_document": known.document,
        "identity_cipher": core.keyring.encrypt(known.number, bound_to=identity_bound(cashier)),
        "identity_hashes": [keyed.digest for keyed in hashes],
        "identity_key_ids": [keyed.key_id for keyed in hashes],
    }


def identity_bound(cashier: UUID) -> str:
    """What a cashier's cipher text is bound to."""
    return f"cashier:{cashier}:identity"


def _insert(
    session: Session,
    actor: Actor,
    kind: str,
    row: MerchantRow | ShopRow | CashierRow,
    taken: type[Conflict] | None = None,
) -> None:
    """Add the row and its record; `taken` is raised when its unique name belongs to another."""
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        if taken is None:
            raise
        raise taken from error
    audit.record(
        session,
        actor=actor,
        action=f"{kind}.created",
        object_type=kind,
        object_id=str(row.id),
        now=row.occurred_at,
    )
