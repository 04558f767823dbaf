"""What the baselines share: tokens, a pool of prepared connections, one INSERT of a voucher."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from queue import LifoQueue
from typing import Any
from uuid import UUID, uuid4

import jwt
import psycopg
import redis
from flask import Response, jsonify, request

from voucher_service import settings

SETTINGS = settings.load()
_POOL_SIZE = int(os.environ.get("BENCH_POOL", "4"))
_OFFER = """
SELECT o.id, r.id, r.quota, o.face_value_fen FROM offer o JOIN release r ON r.offer_id = o.id
WHERE o.slug = %s"""
_INSERT = """
INSERT INTO voucher (id, offer_id, release_id, release_quota, slot, resident_id, ordinal,
    generation, epoch, holds_slot, claim_key_hash, occurred_at, face_value_fen, spent_fen, status,
    valid_from, valid_until, code_ref)
VALUES (%s, %s, %s, %s, %s, %s, 1, 1, 1, true, %s, now(), %s, 0, 'claimed',
    now(), now() + interval '7 days', %s)
ON CONFLICT DO NOTHING RETURNING id"""


@dataclass(frozen=True)
class Offer:
    """What a claim must know of an offer."""

    id: UUID
    release_id: UUID
    quota: int
    face_value_fen: int


class Pool:
    """A fixed number of connections, opened when first needed."""

    def __init__(self) -> None:
        self._free: LifoQueue[psycopg.Connection[Any] | None] = LifoQueue()
        for _ in range(_POOL_SIZE):
            self._free.put(None)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """One connection; each statement commits by itself outside a transaction."""
        one = self._free.get()
        try:
            one = one or psycopg.connect(
                SETTINGS.database.url, autocommit=True, prepare_threshold=0
            )
            yield one
        finally:
            self._free.put(one)


@cache
def gate() -> redis.Redis:
    """The same Redis-compatible server that our gate uses."""
    return redis.Redis.from_url(SETTINGS.gate.url)


def bearer(audience: str) -> UUID | None:
    """Whose token came with the request; None when it is not good."""
    try:
        claims = jwt.decode(
            request.headers.get("Authorization", "").removeprefix("Bearer "),
            SETTINGS.secrets.token_key,
            algorithms=["HS256"],
            audience=audience,
            issuer="voucher",
            options={"require": ["exp", "iat", "sub", "jti"]},
        )
        return UUID(claims["sub"])
    except (jwt.InvalidTokenError, ValueError):
        return None


@cache
def offer_named(slug: str) -> Offer:
    """An offer, read once by each process."""
    with psycopg.connect(SETTINGS.database.url) as connection:
        row = connection.execute(_OFFER, [slug]).fetchone()
    assert row is not None
    return Offer(*row)


def insert(
    connection: psycopg.Connection[Any], offer: Offer, slot: int, resident: UUID
) -> UUID | None:
    """Insert one voucher; None when the resident or the slot has one."""
    id = uuid4()
    key = hashlib.sha256(request.headers["Idempotency-Key"].encode()).digest()
    reference = id.int >> 65
    values = (id, offer.id, offer.release_id, offer.quota, slot, resident, key)
    row = connection.execute(_INSERT, (*values, offer.face_value_fen, reference)).fetchone()
    return row[0] if row else None


def answer(voucher: UUID | None) -> Response:
    """201 with the voucher, or 409."""
    response = jsonify(id=voucher) if voucher else jsonify(code="sold_out")
    response.status_code = 201 if voucher else 409
    return response


def refused() -> Response:
    """401."""
    return Response(status=401)
