"""The better seckill: stock and person limit in one Lua script, then one INSERT for each claim."""

from __future__ import annotations

from flask import Flask, Response

from .plain import Pool, answer, bearer, gate, insert, offer_named, refused

app = Flask(__name__)
_pool = Pool()
# KEYS  1 stock  2 who has one        ARGV  1 resident        Returns what was left before, or 0
_TAKE = gate().register_script("""
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 1 then return 0 end
local left = tonumber(redis.call('GET', KEYS[1]))
if left <= 0 then return 0 end
redis.call('DECR', KEYS[1])
redis.call('SADD', KEYS[2], ARGV[1])
return left
""")


@app.post("/api/v1/offers/<slug>/claims")
def claim(slug: str) -> Response:
    """Take one voucher."""
    resident = bearer("resident")
    if resident is None:
        return refused()
    offer = offer_named(slug)
    stock = f"bench:{offer.id}"
    left = int(_TAKE(keys=[stock, f"{stock}:who"], args=[resident.bytes]))
    if not left:
        return answer(None)
    with _pool.connection() as connection:
        id = insert(connection, offer, left, resident)
    return answer(id)
