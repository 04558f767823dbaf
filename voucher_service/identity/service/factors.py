"""The second factor of staff: codes of an authenticator, and ten recovery codes for its loss."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra import sessions
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NotAllowed

from .. import passwords, second_factor, store
from ..desk import Answer
from ..model import FactorRefused, PasswordUnchanged, Staff
from ..tables import RecoveryCodeRow, StaffRow
from . import passkeys, throttle
from .rows import otp_bound, own, record, view

RECOVERY_CODES = 10
_RECOVERY_BYTES = 10
_CODE = re.compile(r"[0-9]{6}")


def shown(core: Core, session: Session, row: StaffRow, otp: str | None, now: datetime) -> bool:
    """Whether this is a code of the person's authenticator or a recovery code, not used before."""
    store.staff(session, row.id, lock=True)  # one code opens one session, however many try at once
    typed = re.sub(r"[\s-]", "", otp or "")
    if _CODE.fullmatch(typed):
        return _right(core, row, row.otp_cipher, typed, now)
    return bool(typed) and store.spend_recovery_code(session, row.id, _hash(row.id, typed), now)


def _right(core: Core, row: StaffRow, cipher: bytes | None, code: str, now: datetime) -> bool:
    if cipher is None:
        return False
    secret = base64.b32decode(core.keyring.decrypt(cipher, bound_to=otp_bound(row.id)))
    step = second_factor.accepted_step(secret, code, now=now, used=row.otp_step or 0)
    row.otp_step = step or row.otp_step
    return step is not None


def begin_otp(core: Core, *, actor: Actor) -> str:
    """A new secret in base32 for the person's authenticator; it counts once a code confirms it."""
    secret = base64.b32encode(os.urandom(second_factor.SECRET_BYTES)).decode()
    with core.transaction() as session:
        row = own(session, actor)
        row.otp_pending_cipher = core.keyring.encrypt(secret, bound_to=otp_bound(row.id))
        session.flush()
    return secret


def pending_otp(core: Core, *, actor: Actor) -> str | None:
    """The secret that waits for its first code, in base32."""
    with core.transaction() as session:
        row = own(session, actor)
        cipher = row.otp_pending_cipher
        return core.keyring.decrypt(cipher, bound_to=otp_bound(row.id)) if cipher else None


def confirm_otp(
    core: Core, *, actor: Actor, code: str, session: UUID | None = None
) -> tuple[str, ...]:
    """Enrol the authenticator whose code this is; ten new recovery codes, shown this once.

    The person's other sessions end. Raises FactorRefused, TooManyRequests.
    """
    with core.transaction() as books:
        row, now, login = _trying(core, books, actor)
        if _right(core, row, row.otp_pending_cipher, code.strip(), now):
            row.otp_cipher, row.otp_pending_cipher = row.otp_pending_cipher, None
            codes = _new_recovery_codes(books, row, now)
            throttle.forget_failures(books, login=login)
            _changed(books, actor, "staff.otp_enrolled", row, now, session)
            return codes
        throttle.count_failure(books, login=login, now=now)
    raise FactorRefused


def remove_otp(core: Core, *, actor: Actor, session: UUID | None = None) -> None:
    """Forget the person's authenticator; recovery codes go with the last factor."""
    with core.transaction() as books:
        row, now = own(books, actor), core.now(books)
        row.otp_cipher = row.otp_pending_cipher = row.otp_step = None
        if not row.passkeys:
            store.forget_recovery_codes(books, row.id)
        _changed(books, actor, "staff.otp_removed", row, now, session)


def renew_recovery_codes(core: Core, *, actor: Actor) -> tuple[str, ...]:
    """Ten recovery codes in place of the old ones, shown this once."""
    with core.transaction() as session:
        row, now = own(session, actor), core.now(session)
        codes = _new_recovery_codes(session, row, now)
        record(session, actor, "staff.recovery_codes_made", row.id, now)
        return codes


def recovery_codes_left(session: Session, *, staff: UUID) -> int:
    """How many recovery codes were not used yet."""
    return store.recovery_codes_left(session, staff)


def show_factor(
    core: Core,
    *,
    actor: Actor,
    session: UUID,
    otp: str | None = None,
    passkey: Answer | None = None,
) -> None:
    """Show the second factor again in a session, before an act that asks for a fresh one.

    Raises FactorRefused, TooManyRequests.
    """
    with core.transaction() as books:
        row, now, login = _trying(core, books, actor)
        if passkey is not None:
            purpose = passkeys.confirming(row.id)
            key = passkeys.answered(core, books, passkey, purpose=purpose, now=now)
            right = key is not None and key.staff_id == row.id
        else:
            right = shown(core, books, row, otp, now)
        if right:
            throttle.forget_failures(books, login=login)
            sessions.show_factor(books, id=session, now=now)
            books.flush()
            record(books, actor, "staff.factor_shown", row.id, now)
            return
        throttle.count_failure(books, login=login, now=now)
    raise FactorRefused


def change_password(
    core: Core, *, actor: Actor, old: str, new: str, session: UUID | None = None
) -> Staff:
    """Another password for the person who acts; their other sessions end.

    Raises PasswordUnchanged when `old` is wrong or `new` is the same, PasswordTooShort,
    TooManyRequests.
    """
    hashed = passwords.hashed(new, demo=False)
    with core.transaction() as books:
        row, now, login = _trying(core, books, actor)
        if row.demo:  # everybody knows its password, which the start page prints
            raise NotAllowed
        if passwords.match(row.password_hash, old) and old != new:
            row.password_hash, row.temporary_password = hashed, False
            throttle.forget_failures(books, login=login)
            _changed(books, actor, "staff.password_changed", row, now, session)
            return view(row)
        throttle.count_failure(books, login=login, now=now)
    raise PasswordUnchanged


def drop_all(session: Session, row: StaffRow) -> None:
    """Forget every second factor of an account: for a person who lost them."""
    row.otp_cipher = row.otp_pending_cipher = row.otp_step = None
    store.forget_recovery_codes(session, row.id)
    store.forget_passkeys(session, row.id)


def _trying(
    core: Core, session: Session, actor: Actor
) -> tuple[StaffRow, datetime, throttle.Login]:
    """The account, the instant and the count of wrong tries. Raises TooManyRequests."""
    row, now = own(session, actor), core.now(session)
    login = throttle.login_of(core, "factor", str(row.id))
    limit = core.settings.sign_in.failures_per_quarter_hour
    throttle.refuse_when_closed(session, login=login, now=now, limit=limit)
    return row, now, login


def _changed(
    books: Session, actor: Actor, action: str, row: StaffRow, now: datetime, session: UUID | None
) -> None:
    """Write a change of factors: other sessions began with the old ones, so they end."""
    books.flush()
    record(books, actor, action, row.id, now)
    sessions.end_all(books, subject=row.id, now=now, but=session)
    if session is not None:
        sessions.show_factor(books, id=session, now=now)


def _new_recovery_codes(session: Session, row: StaffRow, now: datetime) -> tuple[str, ...]:
    store.forget_recovery_codes(session, row.id)
    plain = [
        base64.b32encode(os.urandom(_RECOVERY_BYTES)).decode().lower()
        for _ in range(RECOVERY_CODES)
    ]
    session.add_all(
        RecoveryCodeRow(staff_id=row.id, code_hash=_hash(row.id, one), made_at=now) for one in plain
    )
    session.flush()
    return tuple("-".join(re.findall("....", one)) for one in plain)


def _hash(staff: UUID, code: str) -> bytes:
    """Eighty random bits need no slow hash; the id keeps equal codes of two people apart."""
    return hashlib.sha256(f"{staff}:{code.lower()}".encode("utf-8", "surrogatepass")).digest()
