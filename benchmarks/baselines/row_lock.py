"""The textbook: one counter row an offer, locked by UPDATE … WHERE remaining > 0, then INSERT."""

from __future__ import annotations

from flask import Flask, Response

from .plain import Pool, answer, bearer, insert, offer_named, refused

app = Flask(__name__)
_pool = Pool()
_TAKE = """
UPDATE bench_stock SET remaining = remaining - 1 WHERE offer_id = %s AND remaining > 0
RETURNING remaining"""


@app.post("/api/v1/offers/<slug>/claims")
def claim(slug: str) -> Response:
    """Take one voucher."""
    resident = bearer("resident")
    if resident is None:
        return refused()
    offer = offer_named(slug)
    with _pool.connection() as connection, connection.transaction():
        row = connection.execute(_TAKE, [offer.id]).fetchone()
        id = insert(connection, offer, offer.quota - row[0], resident) if row else None
    return answer(id)
