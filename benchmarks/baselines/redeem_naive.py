"""A till as it is often written: SELECT the voucher, look at its status, UPDATE it, INSERT.

No ledger, no audit, no replay of a first answer, and two tills at once both succeed.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from flask import Flask, Response, request

from voucher_service.infra.secrets import Keyring
from voucher_service.vouchers import code as codes

from .plain import SETTINGS, Pool, answer, bearer, refused

app = Flask(__name__)
_pool = Pool()
_keyring = Keyring(SETTINGS.secrets)
_TILL = """
SELECT c.shop_id, s.merchant_id FROM cashier c JOIN shop s ON s.id = c.shop_id WHERE c.id = %s"""
_VOUCHER = """
SELECT v.id, v.offer_id, v.status, v.valid_until > now(), o.face_value_fen, o.threshold_fen
FROM voucher v JOIN offer o ON o.id = v.offer_id WHERE v.code_ref = %s"""
_SPEND = "UPDATE voucher SET status = 'redeemed', spent_fen = %s WHERE id = %s"
_INSERT = """
INSERT INTO redemption (id, merchant_id, shop_id, cashier_id, voucher_id, offer_id, part,
    order_reference, key_hash, body_hash, nonce, code_window, order_amount_fen, discount_fen,
    refunded_fen, refunded_discount_fen, status, phase, occurred_at, claimed_on)
VALUES (%s, %s, %s, %s, %s, %s, 1, %s, %s, %s, %s, %s, %s, %s, 0, 0, 'committed', 'none', now(),
    current_date)"""


@app.post("/api/v1/redemptions")
def redeem() -> Response:
    """Spend a voucher on an order."""
    cashier = bearer("merchant")
    if cashier is None:
        return refused()
    body = request.get_json()
    read = codes.read(_keyring, body["code"])
    read.check_time(datetime.now(UTC), SETTINGS.till.code_window_seconds)
    with _pool.connection() as connection, connection.transaction():
        id = _redeem(connection, cashier, read, body)
    return answer(id)


def _redeem(
    connection: psycopg.Connection[Any], cashier: UUID, read: codes.Read, body: dict[str, Any]
) -> UUID | None:
    shop, merchant = connection.execute(_TILL, [cashier]).fetchone() or (None, None)
    row = connection.execute(_VOUCHER, [read.code_ref]).fetchone()
    if row is None or shop is None:
        return None
    voucher, offer, status, valid, face_fen, threshold_fen = row
    amount_fen, reference = body["order_amount_fen"], body["order_reference"]
    if status != "claimed" or not valid or amount_fen < threshold_fen:
        return None
    connection.execute(_SPEND, [face_fen, voucher])
    id = uuid4()
    key = hashlib.sha256(request.headers["Idempotency-Key"].encode()).digest()
    told = hashlib.sha256(request.get_data()).digest()
    where = (id, merchant, shop, cashier, voucher, offer)
    what = (reference, key, told, read.nonce, read.window, amount_fen, face_fen)
    connection.execute(_INSERT, (*where, *what))
    return id
