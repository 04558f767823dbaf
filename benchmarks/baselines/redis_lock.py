"""The seckill of many tutorials: a lock in Redis (SET NX), read the stock, write it, INSERT.

The row is written after the lock is given back, which is the quickest form of it.
"""

from __future__ import annotations

import random
import time
from uuid import uuid4

from flask import Flask, Response

from .plain import Pool, answer, bearer, gate, insert, offer_named, refused

app = Flask(__name__)
_pool = Pool()
_LOCK_MS = 3_000
_PAUSE_SECONDS = 0.002
_UNLOCK = gate().register_script(
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
)


@app.post("/api/v1/offers/<slug>/claims")
def claim(slug: str) -> Response:
    """Take one voucher."""
    resident = bearer("resident")
    if resident is None:
        return refused()
    offer = offer_named(slug)
    remaining = _take(f"bench:{offer.id}")
    if remaining is None:
        return answer(None)
    with _pool.connection() as connection:
        id = insert(connection, offer, remaining, resident)
    return answer(id)


def _take(stock: str) -> int | None:
    """How many were left before this one; None when nothing was, or the lock was never free."""
    lock, mine = f"{stock}:lock", uuid4().hex
    until = time.monotonic() + _LOCK_MS / 1000
    while not gate().set(lock, mine, nx=True, px=_LOCK_MS):
        if time.monotonic() > until:
            return None
        time.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311 - a pause, not a secret
    try:
        remaining = int(gate().get(stock) or 0)
        if remaining > 0:
            gate().set(stock, remaining - 1)
    finally:
        _UNLOCK(keys=[lock], args=[mine])
    return remaining if remaining > 0 else None
