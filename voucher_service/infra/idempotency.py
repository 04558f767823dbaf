"""One key, one effect: the record of a command that created something, in its own transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import LargeBinary, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from voucher_service.infra.database import Base, Recorded
from voucher_service.kernel.errors import Conflict, Malformed, Unprocessable

T = TypeVar("T")


class KeyMissing(Malformed):
    """A request that moves quota or money carries an Idempotency-Key."""

    code = "idempotency_key_missing"


class KeyReused(Unprocessable):
    """The key was used before for another request."""

    code = "idempotency_key_reused"


class InProgress(Conflict):
    """The first request with this key is still running."""

    code = "in_progress"
    retryable = True


class IdempotencyRow(Recorded, Base):
    """A key of one actor, the hash of what was asked, and the thing that came of it."""

    __tablename__ = "idempotency"

    scope: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    result: Mapped[UUID]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a command answers, and whether it is the answer of an earlier request."""

    value: T
    replayed: bool = False


def hash_of(value: str | Mapping[str, Any]) -> bytes:
    """SHA-256 of a key, or of a body in canonical JSON."""
    if not isinstance(value, str):
        value = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(value.encode()).digest()


def once(
    session: Session, *, scope: str, key: str | None, body: Mapping[str, Any], result: UUID
) -> UUID | None:
    """Take the key for `result`. None: go on. An id: the earlier result, answer with that.

    Raises KeyReused when the earlier request was another, InProgress when it has not ended.
    """
    if key is None:
        return None
    values = {
        "scope": scope,
        "key_hash": hash_of(key),
        "body_hash": hash_of(body),
        "result": result,
    }
    try:
        taken = session.execute(
            text(
                "INSERT INTO idempotency (scope, key_hash, body_hash, result)"
                " VALUES (:scope, :key_hash, :body_hash, :result)"
                " ON CONFLICT DO NOTHING RETURNING result"
            ),
            values,
        ).scalar_one_or_none()
    except OperationalError as error:
        raise InProgress(retry_after_seconds=1) from error
    if taken is not None:
        return None
    earlier = session.execute(
        text(
            "SELECT body_hash, result FROM idempotency"
            " WHERE scope = :scope AND key_hash = :key_hash"
        ),
        values,
    ).one()
    if bytes(earlier.body_hash) != values["body_hash"]:
        raise KeyReused
    return UUID(str(earlier.result))
