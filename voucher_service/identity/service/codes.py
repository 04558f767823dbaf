"""A resident signs in: mobile and one-time code."""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Evidence
from voucher_service.kernel.ids import new_id

from .. import documents, store
from ..model import RESIDENT, Resident, SignInRefused
from ..tables import OneTimeCodeRow, ResidentRow
from . import throttle
from .residents import MOBILE, mobile_columns, view

_CODE = "one_time_code"
_HOUR = timedelta(hours=1)


def request_code(core: Core, *, mobile: str) -> None:
    """Send a one-time code, 6 digits, to a mobile; it is valid for `sign_in.code_ttl_seconds`.

    The answer is the same whether or not the mobile has an account. Raises MobileInvalid,
    TooManyRequests above `sign_in.codes_per_hour`, SmsUnavailable.
    """
    number = documents.mobile(mobile)
    limits = core.settings.sign_in
    code = f"{secrets.randbelow(1_000_000):06d}"
    hashes = store.digests(core.keyring.lookups(MOBILE, number))
    with core.transaction() as session:
        now = core.now(session)
        store.queue_up(session, hashes[0])
        sent = store.codes_sent(session, hashes, since=now - _HOUR)
        throttle.refuse_above(sent, limit=limits.codes_per_hour, window=_HOUR, now=now)
        code_id = new_id()
        row = OneTimeCodeRow(
            id=code_id,
            mobile_hash=hashes[0],
            code_hash=core.keyring.lookup(_CODE, f"{code_id}:{code}").digest,
            attempts=0,
            issued_at=now,
            expires_at=now + timedelta(seconds=limits.code_ttl_seconds),
        )
        session.add(row)
        session.flush()
        _record(session, SYSTEM, "one_time_code.issued", row, now)
    # After the commit: nobody should hold a code that we don't know.
    minutes = limits.code_ttl_seconds // 60
    text = (
        f"【消费券】您的登录验证码是 {code}，{minutes} 分钟内有效。"
        "请勿告诉任何人，工作人员不会索要。"
    )
    core.sms.send(mobile=number, code=code, text=text, at=now)


def sign_in(core: Core, *, mobile: str, code: str, evidence: Evidence) -> Resident:
    """The resident who holds the newest code of a mobile; the account is made at the first sign-in.

    A code works once, and is void after `sign_in.code_attempts` wrong tries. Raises MobileInvalid
    and SignInRefused, which doesn't tell a wrong code from an old or a missing one.
    """
    number = documents.mobile(mobile)
    hashes = store.digests(core.keyring.lookups(MOBILE, number))
    with core.transaction() as session:
        now = core.now(session)
        row = store.newest_code(session, hashes)
        accepted = _accepts(core, row, code, now)
        if row is not None and accepted:
            row.used_at = now
            resident = store.resident_by_mobile(session, hashes) or _register(
                core, session, number, now
            )
            session.flush()
            actor = Actor(ActorKind.RESIDENT, resident.id, evidence=evidence)
            _record(session, actor, "resident.signed_in", row, now)
            return view(resident)
        if row is not None and row.used_at is None:
            row.attempts = min(row.attempts + 1, core.settings.sign_in.code_attempts)
            session.flush()
            _record(
                session,
                Actor(ActorKind.RESIDENT, None, evidence=evidence),
                "resident.sign_in_refused",
                row,
                now,
            )
    raise SignInRefused


def _accepts(core: Core, row: OneTimeCodeRow | None, code: str, now: datetime) -> bool:
    """Judge after comparing, so that the time taken tells nothing."""
    code_id, expected = (row.id, row.code_hash) if row else (None, bytes(32))
    digits = unicodedata.normalize("NFKC", code).strip().encode("ascii", "replace").decode()
    given = core.keyring.lookups(_CODE, f"{code_id}:{digits}")
    same = any(hmac.compare_digest(keyed.digest, expected) for keyed in given)
    return (
        row is not None
        and same
        and row.used_at is None
        and row.expires_at > now
        and row.attempts < core.settings.sign_in.code_attempts
    )


def _register(core: Core, session: Session, number: str, now: datetime) -> ResidentRow:
    row = ResidentRow(
        **mobile_columns(core, new_id(), number),
        display_name="",
        status=RESIDENT.initial,
        synthetic=False,
        occurred_at=now,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor=Actor(ActorKind.RESIDENT, row.id),
        action="resident.registered",
        object_type="resident",
        object_id=str(row.id),
        now=now,
    )
    return row


def _record(
    session: Session, actor: Actor, action: str, row: OneTimeCodeRow, now: datetime
) -> None:
    seen = actor.evidence
    detail = {
        "address_prefix": seen.address_prefix,
        "device_id": seen.device_id,
        "agent_hash": seen.agent_hash,
    }
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="one_time_code",
        object_id=str(row.id),
        now=now,
        detail={key: value for key, value in detail.items() if value is not None},
    )
