"""Reads and writes of applications, settlement accounts and payment holds; decides nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Uuid,
    bindparam,
    exists,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from voucher_service.infra import areas, sessions
from voucher_service.infra.files import FileRow
from voucher_service.infra.secrets import Keyring
from voucher_service.infra.sessions import SessionRow

from .accounts import AccountStatus, HoldStatus
from .model import SANDBOX_USCC, CashierStatus, MerchantStatus, ShopStatus, Trade
from .onboarding import DocumentKind, MerchantApplicationStatus
from .onboarding_tables import (
    DocumentRow,
    MerchantApplicationRow,
    PaymentHoldRow,
    SettlementAccountRow,
)
from .tables import CashierRow, MerchantRow, ShopRow


def applicant_in_session(session: Session, subject: UUID, live: UUID, face: str) -> bool:
    """Whether somebody applies and their session lives."""
    statement = (
        select(CashierRow.id)
        .join(SessionRow, sessions.alive(live, CashierRow.id, face))
        .where(CashierRow.id == subject, CashierRow.status == CashierStatus.APPLYING)
    )
    return session.execute(statement).one_or_none() is not None


def application(
    session: Session, *where: ColumnElement[bool], lock: bool = False
) -> MerchantApplicationRow | None:
    """The one application that fits; with `lock` as it stands once the lock is held."""
    statement = select(MerchantApplicationRow).where(*where)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return session.scalars(statement).one_or_none()


def applications(
    session: Session,
    *,
    area: str,
    status: MerchantApplicationStatus,
    after: tuple[datetime, UUID] | None,
    most: int,
) -> list[MerchantApplicationRow]:
    """Applications of a division that were handed in and stand so, longest waiting first."""
    columns = (MerchantApplicationRow.submitted_at, MerchantApplicationRow.id)
    statement = select(MerchantApplicationRow).where(
        MerchantApplicationRow.status == status,
        MerchantApplicationRow.submitted_at.is_not(None),
        MerchantApplicationRow.area.startswith(areas.stem(area), autoescape=True),
    )
    if after is not None:
        statement = statement.where(tuple_(*columns) > after)
    return list(session.scalars(statement.order_by(*columns).limit(most)))


def waiting(session: Session, *, area: str) -> int:
    """How many applications of a division wait for a first check."""
    statement = select(func.count()).where(
        MerchantApplicationRow.status == MerchantApplicationStatus.SUBMITTED,
        MerchantApplicationRow.area.startswith(areas.stem(area), autoescape=True),
    )
    return session.execute(statement).scalar_one()


def documents(session: Session, application: UUID) -> dict[DocumentKind, UUID]:
    """The files of an application by what they show."""
    found = session.execute(
        select(DocumentRow.kind, DocumentRow.file_id).where(
            DocumentRow.application_id == application
        )
    )
    return {row.kind: row.file_id for row in found}


def refused_with_documents(session: Session, since: datetime, *, most: int) -> list[UUID]:
    """Applications refused before an instant of which a file still holds something, locked."""
    holds = (
        select(FileRow.id)
        .join(DocumentRow, DocumentRow.file_id == FileRow.id)
        .where(DocumentRow.application_id == MerchantApplicationRow.id, FileRow.cipher.is_not(None))
    )
    statement = select(MerchantApplicationRow.id).where(
        MerchantApplicationRow.status == MerchantApplicationStatus.REJECTED,
        MerchantApplicationRow.decided_at < since,
        holds.exists(),
    )
    return list(session.scalars(statement.limit(most).with_for_update(skip_locked=True)))


def put_document(
    session: Session, application: UUID, kind: DocumentKind, file: UUID, now: datetime
) -> None:
    """Name a file of an application, in place of an earlier one."""
    values = {
        "application_id": application,
        "kind": kind,
        "file_id": file,
        "occurred_at": now,
    }
    session.execute(
        insert(DocumentRow)
        .values(values)
        .on_conflict_do_update(
            index_elements=["application_id", "kind"],
            set_={"file_id": file, "occurred_at": now},
        )
    )


def account(session: Session, id: UUID) -> SettlementAccountRow | None:
    """An account as it stands once it is locked."""
    statement = select(SettlementAccountRow).where(SettlementAccountRow.id == id).with_for_update()
    return session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def accounts_in_force(
    session: Session, merchants: Collection[UUID], at: datetime
) -> list[SettlementAccountRow]:
    """The account in force at an instant of each of these merchants that has one."""
    statement = (
        select(SettlementAccountRow)
        .ext(distinct_on(SettlementAccountRow.merchant_id))
        .where(
            SettlementAccountRow.merchant_id == func.any(bindparam("merchants", type_=ARRAY(Uuid))),
            SettlementAccountRow.status == AccountStatus.APPROVED,
            SettlementAccountRow.effective_from <= at,
        )
        .order_by(
            SettlementAccountRow.merchant_id,
            SettlementAccountRow.effective_from.desc(),
            SettlementAccountRow.id.desc(),
        )
    )
    return list(session.scalars(statement, {"merchants": list(merchants)}))


def accounts(session: Session, merchant: UUID) -> list[SettlementAccountRow]:
    """Every account that a merchant named, newest first."""
    mine = select(SettlementAccountRow).where(SettlementAccountRow.merchant_id == merchant)
    newest = SettlementAccountRow.requested_at.desc(), SettlementAccountRow.id.desc()
    return list(session.scalars(mine.order_by(*newest)))


def add_hold(session: Session, values: Mapping[str, Any]) -> bool:
    """Insert a hold; False when one of its kind is in force."""
    statement = insert(PaymentHoldRow).values(values).on_conflict_do_nothing()
    made = session.execute(statement.returning(PaymentHoldRow.id))
    return made.scalar_one_or_none() is not None


def held_of(session: Session, merchants: Collection[UUID]) -> set[UUID]:
    """Those of these merchants on whom a hold is in force."""
    statement = select(PaymentHoldRow.merchant_id).where(
        PaymentHoldRow.merchant_id == func.any(bindparam("merchants", type_=ARRAY(Uuid))),
        PaymentHoldRow.status == HoldStatus.IN_FORCE,
    )
    return set(session.scalars(statement, {"merchants": list(merchants)}))


def holds(session: Session, *where: ColumnElement[bool]) -> list[PaymentHoldRow]:
    """Holds that fit, newest first."""
    newest = PaymentHoldRow.since.desc(), PaymentHoldRow.id.desc()
    return list(session.scalars(select(PaymentHoldRow).where(*where).order_by(*newest)))


def merchants(
    session: Session,
    *,
    area: str,
    text: str,
    after: tuple[str, UUID] | None,
    most: int,
) -> list[MerchantRow]:
    """Merchants with a shop in a division whose name or credit code holds a text, by name."""
    statement = select(MerchantRow).order_by(MerchantRow.name, MerchantRow.id).limit(most)
    if area:
        here = ShopRow.area.startswith(areas.stem(area), autoescape=True)
        statement = statement.where(exists().where(ShopRow.merchant_id == MerchantRow.id, here))
    if text:
        statement = statement.where(
            or_(
                MerchantRow.name.contains(text, autoescape=True),
                MerchantRow.uscc == text.upper(),
            )
        )
    if after is not None:
        statement = statement.where(tuple_(MerchantRow.name, MerchantRow.id) > after)
    return list(session.scalars(statement))


def shops_of(session: Session, merchant: UUID) -> list[ShopRow]:
    """A merchant's shops by name."""
    mine = select(ShopRow).where(ShopRow.merchant_id == merchant)
    return list(session.scalars(mine.order_by(ShopRow.name, ShopRow.id)))


def listed_shops(
    session: Session,
    *,
    stem: str,
    trade: Trade | None,
    text: str,
    invented: bool,
    after: tuple[str, UUID] | None,
    most: int,
) -> list[tuple[ShopRow, str]]:
    """Shops that take vouchers, by name, each with its merchant's; also `invented` ones, but not
    the sandbox's.
    """
    statement = (
        select(ShopRow, MerchantRow.name)
        .join(MerchantRow, MerchantRow.id == ShopRow.merchant_id)
        .where(ShopRow.status == ShopStatus.ACTIVE, MerchantRow.status == MerchantStatus.ACTIVE)
        .where(MerchantRow.uscc != SANDBOX_USCC)
        .order_by(ShopRow.name, ShopRow.id)
        .limit(most)
    )
    if stem:
        statement = statement.where(ShopRow.area.startswith(stem, autoescape=True))
    if trade is not None:
        statement = statement.where(ShopRow.trade == trade)
    if text:
        named = (ShopRow.name, ShopRow.address, MerchantRow.name)
        statement = statement.where(or_(*(one.contains(text, autoescape=True) for one in named)))
    if not invented:
        statement = statement.where(ShopRow.synthetic.is_(False))
    if after is not None:
        statement = statement.where(tuple_(ShopRow.name, ShopRow.id) > after)
    return [(row.ShopRow, row.name) for row in session.execute(statement)]


def encrypt_person(keyring: Keyring, application: UUID, person: Mapping[str, str]) -> bytes:
    """The personal data of an application as a cipher text that belongs to it alone."""
    return _encrypted(keyring, _of_application(application), person)


def person(keyring: Keyring, row: MerchantApplicationRow) -> dict[str, str]:
    """The personal data of an application in clear."""
    return _decrypted(keyring, _of_application(row.id), row.person_cipher)


def encrypt_holder(keyring: Keyring, account: UUID, holder: Mapping[str, str]) -> bytes:
    """An account's holder and number as a cipher text that belongs to it alone."""
    return _encrypted(keyring, _of_account(account), holder)


def holder(keyring: Keyring, row: SettlementAccountRow) -> dict[str, str]:
    """An account's holder and number in clear."""
    return _decrypted(keyring, _of_account(row.id), row.number_cipher)


def rotate(session: Session, keyring: Keyring, *, most: int) -> int:
    """Encrypt applications and accounts anew that are under another key than the newest."""
    newest = keyring.encrypt("", bound_to="")[0]
    applications = list(
        session.scalars(
            select(MerchantApplicationRow)
            .where(func.get_byte(MerchantApplicationRow.person_cipher, 0) != newest)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
    )
    for one in applications:
        one.person_cipher = encrypt_person(keyring, one.id, person(keyring, one))
    accounts = list(
        session.scalars(
            select(SettlementAccountRow)
            .where(func.get_byte(SettlementAccountRow.number_cipher, 0) != newest)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
    )
    for each in accounts:
        each.number_cipher = encrypt_holder(keyring, each.id, holder(keyring, each))
    session.flush()
    return len(applications) + len(accounts)


def _of_application(id: UUID) -> str:
    return f"merchant_application:{id}:person"


def _of_account(id: UUID) -> str:
    return f"settlement_account:{id}:holder"


def _encrypted(keyring: Keyring, bound_to: str, told: Mapping[str, str]) -> bytes:
    return keyring.encrypt(json.dumps(told, ensure_ascii=False), bound_to=bound_to)


def _decrypted(keyring: Keyring, bound_to: str, cipher: bytes) -> dict[str, str]:
    told: dict[str, str] = json.loads(keyring.decrypt(cipher, bound_to=bound_to))
    return told
