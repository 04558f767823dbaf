"""A generated book made larger inside PostgreSQL: its vouchers and orders again, at other shops
and hours; and one more day of it, with what that leaves in the ledger and the trail.

Only what a count reads is kept whole: indexes and checks that it does not use are let go of.
"""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex
from typing import Any

import psycopg

_KEPT = ("pk_voucher", "pk_redemption", "ix_voucher_offer", "ix_redemption_offer")
_KEPT_BESIDE = ("ix_redemption_voucher", "ix_redemption_payment_reference", "ix_voucher_lapsed")
_VOUCHERS = """
WITH copies AS (SELECT n || %(salt)s AS k FROM generate_series(1, %(copies)s::int) n)
INSERT INTO voucher (id, offer_id, release_id, release_quota, slot, resident_id, ordinal,
    generation, epoch, holds_slot, claim_key_hash, occurred_at, face_value_fen, spent_fen, status,
    valid_from, valid_until, code_ref, address_prefix, device_id, agent_hash)
SELECT md5(id::text || k)::uuid, offer_id, release_id, release_quota, slot, resident_id, ordinal,
    generation, epoch, holds_slot, claim_key_hash, occurred_at, face_value_fen, spent_fen, status,
    valid_from, valid_until, code_ref, address_prefix, device_id, agent_hash
FROM first_voucher CROSS JOIN copies
WHERE occurred_at >= %(since)s AND occurred_at < %(since)s + interval '1 day'
ORDER BY occurred_at
"""
_ORDERS = """
WITH copies AS (SELECT n || %(salt)s AS k FROM generate_series(1, %(copies)s::int) n),
places AS (SELECT id AS shop, merchant_id AS merchant, row_number() OVER () AS place FROM shop),
drawn AS (
    SELECT r.*, k, 1 + floor(random() * (SELECT count(*) FROM shop))::int AS place
    FROM first_redemption r CROSS JOIN copies
    WHERE r.occurred_at >= %(since)s AND r.occurred_at < %(since)s + interval '1 day')
INSERT INTO redemption (id, merchant_id, shop_id, cashier_id, voucher_id, offer_id, part,
    order_reference, payment_reference, key_hash, body_hash, nonce, code_window, order_amount_fen,
    discount_fen, refunded_fen, refunded_discount_fen, paid_fen, status, phase, occurred_at,
    claimed_on)
SELECT md5(id::text || k)::uuid, merchant, shop, cashier_id,
    md5(voucher_id::text || k)::uuid, offer_id, part, order_reference || '-' || k,
    CASE WHEN random() < 0.001 THEN payment_reference
        ELSE payment_reference || '-' || k END,
    key_hash, body_hash, nonce, code_window, order_amount_fen, discount_fen, 0, 0, paid_fen, status,
    phase, date_trunc('day', occurred_at + interval '8 hours') - interval '8 hours'
        + interval '9 hours' + random() * interval '12 hours', claimed_on
FROM drawn JOIN places USING (place) ORDER BY occurred_at
"""
_GROWN = ("voucher", "redemption")
_DAYS = """
SELECT date_trunc('day', occurred_at + interval '8 hours') - interval '8 hours' AS day
FROM (SELECT occurred_at FROM first_voucher UNION ALL SELECT occurred_at FROM first_redemption) x
GROUP BY day ORDER BY day
"""
_ANOTHER = """
WITH days AS (
    SELECT date_trunc('day', occurred_at + interval '8 hours') - interval '8 hours' AS day,
        count(*) AS orders
    FROM redemption GROUP BY 1)
SELECT min(day), (SELECT max(day) FROM days) + interval '1 day' - min(day)
FROM days WHERE orders >= (SELECT avg(orders) FROM days)
"""
_DAY = "occurred_at >= %(since)s AND occurred_at < %(since)s + interval '1 day'"
_DAY_VOUCHERS = f"""
INSERT INTO voucher (id, offer_id, release_id, release_quota, slot, resident_id, ordinal,
    generation, epoch, holds_slot, claim_key_hash, occurred_at, face_value_fen, spent_fen, status,
    valid_from, valid_until, code_ref)
SELECT gen_random_uuid(), offer_id, release_id, release_quota, slot, resident_id, ordinal,
    generation, epoch, true, claim_key_hash, occurred_at + %(later)s, face_value_fen, 0, 'claimed',
    valid_from + %(later)s, valid_until + %(later)s, code_ref
FROM voucher WHERE {_DAY}
"""
_DAY_ORDERS = f"""
INSERT INTO redemption (id, merchant_id, shop_id, cashier_id, voucher_id, offer_id, part,
    order_reference, payment_reference, key_hash, body_hash, nonce, code_window, order_amount_fen,
    discount_fen, refunded_fen, refunded_discount_fen, paid_fen, status, phase, occurred_at,
    claimed_on)
SELECT gen_random_uuid(), merchant_id, shop_id, cashier_id, voucher_id, offer_id, part,
    order_reference || '+' || %(salt)s,
    payment_reference || '+' || %(salt)s, key_hash, body_hash, nonce, code_window,
    order_amount_fen, discount_fen, 0, 0, paid_fen, status, phase, occurred_at + %(later)s,
    claimed_on + 1
FROM redemption WHERE {_DAY}
"""
# A transfer for each order and for each claim, with the two legs that they have; an event for each.
_DAY_BOOKS = """
WITH moves AS (
    SELECT 'claimed' AS code, id, offer_id, face_value_fen AS fen, occurred_at,
        'reserved' AS source, 'outstanding' AS target, row_number() OVER () AS n
    FROM voucher WHERE occurred_at >= %(since)s + %(later)s
    UNION ALL
    SELECT 'redeemed', id, offer_id, discount_fen, occurred_at, 'outstanding', 'committed',
        row_number() OVER ()
    FROM redemption WHERE occurred_at >= %(since)s + %(later)s
), written AS (
    INSERT INTO ledger.transfer (code, key, occurred_at) SELECT code, id::text, occurred_at
    FROM moves RETURNING id, code, key, occurred_at
), told AS (
    INSERT INTO audit.event (actor, action, object_type, object_id, to_status, occurred_at)
    SELECT 'system', 'voucher.redeemed', 'voucher', id::text, code, occurred_at FROM moves
)
INSERT INTO ledger.entry (transfer_id, account_id, amount_fen, occurred_at, seal)
SELECT w.id, a.id, CASE a.stage WHEN m.target THEN m.fen ELSE -m.fen END, w.occurred_at, ''
FROM moves m JOIN written w ON w.key = m.id::text AND w.code = m.code
JOIN ledger.account a ON a.owner_id = m.offer_id AND a.owner_type = 'pool'
    AND a.stage IN (m.source, m.target)
"""
# The pools are as they were: who pays for the day is no part of what is measured.
_DAY_UNDONE = """
WITH moved AS (
    SELECT account_id, sum(amount_fen) AS fen, max(occurred_at) AS at FROM ledger.entry
    WHERE seal = '' AND occurred_at >= %(since)s + %(later)s GROUP BY account_id
), written AS (
    INSERT INTO ledger.transfer (code, key, occurred_at)
    SELECT 'folded', gen_random_uuid(), max(at) FROM moved RETURNING id
)
INSERT INTO ledger.entry (transfer_id, account_id, amount_fen, occurred_at, seal)
SELECT written.id, account_id, -fen, at, '' FROM moved CROSS JOIN written WHERE fen <> 0
"""
_DAY_LAPSES = """
INSERT INTO audit.event (actor, action, object_type, object_id, from_status, to_status,
    occurred_at, detail)
SELECT 'system', 'voucher.expired', 'voucher', gen_random_uuid()::text, 'claimed', 'expired',
    %(since)s + %(later)s, jsonb_build_object('ids', jsonb_agg(id))
FROM (SELECT id, offer_id, row_number() OVER (PARTITION BY offer_id) / 5000 AS part FROM voucher
      WHERE status = 'expired' AND valid_until >= %(since)s
        AND valid_until < %(since)s + interval '1 day') due
GROUP BY offer_id, part
"""
# What lapsed of the last claim days, alive until a day.
_ALIVE = """
UPDATE voucher SET status = 'claimed', valid_until = %(until)s
WHERE status = 'expired' AND holds_slot AND occurred_at >= (
    SELECT max(occurred_at) - %(days)s * interval '1 day' FROM voucher)
"""
_LAST_DAY = """
WITH due AS (
    UPDATE voucher SET status = 'expired' WHERE status = 'claimed' AND valid_until = %(until)s
    RETURNING id, offer_id
), told AS (
    INSERT INTO audit.event (actor, action, object_type, object_id, from_status, to_status,
        occurred_at, detail)
    SELECT 'system', 'voucher.expired', 'voucher', gen_random_uuid()::text, 'claimed', 'expired',
        %(until)s, jsonb_build_object('ids', jsonb_agg(id))
    FROM (SELECT *, row_number() OVER (PARTITION BY offer_id) / 5000 AS part FROM due) x
    GROUP BY offer_id, part
)
SELECT count(*) FROM due
"""
READ = """
SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
WHERE relname = 'voucher'
"""
"""How many rows of vouchers the transaction under way has read."""


def loosen(owner: psycopg.Connection[tuple[Any, ...]]) -> int:
    """No trigger, and no index or check that counting does not use; the first rows are kept apart,
    once. How many orders they have.
    """
    owner.execute("SET session_replication_role = replica")
    owner.execute("SET synchronous_commit = off")
    for table in _GROWN:
        if owner.execute("SELECT to_regclass(%s)", [f"first_{table}"]).fetchall() != [(None,)]:
            continue
        for (name,) in owner.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype <> 'n'"
            " ORDER BY contype DESC",
            [table],
        ).fetchall():
            if name not in _KEPT:
                owner.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE')
        for (name,) in owner.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = %s", [table]
        ).fetchall():
            if name not in (*_KEPT, *_KEPT_BESIDE):
                owner.execute(f'DROP INDEX "{name}"')
        owner.execute(f"CREATE TABLE first_{table} AS TABLE {table}")
    ((orders,),) = owner.execute("SELECT count(*) FROM first_redemption").fetchall()
    return int(orders)


def grow(owner: psycopg.Connection[tuple[Any, ...]], copies: int) -> None:
    """Add so many copies of the first rows, and gather statistics.

    The copies come day after day, as rows do; the indexes are made anew when all are there. All or
    nothing: a book that was left half grown is as it was.
    """
    asked = {"copies": copies, "salt": token_hex(8)}
    with owner.transaction():
        indexes = [made for table in _GROWN for made in _let_go(owner, table)]
        for (since,) in owner.execute(_DAYS).fetchall():
            owner.execute(_VOUCHERS, asked | {"since": since})
            owner.execute(_ORDERS, asked | {"since": since})
        owner.execute("SET LOCAL maintenance_work_mem = '1GB'")
        for made in indexes:
            owner.execute(made)
    for table in _GROWN:
        owner.execute(f"VACUUM (ANALYZE) {table}")


def _let_go(owner: psycopg.Connection[tuple[Any, ...]], table: str) -> list[str]:
    """Drop the primary key and the indexes of a table; the statements that make them again."""
    key, made = f"pk_{table}", [f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY (id)"]
    owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {key} CASCADE")
    for name, definition in owner.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s", [table]
    ).fetchall():
        owner.execute(f'DROP INDEX "{name}"')
        made.append(definition)
    return made


def one_more_day(owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    """A day like the others (the first with as many orders as the average) once more, on the day
    after the book's last.
    """
    ((since, later),) = owner.execute(_ANOTHER).fetchall()
    day = {"since": since, "later": later, "salt": token_hex(8)}
    for statement in (_DAY_VOUCHERS, _DAY_ORDERS, _DAY_BOOKS, _DAY_UNDONE, _DAY_LAPSES):
        owner.execute(statement, day)


def keep_alive(owner: psycopg.Connection[tuple[Any, ...]], days: int) -> datetime:
    """Vouchers of the last so many claim days that had lapsed live until one instant: which."""
    ((until,),) = owner.execute(
        "SELECT max(valid_until) + interval '400 days' FROM voucher"
    ).fetchall()
    owner.execute(_ALIVE, {"days": days, "until": until})
    owner.execute("VACUUM (ANALYZE) voucher")
    assert isinstance(until, datetime)
    return until


def last_day(owner: psycopg.Connection[tuple[Any, ...]], until: datetime) -> int:
    """That day is over; how many lapse."""
    ((lapsed,),) = owner.execute(_LAST_DAY, {"until": until}).fetchall()
    return int(lapsed)
