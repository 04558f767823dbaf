"""Seals: a keyed hash beside each entry, so that whoever owns the tables can't change it unseen.

The seal of an entry covers the whole of it: the name of its account, its amount, and of its
transfer the code, the key, the instant and the number of legs. The key never reaches PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.infra.secrets import Keyring

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
BATCH = 20_000

# Every entry of some transfers, also those whose transfer is gone. Both sides come in the order of
# an index, so that a batch costs the same anywhere in the book.
_BATCH = text("""
SELECT coalesce(t.id, e.transfer_id) AS transfer, t.code, t.key,
    (extract(epoch FROM t.occurred_at) * 1000000)::bigint AS at,
    t.occurred_at = e.occurred_at AS same_instant,
    e.id, e.account_id, e.amount_fen, e.seal
FROM (SELECT * FROM ledger.transfer WHERE id > :after AND id <= :until) t
FULL JOIN (SELECT * FROM ledger.entry WHERE transfer_id > :after AND transfer_id <= :until) e
    ON e.transfer_id = t.id
ORDER BY 1, e.id
""")
_ACCOUNTS = text(
    "SELECT id, owner_type, owner_id, stage FROM ledger.account"
    " WHERE id = ANY(CAST(:ids AS bigint[]))"
)
_LAST = text(
    "SELECT greatest((SELECT max(id) FROM ledger.transfer),"
    " (SELECT max(transfer_id) FROM ledger.entry), 0)"
)


def instant(at: datetime) -> int:
    """Microseconds since 1970, which is all that PostgreSQL keeps."""
    return (at - _EPOCH) // _MICROSECOND


def name(owner: str, id: UUID, stage: str) -> str:
    """An account as it is sealed."""
    return f"{len(owner)}:{owner}|{id.hex}|{len(stage)}:{stage}"


def form(code: str, key: str, at: int, legs: int, account: str, fen: int) -> bytes:
    """What is sealed of an entry: its transfer, its account by `name`, its amount.

    Texts carry their length, so that no two entries have the same form. `at` is in microseconds
    since 1970. This form never changes.
    """
    return f"ledger/1|{len(code)}:{code}|{len(key)}:{key}|{at}|{legs}|{account}|{fen}".encode()


def last(session: Session) -> int:
    """The highest number of a transfer so far; 0 in an empty ledger."""
    return int(session.execute(_LAST).scalar_one())


def broken(session: Session, keyring: Keyring, *, after: int, until: int) -> Iterator[str]:
    """Each transfer of a range of numbers that isn't as it was sealed, with its odd entries."""
    rows = session.execute(_BATCH, {"after": after, "until": until}).all()
    accounts = _accounts(session, rows)
    for transfer, found in groupby(rows, itemgetter(0)):
        legs = list(found)
        odd = [row for row in legs if not _whole(keyring, accounts, row, len(legs))]
        if odd:
            yield _named(transfer, legs[0], odd)


def _accounts(session: Session, rows: Sequence[Any]) -> Mapping[int, str]:
    ids = {row.account_id for row in rows} - {None}
    found = session.execute(_ACCOUNTS, {"ids": list(ids)})
    return {row.id: name(row.owner_type, row.owner_id, row.stage) for row in found}


def _whole(keyring: Keyring, accounts: Mapping[int, str], row: Any, legs: int) -> bool:
    _, code, key, at, same_instant, _, account_id, fen, seal = row
    account = accounts.get(account_id)
    if code is None or account is None or not same_instant:
        return False
    return keyring.sealed(form(code, key, at, legs, account, fen), seal)


def _named(transfer: int, first: Any, odd: Sequence[Any]) -> str:
    said = f"({first.code} {first.key})" if first.code else "that is gone"
    if first.id is None:
        return f"transfer {transfer} {said} has lost its entries"
    entries = ", ".join(f"{row.id} ({row.amount_fen} fen, account {row.account_id})" for row in odd)
    return f"transfer {transfer} {said}: entry {entries}"
