"""Writes transfers, sums balances; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra.database import array
from voucher_service.kernel.money import ZERO, Money

from .model import RESOLUTIONS, Account, Code, Leg, Stage
from .tables import AccountRow

# One round trip on the hot path: the transfers and the legs whose accounts are open.
_POST = text("""
WITH t AS (
    INSERT INTO ledger.transfer (code, key, occurred_at)
    SELECT :code, key, :now FROM unnest(CAST(:keys AS text[])) AS key
    ON CONFLICT DO NOTHING RETURNING id, key
), e AS (
    INSERT INTO ledger.entry (transfer_id, account_id, amount_fen, occurred_at, seal)
    SELECT t.id, a.id, l.amount_fen, :now, l.seal
    FROM unnest(CAST(:of AS text[]), CAST(:owners AS text[]), CAST(:ids AS uuid[]),
            CAST(:stages AS text[]), CAST(:amounts AS bigint[]), CAST(:seals AS bytea[]))
        AS l (key, owner_type, owner_id, stage, amount_fen, seal)
    JOIN t USING (key)
    JOIN ledger.account a USING (owner_type, owner_id, stage)
    RETURNING account_id
)
SELECT (SELECT array_agg(key) FROM t) AS new, (SELECT count(*) FROM e) AS legs
""")
# The legs whose accounts were opened a moment ago.
_REST = text("""
INSERT INTO ledger.entry (transfer_id, account_id, amount_fen, occurred_at, seal)
SELECT t.id, a.id, l.amount_fen, t.occurred_at, l.seal
FROM unnest(CAST(:of AS text[]), CAST(:owners AS text[]), CAST(:ids AS uuid[]),
        CAST(:stages AS text[]), CAST(:amounts AS bigint[]), CAST(:seals AS bytea[]))
    AS l (key, owner_type, owner_id, stage, amount_fen, seal)
JOIN ledger.transfer t ON t.code = :code AND t.key = l.key
JOIN ledger.account a USING (owner_type, owner_id, stage)
WHERE t.key = ANY(CAST(:new AS text[])) AND NOT EXISTS (
    SELECT FROM ledger.entry e WHERE e.transfer_id = t.id AND e.account_id = a.id)
""")
# A balance is the last mark at or before the instant, plus what occurred after the mark, plus what
# occurred before the mark but was written since marks were last made. The time of all three is
# bounded, whatever the size of the book. Both bounds of a range are named, although one would do:
# the planner takes a range of unknown bounds for short, and half a range for a third of the book.
_BALANCES = text("""
WITH marked AS (
    SELECT w.number, a.id, m.at, m.balance_fen
    FROM unnest(CAST(:owners AS text[]), CAST(:ids AS uuid[]), CAST(:stages AS text[]))
        WITH ORDINALITY AS w (owner_type, owner_id, stage, number)
    JOIN ledger.account a USING (owner_type, owner_id, stage)
    LEFT JOIN LATERAL (
        SELECT at, balance_fen FROM balance_mark
        WHERE account_id = a.id AND at <= CAST(:at AS timestamptz)
        ORDER BY at DESC LIMIT 1
    ) m ON true
), unsettled AS MATERIALIZED (
    SELECT account_id, occurred_at, amount_fen FROM ledger.entry
    WHERE xid BETWEEN (SELECT xid FROM balance_horizon) AND 9223372036854775807
), late AS (
    SELECT m.id, sum(e.amount_fen) AS fen
    FROM marked m JOIN unsettled e ON e.account_id = m.id AND e.occurred_at <= m.at
    GROUP BY m.id
)
SELECT m.number, coalesce(m.balance_fen, 0) + coalesce(late.fen, 0) + coalesce(tail.fen, 0) AS fen
FROM marked m
LEFT JOIN late USING (id)
CROSS JOIN LATERAL (
    SELECT sum(amount_fen) AS fen FROM ledger.entry
    WHERE account_id = m.id AND occurred_at > coalesce(m.at, '-infinity')
        AND occurred_at <= CAST(:at AS timestamptz)
) tail
""")
_LINES = text("""
SELECT e.id, e.transfer_id, t.code, t.key, e.occurred_at, e.amount_fen
FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
JOIN ledger.transfer t ON t.id = e.transfer_id
WHERE a.owner_type = :owner AND a.owner_id = :id AND a.stage = :stage
    AND e.occurred_at >= CAST(:since AS timestamptz)
    AND e.occurred_at < CAST(:until AS timestamptz)
    AND e.occurred_at <= CAST(:before AS timestamptz)
    AND (e.occurred_at, e.id) < (CAST(:before AS timestamptz), CAST(:before_id AS bigint))
ORDER BY e.occurred_at DESC, e.id DESC LIMIT :limit
""")
_LATER_AT_ONCE = text("""
SELECT coalesce(sum(e.amount_fen), 0)
FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
WHERE a.owner_type = :owner AND a.owner_id = :id AND a.stage = :stage
    AND e.occurred_at = :at AND e.id > :entry
""")
_FROZEN = text("""
SELECT a.owner_id, e.amount_fen
FROM ledger.transfer t JOIN ledger.entry e ON e.transfer_id = t.id
JOIN ledger.account a ON a.id = e.account_id
WHERE t.code = :code AND t.key = :key AND a.stage = :stage
""")
_RESOLUTION = text(
    "SELECT code FROM ledger.transfer WHERE key = :key AND code = ANY(CAST(:codes AS text[]))"
)
_ALL_TIME = ("-infinity", "infinity")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A transfer to write: its key, its legs, and the seal of each leg."""

    key: str
    legs: Sequence[Leg]
    seals: Sequence[bytes]


def append(session: Session, *, code: Code, transfers: Sequence[Sealed], now: datetime) -> set[str]:
    """Write transfers, opening accounts used for the first time; the keys of those that are new."""
    legs = [leg for one in transfers for leg in one.legs]
    columns = {
        "code": str(code),
        "of": array([one.key for one in transfers for _ in one.legs]),
        **_columns([leg.account for leg in legs]),
        "amounts": array([leg.amount.fen for leg in legs]),
        "seals": array([seal for one in transfers for seal in one.seals]),
    }
    keys = array([one.key for one in transfers])
    found, written = session.execute(_POST, {**columns, "keys": keys, "now": now}).one()
    new = set(found or ())
    if written < sum(len(one.legs) for one in transfers if one.key in new):
        _open(session, [leg.account for leg in legs])
        session.execute(_REST, {**columns, "new": array(new)})
    return new


def balances(
    session: Session, accounts: Sequence[Account], at: datetime | None
) -> dict[Account, Money]:
    """Balances by all entries up to an instant, or by all there are."""
    found = dict.fromkeys(accounts, ZERO)
    rows = session.execute(_BALANCES, {**_columns(accounts), "at": at or "infinity"})
    for number, fen in rows:
        found[accounts[number - 1]] = Money(int(fen))
    return found


def lines(
    session: Session,
    account: Account,
    *,
    since: datetime | None,
    until: datetime | None,
    before: tuple[datetime, int] | None,
    limit: int,
) -> list[Any]:
    """Entries of an account within [since, until), newest first."""
    earliest, latest = _ALL_TIME
    instant, entry = before or (latest, 0)
    return list(
        session.execute(
            _LINES,
            {
                **_name(account),
                "since": since or earliest,
                "until": until or latest,
                "before": instant,
                "before_id": entry,
                "limit": limit,
            },
        ).all()
    )


def later_at_once(session: Session, account: Account, *, at: datetime, entry: int) -> Money:
    """What entries of the same instant with a higher number add up to."""
    values = {**_name(account), "at": at, "entry": entry}
    return Money(int(session.execute(_LATER_AT_ONCE, values).scalar_one()))


def frozen(session: Session, *, key: str) -> tuple[UUID, Money] | None:
    """The offer and the amount of a freeze."""
    row = session.execute(
        _FROZEN, {"code": Code.FROZEN, "key": key, "stage": Stage.FROZEN}
    ).one_or_none()
    return None if row is None else (row.owner_id, Money(row.amount_fen))


def resolution(session: Session, *, key: str) -> str | None:
    """How a freeze ended, if it did."""
    codes = [str(one) for one in RESOLUTIONS]
    found: str | None = session.execute(_RESOLUTION, {"key": key, "codes": codes}).scalar()
    return found


def _open(session: Session, accounts: Sequence[Account]) -> None:
    rows = [
        {"owner_type": str(one.owner), "owner_id": one.id, "stage": str(one.stage)}
        for one in accounts
    ]
    session.execute(insert(AccountRow).values(rows).on_conflict_do_nothing())


def _columns(accounts: Sequence[Account]) -> dict[str, str]:
    return {
        "owners": array([str(one.owner) for one in accounts]),
        "ids": array([one.id for one in accounts]),
        "stages": array([str(one.stage) for one in accounts]),
    }


def _name(account: Account) -> dict[str, Any]:
    return {"owner": str(account.owner), "id": account.id, "stage": str(account.stage)}
