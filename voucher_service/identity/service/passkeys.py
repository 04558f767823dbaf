"""Passkeys of staff (WebAuthn): made for one address, verified by their owner, told from copies."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import webauthn
from sqlalchemy.orm import Session
from webauthn.helpers import (
    options_to_json,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.infra import sessions
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import new_id

from .. import store
from ..desk import Answer, Origin, Passkey
from ..model import FactorRefused
from ..tables import PasskeyRow
from .rows import own, record

SIGN_IN = "sign_in"
LIVES = timedelta(minutes=2)
_NAME = "消费券管理台"
# What the library raises on a text that is no credential at all.
_UNREADABLE = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)


def confirming(staff: UUID) -> str:
    """What a challenge is for that shows a factor again."""
    return f"confirm:{staff}"


def registering(staff: UUID) -> str:
    """What a challenge is for that a new passkey answers."""
    return f"register:{staff}"


def registration(core: Core, *, actor: Actor, origin: Origin) -> dict[str, Any]:
    """What the browser is asked to make a passkey with: `PublicKeyCredentialCreationOptions`."""
    with core.transaction() as session:
        row, now = own(session, actor), core.now(session)
        options = webauthn.generate_registration_options(
            rp_id=origin.domain,
            rp_name=_NAME,
            user_id=row.id.bytes,
            user_name=row.username,
            user_display_name=row.display_name,
            challenge=_challenge(core, registering(row.id), now),
            timeout=int(LIVES.total_seconds() * 1000),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=bytes(one.credential_id))
                for one in store.passkeys(session, row.id)
            ],
        )
    return dict(json.loads(options_to_json(options)))


def question(core: Core, *, origin: Origin, actor: Actor | None = None) -> dict[str, Any]:
    """What the browser is asked to answer with a passkey: to sign in, or as `actor` once more."""
    with core.transaction() as session:
        purpose = confirming(own(session, actor).id) if actor else SIGN_IN
        options = webauthn.generate_authentication_options(
            rp_id=origin.domain,
            challenge=_challenge(core, purpose, core.now(session)),
            timeout=int(LIVES.total_seconds() * 1000),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    return dict(json.loads(options_to_json(options)))


def register(
    core: Core, *, actor: Actor, name: str, answer: Answer, session: UUID | None = None
) -> Passkey:
    """Keep the passkey that a browser made. The person's other sessions end.

    Raises FactorRefused when it answers no open challenge of theirs, verified nobody, or is known.
    """
    with core.transaction() as books:
        row, now = own(books, actor), core.now(books)
        try:
            made = parse_registration_credential_json(answer.text)
            challenge = _asked(core, made.response.client_data_json, registering(row.id), now)
            proved = webauthn.verify_registration_response(
                credential=made,
                expected_challenge=challenge,
                expected_rp_id=answer.origin.domain,
                expected_origin=answer.origin.address,
                require_user_verification=True,
            )
        except _UNREADABLE:
            raise FactorRefused from None
        if not _spend(books, challenge, now) or store.passkey(books, proved.credential_id):
            raise FactorRefused
        key = PasskeyRow(
            id=new_id(),
            staff_id=row.id,
            credential_id=proved.credential_id,
            public_key=proved.credential_public_key,
            sign_count=proved.sign_count,
            name=name.strip(),
            made_at=now,
        )
        books.add(key)
        books.flush()
        record(books, actor, "staff.passkey_added", row.id, now, passkey=str(key.id))
        sessions.end_all(books, subject=row.id, now=now, but=session)
        if session is not None:
            sessions.show_factor(books, id=session, now=now)
        return _view(key)


def passkeys(session: Session, *, staff: UUID) -> list[Passkey]:
    """The passkeys of a member of staff, oldest first."""
    return [_view(one) for one in store.passkeys(session, staff)]


def rename(core: Core, *, actor: Actor, passkey: UUID, name: str) -> Passkey:
    """Another name for one's own passkey. Raises NoSuchThing."""
    with core.transaction() as session:
        key = _mine(session, actor, passkey)
        key.name = name.strip()
        session.flush()
        return _view(key)


def remove(core: Core, *, actor: Actor, passkey: UUID, session: UUID | None = None) -> None:
    """Forget one's own passkey; other sessions end. Raises NoSuchThing."""
    with core.transaction() as books:
        key, now = _mine(books, actor, passkey), core.now(books)
        books.delete(key)
        books.flush()
        record(books, actor, "staff.passkey_removed", key.staff_id, now, passkey=str(key.id))
        sessions.end_all(books, subject=key.staff_id, now=now, but=session)


def answered(
    core: Core, session: Session, answer: Answer, *, purpose: str, now: datetime
) -> PasskeyRow | None:
    """The passkey that answered an open challenge of this purpose; None when none did.

    A counter that does not grow means that a copy is about: the passkey is suspended, an alarm is
    raised, and nobody is let in.
    """
    try:
        shown = parse_authentication_credential_json(answer.text)
        challenge = _asked(core, shown.response.client_data_json, purpose, now)
        key = store.passkey(session, shown.raw_id)
        if key is None or key.suspended_at is not None or not _spend(session, challenge, now):
            return None
        proved = webauthn.verify_authentication_response(
            credential=shown,
            expected_challenge=challenge,
            expected_rp_id=answer.origin.domain,
            expected_origin=answer.origin.address,
            credential_public_key=bytes(key.public_key),
            credential_current_sign_count=0,  # judged below, where a copy has consequences
            require_user_verification=True,
        )
    except _UNREADABLE:
        return None
    if (proved.new_sign_count or key.sign_count) and proved.new_sign_count <= key.sign_count:
        _suspend(session, key, now)
        return None
    key.sign_count, key.used_at = proved.new_sign_count, now
    session.flush()
    return key


def _suspend(session: Session, key: PasskeyRow, now: datetime) -> None:
    key.suspended_at = now
    session.flush()
    record(session, SYSTEM, "staff.passkey_copied", key.staff_id, now, passkey=str(key.id))
    alarms.raise_alarm(
        session,
        kind=Kind.SIGN_IN,
        subject=f"staff:{key.staff_id}",
        detail={"passkey": str(key.id)},
        now=now,
    )


def _challenge(core: Core, purpose: str, now: datetime) -> bytes:
    """A challenge that carries its end and our mark: asking writes nothing, answering does."""
    ends = int((now + LIVES).timestamp())
    text = f"{secrets.token_hex(16)}.{ends}"
    return f"{text}.{core.keyring.form_mac(f'passkey:{purpose}:{text}')}".encode()


def _asked(core: Core, client_data: bytes, purpose: str, now: datetime) -> bytes:
    """The challenge that was answered, when we asked it for this purpose within two minutes.

    Raises ValueError.
    """
    challenge = parse_client_data_json(client_data).challenge
    text, _, mac = challenge.decode("ascii").rpartition(".")
    expected = core.keyring.form_mac(f"passkey:{purpose}:{text}")
    if not secrets.compare_digest(mac, expected) or int(text.split(".")[1]) < now.timestamp():
        raise ValueError("not our challenge")
    return challenge


def _spend(session: Session, challenge: bytes, now: datetime) -> bool:
    return store.spend_challenge(
        session, hashlib.sha256(challenge).digest(), expires_at=now + LIVES
    )


def _mine(session: Session, actor: Actor, passkey: UUID) -> PasskeyRow:
    row = own(session, actor)
    for key in store.passkeys(session, row.id):
        if key.id == passkey:
            return key
    raise NoSuchThing


def _view(key: PasskeyRow) -> Passkey:
    return Passkey(key.id, key.name, key.made_at, key.used_at, key.suspended_at is not None)
